"""Gradient descent: from a start along the gradient, a given number of steps."""
