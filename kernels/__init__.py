"""What is measured: interchangeable kernels for each operation, such as one logistic-regression gradient.

Importing this package imports no Numba, JAX, scikit-learn or PyTorch; `load(name)` imports what that one kernel
needs. Nothing here knows about timing.
"""

from kernels.contract import Backend, BackendUnavailable, Inputs, Judgement, Kernel, Operation
from kernels.gradient.problem import Gradient, Problem
from kernels.registry import load, load_operation, names

__all__ = [
    "Backend",
    "BackendUnavailable",
    "Gradient",
    "Inputs",
    "Judgement",
    "Kernel",
    "Operation",
    "Problem",
    "load",
    "load_operation",
    "names",
]
