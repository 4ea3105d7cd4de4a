"""Double-double arithmetic: an unevaluated sum of two doubles, about 106 bits, vectorised in NumPy.

The reference for float64 kernels needs more precision than float64 on every machine, and NumPy's longdouble is
wider than double only on some. This file has what a logistic gradient needs: exact sums and products, sums along an
axis, and e^z, σ and softplus.

Sources: Knuth, TAOCP 2, 4.2.2 theorem B (two_sum); Dekker, Numer. Math. 18 (1971) 224-242 (fast_two_sum, the
product by splitting); Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26 (2005) 1955-1988 (sums of such pairs).
The error of a sum of k terms is at most about k u² Σ|terms|, u = 2^-53: far below any kernel's own error.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

Double: TypeAlias = np.ndarray

_LN2 = (0.6931471805599453, 2.3190468138462996e-17)  # ln 2 to 107 bits: fdlibm's M_LN2 and the remainder
_HIGH_HALF = np.uint64(0xFFFFFFFFF8000000)  # the upper 26 of a double's 53 significant bits
_UNDERFLOWS = 800.0  # e^-800 < 2^-1074, the smallest double


class Pair(NamedTuple):
    """hi + lo, with |lo| ≤ u |hi| unless a docstring says otherwise. Arrays of one shape."""

    hi: Double
    lo: Double

    def __add__(self, other: Pair) -> Pair:  # type: ignore[override]  # a number, not a sequence
        s, e = two_sum(self.hi, other.hi)
        return fast_two_sum(s, e + (self.lo + other.lo))

    def __mul__(self, other: Pair) -> Pair:  # type: ignore[override]
        p, e = two_product(self.hi, other.hi)
        return fast_two_sum(p, e + (self.hi * other.lo + self.lo * other.hi))

    def __truediv__(self, other: Pair) -> Pair:
        q = self.hi / other.hi
        p, e = two_product(q, other.hi)
        return fast_two_sum(q, ((self.hi - p) - e + (self.lo - q * other.lo)) / other.hi)

    def __neg__(self) -> Pair:
        return Pair(-self.hi, -self.lo)

    def scaled(self, factor: Double | float) -> Pair:
        """The product with a power of two, zero or ±1, which is exact."""
        return Pair(self.hi * factor, self.lo * factor)


def two_sum(a: Double, b: Double) -> Pair:
    """a + b, exactly."""
    s = a + b
    t = s - a
    return Pair(s, (a - (s - t)) + (b - t))


def fast_two_sum(a: Double, b: Double) -> Pair:
    """a + b, exactly if |a| ≥ |b|."""
    s = a + b
    return Pair(s, b - (s - a))


def two_product(a: Double, b: Double) -> Pair:
    """a · b with a relative error of 2^-105. Splitting by a mask, unlike Dekker's by a product, cannot overflow."""
    p = a * b
    a1, b1 = _high_half(a), _high_half(b)
    a2, b2 = a - a1, b - b1
    return Pair(p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2)


def _high_half(a: Double) -> Double:
    masked: Double = (np.ascontiguousarray(a).view(np.uint64) & _HIGH_HALF).view(np.float64)
    return masked.reshape(np.shape(a))


def pair(a: Double) -> Pair:
    """A double as a pair."""
    return Pair(a, np.zeros_like(a))


def total(terms: Pair, axis: int) -> Pair:
    """The sum along an axis, by pairwise summation."""
    hi, lo = np.moveaxis(terms.hi, axis, 0), np.moveaxis(terms.lo, axis, 0)
    while len(hi) > 1:
        half = len(hi) // 2
        s, e = two_sum(hi[:half], hi[half : 2 * half])
        e += lo[:half]
        e += lo[half : 2 * half]
        if len(hi) % 2:
            s, e = np.concatenate([s, hi[-1:]]), np.concatenate([e, lo[-1:]])
        hi, lo = s, e
    return fast_two_sum(hi[0], lo[0])


def sigmoid_and_softplus(z: Pair) -> tuple[Pair, Pair]:
    """σ(z) = 1 / (1 + e^-z) and log(1 + e^z), each with a relative error of about 2^-95 until it underflows.

    With E = e^-|z|: σ(−|z|) = E / (1 + E), σ(|z|) = 1 / (1 + E), softplus(z) = max(z, 0) + log(1 + E).
    """
    negative = z.hi < 0
    minus_abs = Pair(np.where(negative, z.hi, -z.hi), np.where(negative, z.lo, -z.lo))
    k, p = _exponential(minus_abs)
    E = Pair(np.ldexp(1 + p.hi, k), np.ldexp((1 - (1 + p.hi)) + p.hi + p.lo, k))
    one = pair(np.ones_like(z.hi))
    numerator = Pair(np.where(negative, E.hi, 1.0), np.where(negative, E.lo, 0.0))
    return numerator / (one + E), z.scaled(np.where(negative, 0.0, 1.0)) + _log1p(E)


def _exponential(z: Pair) -> tuple[np.ndarray, Pair]:
    """k and p with e^z = 2^k (1 + p), |p| < 0.42, for z ≤ ln 2.

    r = z − k ln 2 is divided by 2^8. p is the Taylor series of e^r − 1 there (its ninth term is below 2^-104 of
    the first), squared back eight times by (1 + p)² = 1 + (2p + p²).
    """
    underflows = z.hi < -_UNDERFLOWS
    z = Pair(np.where(underflows, -_UNDERFLOWS, z.hi), np.where(underflows, 0.0, z.lo))
    k = np.rint(z.hi / _LN2[0])
    minus_k_ln2 = two_product(k, np.full_like(k, -_LN2[0])) + pair(k * -_LN2[1])
    r = (z + minus_k_ln2).scaled(2.0**-8)
    one = pair(np.ones_like(r.hi))
    p = one
    for j in range(9, 1, -1):
        p = one + p * r / pair(np.full_like(r.hi, float(j)))
    p = p * r
    for _ in range(8):
        p = p.scaled(2.0) + p * p
    return k.astype(np.int32), p


def _log1p(E: Pair) -> Pair:
    """log(1 + E) for 0 ≤ E ≤ 1: NumPy's y and one Newton step, y + (E − (e^y − 1)) / (1 + E)."""
    y = np.log1p(E.hi)
    k, p = _exponential(pair(y))
    once = pair(np.where(k == 0, 0.0, 1.0))  # y ≤ ln 2, so k is 0 or 1, and 2(1 + p) − 1 = p + (1 + p)
    expm1 = p + (once + p.scaled(once.hi))
    correction = E + -expm1
    return fast_two_sum(y, (correction.hi + correction.lo) / (1 + E.hi))
