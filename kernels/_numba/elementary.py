"""exp and log1p as polynomials, on the half of the line where the loss needs them: e^x for x ≤ 0, log(1 + e)
for 0 ≤ e ≤ 1.

The C library's functions are calls, one number at a time (3 ns each); these are straight-line code, which
LLVM turns into the widest vectors that the processor has.

**e^x** = 2^k e^r with k = the integer nearest to x / log 2, so that |r| ≤ (log 2)/2; e^r = 1 + r + r² q(r). log
2 is split in two parts, the first of so few bits that k times it is exact (Cody and Waite, Software Manual for
the Elementary Functions, 1980, ch. 6). Adding 1.5 · 2^p, p the bits of the fraction, leaves k in the lowest
bits of the sum, from where it is shifted into the exponent. Below the logarithm of the smallest normal number
it is 0: no subnormals.

**log(1 + e)** = 2 artanh f = 2 f (1 + f² P(f²)), f = e / (2 + e); and for e > √2 − 1 it is
log 2 + log(1 + (e − 1)/2), so that |f| ≤ (√2 − 1)/(√2 + 1) throughout.

q and P are the polynomials that agree with the functions at the Chebyshev nodes of those intervals. Their own
relative error, in the result: float64 1.7e-17 and 4.5e-18, float32 1.0e-8 and 2.7e-9: a sixth of an ulp and
less. tests/ test_elementary.py derives them again, and holds both functions to 2 ulp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, overload

EXACT = {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True}
"""Products and sums may be fused, which only makes them more exact. Nothing else: the splitting of x relies on
rounding, and would be simplified away."""

_ROOT = 0.41421356237309503  # √2 − 1
_LOG2, _REST_OF_LOG2 = 0.6931471805599453, 2.3190468138462996e-17  # log 2 to twice the digits of a double

EXP_COEFFICIENTS = {
    np.float64: (
        0.5000000000000001,
        0.16666666666666669,
        0.04166666666662413,
        0.008333333333330062,
        0.0013888888917213717,
        0.00019841269863053618,
        2.4801521295954376e-05,
        2.7557268459997064e-06,
        2.7620088445409746e-07,
        2.510038549551032e-08,
    ),
    np.float32: (0.5, 0.16666576989698775, 0.041666554617204574, 0.008363179052722578, 0.0013926183587713494),
}
"""Of q, from the constant up."""

LOG_COEFFICIENTS = {
    np.float64: (
        0.3333333333333335,
        0.19999999999949722,
        0.14285714313001635,
        0.11111105565129939,
        0.09091444727837474,
        0.07665855309105386,
        0.07308292712444311,
    ),
    np.float32: (0.33333342522578013, 0.19994389141081403, 0.1479002652159422),
}
"""Of P."""

_SPLIT_LOG2 = {
    np.float64: (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45")),
    np.float32: (float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20")),
}


def exp(x: Any) -> Any:
    """e^x for x ≤ 0; inside compiled code only."""
    raise NotImplementedError


def log1p(e: Any) -> Any:
    """log(1 + e) for 0 ≤ e ≤ 1; inside compiled code only."""
    raise NotImplementedError


@overload(exp, jit_options=EXACT)
def _exp(x: Any) -> Callable[..., Any]:
    kind = _kind(x)
    per_log2, shift, one, zero = kind(1 / _LOG2), kind(1.5 * 2.0 ** np.finfo(kind).nmant), kind(1), kind(0)
    high, low = map(kind, _SPLIT_LOG2[kind])
    least = kind(np.nextafter(kind(np.log(np.finfo(kind).smallest_normal)), zero))
    q = _polynomial(EXP_COEFFICIENTS[kind])

    def code(x: Any) -> Any:
        kept = x if x > least else least
        shifted = kept * per_log2 + shift
        k = shifted - shift
        r = kept - k * high - k * low
        p = one + (r + r * r * q(r))
        return _scaled(p, shifted) if x > least else zero

    return code


@overload(log1p, jit_options=EXACT)
def _log1p(e: Any) -> Callable[..., Any]:
    kind = _kind(e)
    one, two, three, zero, root, log2 = map(kind, (1, 2, 3, 0, _ROOT, _LOG2))
    rest = kind(_LOG2 - float(log2) + _REST_OF_LOG2)
    P = _polynomial(LOG_COEFFICIENTS[kind])

    def code(e: Any) -> Any:
        large = e > root
        f = (e - one if large else e) / (e + (three if large else two))
        g, v = f + f, f * f
        return (log2 if large else zero) + (g + (g * v * P(v) + (rest if large else zero)))

    return code


def _kind(number: Any) -> Any:
    """NumPy's class of a floating-point type of Numba."""
    return {32: np.float32, 64: np.float64}[number.bitwidth]


def _polynomial(coefficients: Sequence[float]) -> Any:
    """Horner's rule, without a loop."""

    @intrinsic
    def evaluate(_typing: Any, x: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            (x,) = arguments
            value = ir.Constant(x.type, coefficients[-1])
            for coefficient in coefficients[-2::-1]:
                value = builder.fadd(builder.fmul(value, x), ir.Constant(x.type, coefficient))
            return value

        return x(x), code

    return evaluate


@intrinsic
def _scaled(_typing: Any, p: Any, shifted: Any) -> Any:
    """p · 2^k, k being the lowest bits of the other's fraction: an addition to the exponent of p, as an integer."""
    bits, fraction = ir.IntType(p.bitwidth), np.finfo(str(p)).nmant

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number, k = (builder.bitcast(argument, bits) for argument in arguments)
        power = builder.add(number, builder.shl(k, ir.Constant(bits, fraction)))
        return builder.bitcast(power, arguments[0].type)

    return p(p, shifted), code
