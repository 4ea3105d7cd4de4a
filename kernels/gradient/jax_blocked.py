"""jax-blocked: the vectorised formulas on one block of examples at a time, in a loop that XLA compiles.

Each block is a slice of X that is used twice while it is in cache, so that X is read from memory once. The examples
after the last whole block are a smaller block.
"""

import jax
import jax.numpy as jnp
from jax import lax

from kernels import backends
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_BLOCK_BYTES = 2**23
"""Bytes of X in a block, for an L3 cache of 32 MiB. XLA starts its threads for each operation on a block. At
1000000x32-f64 on two cores of an AMD EPYC (Zen 4): 38 ms with 2^19, 21 with 2^22, 17 with 2^23, 23 with 2^24."""


@jax.jit
def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """lax.scan over blocks; the carry is the three sums."""
    m, n = X.shape
    rows = max(1, min(m, _BLOCK_BYTES // (n * X.dtype.itemsize)))

    def add(sums: tuple[Array, Array, Array], first: Array, count: int = rows) -> tuple[tuple[Array, ...], None]:
        block, labels = lax.dynamic_slice_in_dim(X, first, count), lax.dynamic_slice_in_dim(y, first, count)
        t = 1 - 2 * labels
        s = t * (jnp.matmul(block, w, precision="highest") + b)
        e = jnp.exp(-jnp.abs(s))
        dz = t * jnp.where(s >= 0, 1, e) / (1 + e)
        J, dw, db = sums
        loss = jnp.maximum(s, 0) + jnp.log1p(e)
        return (J + loss.sum(), dw + jnp.matmul(dz, block, precision="highest"), db + dz.sum()), None

    zero = (jnp.zeros((), X.dtype), jnp.zeros(n, X.dtype), jnp.zeros((), X.dtype))
    sums, _ = lax.scan(add, zero, rows * jnp.arange(m // rows))
    if m % rows:
        sums, _ = add(sums, jnp.asarray(m - m % rows), m % rows)
    J, dw, db = (total / m for total in sums)
    return Gradient(J, dw, db)


JAX_BLOCKED = Kernel(
    "jax-blocked", backends.jax("cpu"), "blocks that stay in cache, under jit, on the CPU", 1, gradient
)
