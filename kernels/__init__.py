"""What is measured: interchangeable kernels for one logistic-regression gradient.

Importing this package loads no numba, no jax and no scikit-learn; `load(name)` imports what that one
kernel needs. Nothing in here knows of timing.
"""

from kernels.contract import Backend, BackendUnavailable, Gradient, Kernel, Problem
from kernels.registry import load, names

__all__ = ["Backend", "BackendUnavailable", "Gradient", "Kernel", "Problem", "load", "names"]
