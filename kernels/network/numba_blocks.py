"""numba: a block of examples at a time through all layers, forward and backward, while its units stay in cache.

The formulas are those of numpy_layers.py. NumPy writes each layer's values for all examples to memory and reads them
back; here a thread takes a block of examples from X to the gradient, and adds the block's part to its own sums, which
are in double. Products of matrices are BLAS's, on one thread, since every thread computes its own; what is between
them is one loop each.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from kernels import _jit_cache
from kernels._numba.blas import look_up
from kernels._numba.threads import in_parallel
from kernels._numba.traversals import SUMS, example
from kernels._scipy_blas import stay_on_one_thread
from kernels.backends import NUMPY
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net

_SMALL_PRODUCT = 10**6
"""Multiply-adds. Where there is AVX-512, OpenBLAS makes a product of no more without copying its arguments first
(kernel/x86_64/sgemm_small_kernel_permit_skylakex.c, and dgemm's)."""
_FEWEST_ROWS, _MOST_ROWS = 64, 256
"""Of a block: rows that are worth a call of BLAS, and those that stay in the L2 cache. On an AMD EPYC (Zen 4), two
layers of 64 units take 8.8 ms with 240 rows, 10.2 with 256, whose products are not small any more, and 11.3 with 512;
layers of 8 and of 512 units take the same with each, within 8%."""
_BLOCK_BYTES = 2**18
"""Of X in a block, without layers: for the L2 cache."""
_PARALLEL_FROM = 2**16
"""Multiply-adds of a call. With fewer, waking the other threads (5 µs) costs more than they save."""


@numba.njit(**SUMS)
def _forward(A: Any, bias: Any, relu: bool) -> None:
    """Replace A W by g(A W + b)."""
    rows, units = A.shape
    for i in range(rows):
        for k in range(units):
            A[i, k] += bias[k]
        if relu:
            for k in range(units):
                A[i, k] = max(A[i, k], 0)
        else:
            for k in range(units):
                A[i, k] = example(A[i, k], A.dtype.type(0))[1]


@numba.njit(**SUMS)
def _output(A: Any, w: Any, b: Any, y: Any, dz: Any) -> Any:
    """Write dz; returns Σ L and Σ dz."""
    for i in range(len(A)):
        z = b
        for k in range(len(w)):
            z += A[i, k] * w[k]
        dz[i] = z
    cost = total = dz.dtype.type(0)
    for i in range(len(A)):
        loss, slope = example(dz[i], y[i])
        cost += loss
        total += slope
        dz[i] = slope
    return cost, total


@numba.njit(**SUMS)
def _from_output(dz: Any, A: Any, w: Any, D: Any, dw: Any) -> None:
    """D = dz wᵀ, and dw += Aᵀ dz."""
    rows, units = A.shape
    sums = np.zeros(units, A.dtype)
    for i in range(rows):
        for k in range(units):
            D[i, k] = dz[i] * w[k]
            sums[k] += dz[i] * A[i, k]
    for k in range(units):
        dw[k] += sums[k]


@numba.njit(**SUMS)
def _through(D: Any, A: Any, relu: bool, db: Any) -> None:
    """Replace D, the derivatives by A, by those by Z; db += their sums."""
    rows, units = A.shape
    sums = np.zeros(units, A.dtype)
    for i in range(rows):
        if relu:
            for k in range(units):
                D[i, k] = D[i, k] if A[i, k] > 0 else 0
                sums[k] += D[i, k]
        else:
            for k in range(units):
                D[i, k] *= A[i, k] * (1 - A[i, k])
                sums[k] += D[i, k]
    for k in range(units):
        db[k] += sums[k]


@numba.njit(**SUMS)
def _add(product: Any, dW: Any) -> None:
    """dW += product, in double. dW: one-dimensional"""
    inputs, units = product.shape
    for j in range(inputs):
        for k in range(units):
            dW[j * units + k] += product[j, k]


@numba.njit(error_model="numpy")
def _rows(inputs: int, units: int) -> int:
    """Of a block: as many as keep products small, if these are worth a call."""
    small = _SMALL_PRODUCT // (units * max(inputs, units))
    return min(small, _MOST_ROWS) if small >= _FEWEST_ROWS else _MOST_ROWS


@numba.njit(error_model="numpy")
def _part(X: Any, y: Any, Ws: Any, biases: Any, w: Any, b: Any, relu: bool, totals: Any, t: Any) -> None:
    """Write the sums over the t-th part of the examples to totals[t]: cost, then each derivative, layer by layer."""
    (m, n), parts, layers, width = X.shape, len(totals), len(Ws), len(w)
    first, last = m * t // parts, m * (t + 1) // parts
    block = min(_rows(n, width), last - first)
    values = np.empty((layers, block, width), X.dtype)
    D, before, dz = np.empty((block, width), X.dtype), np.empty((block, width), X.dtype), np.empty(block, X.dtype)
    first_product, product = np.empty((n, width), X.dtype), np.empty((width, width), X.dtype)
    sums = totals[t]
    of_w = 1 + (n + 1) * width + (layers - 1) * (width + 1) * width
    while first < last:
        rows = min(block, last - first)
        inputs = np.ascontiguousarray(X[first : first + rows])
        for layer in range(layers):
            A = values[layer, :rows]
            if layer == 0:
                np.dot(inputs, Ws[0], A)
            else:
                np.dot(values[layer - 1, :rows], Ws[layer], A)
            _forward(A, biases[layer], relu)
        A = values[layers - 1, :rows]
        cost, total = _output(A, w, b, y[first : first + rows], dz)
        sums[0] += cost
        sums[of_w + width] += total
        _from_output(dz, A, w, D, sums[of_w:])
        end = of_w
        for back in range(layers):
            layer = layers - 1 - back
            A, slopes = values[layer, :rows], D[:rows]
            end -= width
            _through(slopes, A, relu, sums[end:])
            if layer > 0:
                end -= width * width
                np.dot(values[layer - 1, :rows].T, slopes, product)
                _add(product, sums[end:])
                np.dot(slopes, Ws[layer].T, before[:rows])
                D, before = before, D
            else:
                np.dot(inputs.T, slopes, first_product)
                _add(first_product, sums[1:])
        first += rows


@numba.njit(error_model="numpy")
def _part_without_layers(X: Any, y: Any, w: Any, b: Any, totals: Any, t: Any) -> None:
    """As `_part`, for the output alone: cost, dw and db of logistic regression."""
    (m, n), parts, sums = X.shape, len(totals), totals[t]
    first, last = m * t // parts, m * (t + 1) // parts
    block = min(max(_BLOCK_BYTES // (n * X.itemsize), _FEWEST_ROWS), last - first)
    dz, unused = np.empty(block, X.dtype), np.empty((block, n), X.dtype)
    while first < last:
        rows = min(block, last - first)
        inputs = np.ascontiguousarray(X[first : first + rows])
        cost, total = _output(inputs, w, b, y[first : first + rows], dz)
        sums[0] += cost
        sums[n + 1] += total
        _from_output(dz, inputs, w, unused, sums[1:])
        first += rows


@numba.njit(error_model="numpy")
def _means(totals: Any, size: int, m: int, like: Any) -> Any:
    """The sums of all threads / m, in X's dtype, and the cost in double."""
    means = np.empty(size, like.dtype)
    for k in range(size):
        total = 0.0
        for t in range(len(totals)):
            total += totals[t, k]
        means[k] = total / m
    cost = 0.0
    for t in range(len(totals)):
        cost += totals[t, 0]
    return means, cost / m


def _compiled(threads: int) -> Any:
    """The number of threads is an argument, since Numba cannot cache a compiled function that reads it."""

    @numba.njit(cache=True, error_model="numpy")
    def gradient(X: Array, y: Array, Ws: Any, biases: Any, w: Array, b: Array, relu: bool) -> Any:
        """The means over the examples, one after the other; and Σ L / m in double."""
        (m, n), layers, width = X.shape, len(Ws), len(w)
        size = 2 + width + (n + 1) * width + (layers - 1) * (width + 1) * width
        work = m * width * (n + (layers - 1) * width)
        parts = min(threads, m) if work >= _PARALLEL_FROM else 1
        totals = np.zeros((parts, (size + 7) // 8 * 8))
        if parts > 1:
            if not in_parallel(parts, _part, (X, y, Ws, biases, w, b, relu, totals)):
                raise MemoryError("no memory for a block of units")
        else:
            _part(X, y, Ws, biases, w, b, relu, totals, np.int64(0))
        return _means(totals, size, m, X)

    return gradient


def _compiled_without_layers(threads: int) -> Any:
    @numba.njit(cache=True, error_model="numpy")
    def gradient(X: Array, y: Array, w: Array, b: Array) -> Any:
        m, n = X.shape
        parts = min(threads, m) if 2 * m * n >= _PARALLEL_FROM else 1
        totals = np.zeros((parts, (n + 2 + 7) // 8 * 8))
        if parts > 1:
            if not in_parallel(parts, _part_without_layers, (X, y, w, b, totals)):
                raise MemoryError("no memory for a block of examples")
        else:
            _part_without_layers(X, y, w, b, totals, np.int64(0))
        return _means(totals, n + 2, m, X)

    return gradient


_jit_cache.keep_numba_code()
_gradient = _compiled(numba.config.NUMBA_NUM_THREADS)
_without_layers = _compiled_without_layers(numba.config.NUMBA_NUM_THREADS)


def build(static: Net) -> Call:
    """A call for this shape of network."""
    net = Net(*static)
    stay_on_one_thread()
    relu = net.activation == "relu"

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        *hidden, w, b = parameters
        look_up(X.dtype)
        if hidden:
            means, J = _gradient(X, y, tuple(hidden[::2]), tuple(hidden[1::2]), w, b, relu)
        else:
            means, J = _without_layers(X, y, w, b)
        result, start = [J], 1
        for parameter in parameters:
            result.append(means[start : start + parameter.size].reshape(parameter.shape))
            start += parameter.size
        return tuple(result)

    return gradient


NUMBA = Kernel(
    "numba", NUMPY, "blocks of examples through all layers while in cache", 1, build=build, operation="network"
)
