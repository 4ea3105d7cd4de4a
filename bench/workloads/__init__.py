"""The data and parameters that kernels compute with."""
