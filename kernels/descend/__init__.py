"""Gradient descent: from a start against the gradient, a given number of steps."""
