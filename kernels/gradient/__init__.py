"""The gradient of logistic regression: the cost of a training set and its gradient."""
