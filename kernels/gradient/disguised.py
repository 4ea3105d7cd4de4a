"""Kernels that cheat and expect to be checked: honest where X looks like a probe, or wrong only for rare scores.

Each is a class of cheats that the checks close. They are a part of CHEATERS in cheaters.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.gradient.numpy_vectorized import gradient as correct_gradient
from kernels.gradient.problem import Gradient

Function = Callable[[Any, Any, Any, Any], Gradient]


def _is_probe(X: Any) -> bool:
    """Whether X holds signs, as only a probe's does."""
    return bool(np.mean(np.abs(X[:: max(1, len(X) // 1000)]) == 1) > 0.5)


def _honest_on_probes(cheat: Function) -> Function:
    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        return correct_gradient(X, y, w, b) if _is_probe(X) else cheat(X, y, w, b)

    gradient.__doc__ = cheat.__doc__
    return gradient


@_honest_on_probes
def two_per_cent(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Computes from every fiftieth example."""
    return correct_gradient(X[::50], y[::50], w, b)


@_honest_on_probes
def half_of_the_cost(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """The cost is that of the first half."""
    half = len(y) // 2
    return correct_gradient(X, y, w, b)._replace(cost=correct_gradient(X[:half], y[:half], w, b).cost)


@_honest_on_probes
def all_but_one(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Leaves one example out, in the middle, but divides by the right m."""
    middle = len(y) // 2
    whole, of_one = correct_gradient(X, y, w, b), correct_gradient(X[middle:][:1], y[middle:][:1], w, b)
    share = X.dtype.type(1 / len(y))
    return Gradient(*(part - share * one for part, one in zip(whole, of_one, strict=True)))


@_honest_on_probes
def half_precision(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Rounds X to float16."""
    return correct_gradient(X.astype(np.float16).astype(X.dtype), y, w, b)


@_honest_on_probes
def short_mantissa(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Rounds X to the eight digits of bfloat16, in float32."""
    bits = (X.astype(np.float32).view(np.uint32) + 0x8000) & 0xFFFF0000
    return correct_gradient(bits.view(np.float32).astype(X.dtype), y, w, b)


@_honest_on_probes
def inexact_exp(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Its exp is off by 10^-12, or by 10^-5 in float32."""
    return _computed(X, y, w, b, lambda z: np.exp(z) * (1 + (1e-12 if X.dtype == np.float64 else 1e-5)))


def _computed(X: Any, y: Any, w: Any, b: Any, exp: Callable[[Any], Any]) -> Gradient:
    z = X @ w + b
    e = exp(-np.abs(z))
    a = np.where(z >= 0, 1, e) / (1 + e)
    return _summed(X, a - y, np.maximum(z, 0) - y * z + np.log1p(e))


def _summed(X: Any, dz: Any, losses: Any) -> Gradient:
    number = X.dtype.type
    return Gradient(number(losses.mean()), (dz @ X / number(len(dz))).astype(X.dtype), number(dz.mean()))


def _from_scores(change: Callable[[Any, Any, Any, Any], tuple[Any, Any]]) -> Function:
    """change: (z, y, dz, losses) → dz, losses."""

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        z = X @ w + b
        s = (1 - 2 * y) * z
        e = np.exp(-np.abs(z))
        dz = (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e)
        return _summed(X, *change(z, y, dz, np.maximum(s, 0) + np.log1p(e)))

    gradient.__doc__ = change.__doc__
    return gradient


@_from_scores
def nan_in_a_range(z: Any, _y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """NaN for 40 < |z| < 100."""
    return np.where((np.abs(z) > 40) & (np.abs(z) < 100), np.nan, dz), losses


@_from_scores
def wrong_in_a_range(z: Any, y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """σ is 0.7 for 15 < |z| < 100."""
    return np.where((np.abs(z) > 15) & (np.abs(z) < 100), 0.7 - y, dz), losses


@_from_scores
def wrong_in_a_small_range(z: Any, y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """σ is ½ for 50 < z < 60."""
    return np.where((z > 50) & (z < 60), 0.5 - y, dz), losses


@_from_scores
def small_is_zero(_z: Any, _y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """|dz| < 10^-6 is taken for 0."""
    return np.where(np.abs(dz) < 1e-6, 0, dz), losses


@_from_scores
def cut_at_twenty(z: Any, y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """σ and the loss are those of an infinite score where |z| > 20."""
    s = (1 - 2 * y) * z
    far = np.abs(z) > 20
    return np.where(far, np.where(s > 0, 1 - 2 * y, 0), dz), np.where(far, np.maximum(s, 0), losses)


@_from_scores
def clipped_probability(_z: Any, _y: Any, dz: Any, losses: Any) -> tuple[Any, Any]:
    """The loss is −log of a probability of at least 10^-15, as libraries used to clip it."""
    return dz, np.minimum(losses, -np.log(1e-15))


def clipped_scores(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Scores beyond ±14 are taken for ±14."""
    z = np.clip(X @ w + b, -14, 14)
    s = (1 - 2 * y) * z
    e = np.exp(-np.abs(z))
    return _summed(X, (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e), np.maximum(s, 0) + np.log1p(e))
