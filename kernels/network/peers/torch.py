"""torch and torch-compile: PyTorch on the CPU. The forward pass is written, and autograd goes back through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from kernels import backends
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net


def build(static: Net, compiled: Callable[[Any], Any] = lambda cost: cost) -> Call:
    """A call for this shape of network."""
    unit = {"relu": torch.relu, "sigmoid": torch.sigmoid}[Net(*static).activation]

    @compiled
    def cost(X: Array, y: Array, *parameters: Array) -> Array:
        (*hidden, w, b), A = parameters, X
        for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
            A = unit(torch.addmm(bias, A, W))
        return binary_cross_entropy_with_logits(torch.addmv(b, A, w), y)

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        """New leaves share the parameters' memory, so that no call sees what another differentiated."""
        leaves = [parameter.detach().requires_grad_() for parameter in parameters]
        J = cost(X, y, *leaves)
        return (J.detach(), *torch.autograd.grad(J, leaves))

    return gradient


TORCH = Kernel(
    "torch", backends.torch(), "PyTorch's autograd, operation by operation", 2, build=build, operation="network"
)


@cache
def _compiled() -> Kernel:
    # one version for each shape, never a generic one: earlier workloads must not make a later one slower
    compiled = partial(build, compiled=torch.compile(dynamic=False, fullgraph=True))
    backend, summary = backends.torch(compiles=True), "autograd through torch.compile, forward and back"
    return Kernel("torch-compile", backend, summary, 2, build=compiled, operation="network")


def __getattr__(name: str) -> Kernel:
    """TORCH_COMPILE, created on first access: importing its compiler takes longer than importing PyTorch."""
    if name == "TORCH_COMPILE":
        return _compiled()
    raise AttributeError(name)
