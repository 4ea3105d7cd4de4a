"""Networks of units: layers of them between the features and the probability."""
