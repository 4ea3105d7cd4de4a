"""torch and torch-compile: PyTorch on the CPU, operation by operation, and the same function through torch.compile.

    z = b + Xw,   J = mean softplus((1 − 2y) z),   dz = σ(z) − y,   dw = Xᵀdz / m,   db = mean(dz)

No tensor requires a gradient, so autograd records nothing; inference_mode would only add 1 µs to a call.
"""

from functools import cache

import torch
from torch.nn.functional import softplus

from kernels import backends
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_LINEAR_FROM = 40
"""For larger s, softplus(s) is replaced by s, an error below 2⁻⁵³. With PyTorch's default of 20 the error is 10⁻¹⁰,
which is visible in float64."""


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """The score, σ and softplus are each one operation of PyTorch."""
    z = torch.addmv(b, X, w)
    J = softplus((1 - 2 * y) * z, threshold=_LINEAR_FROM).mean()
    dz = torch.sigmoid(z) - y
    return Gradient(J, X.T @ dz / len(y), dz.mean())


TORCH = Kernel("torch", backends.torch(), "PyTorch's operations, one after another", 2, gradient)


@cache
def _compiled() -> Kernel:
    # one version for each shape, never a generic one: earlier workloads must not make a later one slower
    function = torch.compile(gradient, dynamic=False, fullgraph=True)
    return Kernel("torch-compile", backends.torch(compiles=True), "the same through torch.compile", 2, function)


def __getattr__(name: str) -> Kernel:
    """TORCH_COMPILE, created on first access: importing its compiler takes longer than importing PyTorch."""
    if name == "TORCH_COMPILE":
        return _compiled()
    raise AttributeError(name)
