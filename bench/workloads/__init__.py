"""The data that kernels are given."""
