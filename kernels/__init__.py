"""What is measured: interchangeable kernels for one logistic-regression gradient.

Importing this package imports no Numba, JAX, scikit-learn or PyTorch; `load(name)` imports what that one kernel
needs. Nothing here knows about timing.
"""

from kernels.contract import Backend, BackendUnavailable, Gradient, Kernel, Problem
from kernels.registry import load, names

__all__ = ["Backend", "BackendUnavailable", "Gradient", "Kernel", "Problem", "load", "names"]
