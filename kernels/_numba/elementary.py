"""exp and log1p as polynomials, on the ranges where the loss needs them: e^x for x ≤ 0, log(1 + e) for 0 ≤ e ≤ 1.

The C library's functions are calls for one number at a time (3 ns each). These are straight-line code, which LLVM
compiles to the widest vectors that the processor has.

**e^x** = 2^k e^r with k = the integer nearest to x / log 2, so that |r| ≤ (log 2)/2; e^r = 1 + r + r² q(r). log 2
is split into two parts, the first with so few bits that its product with k is exact (Cody and Waite, Software Manual
for the Elementary Functions, 1980, ch. 6). Adding 1.5 · 2^p, where p is the number of bits of the fraction, leaves k
in the lowest bits of the sum, from which it is shifted into the exponent. For x below the logarithm of the smallest
normal number the result is 0, never subnormal.

**log(1 + e)** = 2 artanh f = 2 f (1 + f² P(f²)), f = e / (2 + e); for e > √2 − 1 it is
log 2 + log(1 + (e − 1)/2), so that |f| ≤ (√2 − 1)/(√2 + 1) in both cases.

q and P interpolate the functions at the Chebyshev nodes of these intervals. Their relative errors in the result are
1.7e-17 and 4.5e-18 in float64, 1.0e-8 and 2.7e-9 in float32: at most a sixth of an ulp.
tests/kernels/test_elementary.py derives the coefficients again, and tests that both functions are right to 2 ulp.
"""

from __future__ import annotations

import numpy as np

from kernels._numba.vector_values import Value, polynomial

_ROOT = 0.41421356237309503  # √2 − 1
_LOG2, _LOG2_REMAINDER = 0.6931471805599453, 2.3190468138462996e-17  # log 2 to twice the digits of a double

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
"""Of q, the constant term first."""

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
"""Of P, the constant term first."""

_SPLIT_LOG2 = {
    np.float64: (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45")),
    np.float32: (float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20")),
}


def exp(x: Value) -> Value:
    """e^x for x ≤ 0."""
    kind = x.kind
    high, low = _SPLIT_LOG2[kind]
    least = float(np.nextafter(kind(np.log(np.finfo(kind).smallest_normal)), kind(0)))
    in_range = x > least
    shifted = x.where(in_range, least) * (1 / _LOG2) + 1.5 * 2.0 ** np.finfo(kind).nmant
    k = shifted - 1.5 * 2.0 ** np.finfo(kind).nmant
    r = x.where(in_range, least) - k * high - k * low
    p = (r + r * r * polynomial(EXP_COEFFICIENTS[kind], r)) + 1
    return p.times_power(shifted).where(in_range, 0)


def log1p(e: Value) -> Value:
    """log(1 + e) for 0 ≤ e ≤ 1."""
    kind = e.kind
    log2 = float(kind(_LOG2))
    remainder = _LOG2 - log2 + _LOG2_REMAINDER
    large = e > _ROOT
    f = (e - 1).where(large, e) / (e + e.splat(3).where(large, 2))
    g, v = f + f, f * f
    return e.splat(log2).where(large, 0) + (
        g + (g * v * polynomial(LOG_COEFFICIENTS[kind], v) + e.splat(remainder).where(large, 0))
    )


def example(z: Value, y: Value) -> tuple[Value, Value]:
    """L and dz of one example, or of a vector of examples.

    With t = 1 − 2y and s = t z:  L = softplus(s),  dz = t σ(s), which has no cancellation, unlike σ(z) − y.
    """
    t = 1 - (y + y)
    s = t * z
    positive = s >= 0
    e = exp(0 - s.magnitude())
    return s.where(positive, 0) + log1p(e), t * (s.splat(1).where(positive, e) / (e + 1))
