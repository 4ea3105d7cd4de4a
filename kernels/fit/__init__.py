"""From the data to the coefficients: solvers of a penalised logistic regression, from any start to the optimum."""
