"""Helpers of the kernels that Numba compiles: vectors, memory, the sigmoid, passes over X."""
