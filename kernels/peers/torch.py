"""torch and torch-compile: PyTorch on the CPU, operation by operation, and the same function through torch.compile.

    z = b + Xw,   J = mean softplus((1 − 2y) z),   dz = σ(z) − y,   dw = Xᵀdz / m,   db = mean(dz)

Nothing requires a gradient, so autograd records nothing; inference_mode would only add 1 µs to a call.
"""

from functools import cache

import torch
from torch.nn.functional import softplus

from kernels import backends
from kernels.contract import Array, Gradient, Kernel

_LINEAR_FROM = 40
"""Beyond, softplus(s) is taken to be s: less than 2⁻⁵³ off. At PyTorch's own 20 it is 10⁻¹⁰, which float64 shows."""


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """The score is one operation in PyTorch; so are σ and softplus."""
    z = torch.addmv(b, X, w)
    J = softplus((1 - 2 * y) * z, threshold=_LINEAR_FROM).mean()
    dz = torch.sigmoid(z) - y
    return Gradient(J, X.T @ dz / len(y), dz.mean())


TORCH = Kernel("torch", backends.torch(), "PyTorch's operations, one after another", 2, gradient)


@cache
def _compiled() -> Kernel:
    # a version for each shape, none for all: a workload must not be slower for those before it
    function = torch.compile(gradient, dynamic=False, fullgraph=True)
    return Kernel("torch-compile", backends.torch(compiles=True), "the same through torch.compile", 2, function)


def __getattr__(name: str) -> Kernel:
    """TORCH_COMPILE, made when it is asked for: its compiler takes longer to import than PyTorch does."""
    if name == "TORCH_COMPILE":
        return _compiled()
    raise AttributeError(name)
