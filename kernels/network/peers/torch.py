"""torch: PyTorch on the CPU. The forward pass is written, and autograd goes back through it."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from kernels import backends
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net


def build(static: Net) -> Call:
    """A call for this shape of network."""
    unit = {"relu": torch.relu, "sigmoid": torch.sigmoid}[Net(*static).activation]

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        """New leaves share the parameters' memory, so that no call sees what another differentiated."""
        leaves = [parameter.detach().requires_grad_() for parameter in parameters]
        (*hidden, w, b), A = leaves, X
        for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
            A = unit(torch.addmm(bias, A, W))
        J = binary_cross_entropy_with_logits(torch.addmv(b, A, w), y)
        return (J.detach(), *torch.autograd.grad(J, leaves))

    return gradient


TORCH = Kernel(
    "torch", backends.torch(), "PyTorch's autograd, operation by operation", 2, build=build, operation="network"
)
