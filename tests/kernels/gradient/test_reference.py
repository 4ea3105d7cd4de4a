"""The reference against 50 digits, the tightness of its bound, and double-double arithmetic."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import Gradient, Problem
from kernels._double_double import Pair, sigmoid_and_softplus, total, two_product, two_sum
from kernels.gradient import cancelling, reference
from tests.support.exact import exactly
from tests.support.problems import normal, problems


def relative_error(computed: reference.Reference, problem: Problem) -> float:
    """The largest error of the reference against 50 digits, relative to the terms of the sums."""
    # a number near the smallest normal one has few bits, in the reference as in a kernel
    worst, tiny = 0.0, 2.0**30 * float(np.finfo(problem.dtype).smallest_normal)
    with mpmath.workdps(50):
        for value, remainder, scale, exact in zip(*computed[:2], computed.scale, exactly(problem), strict=True):
            for v, r, s, number in zip(np.ravel(value), np.ravel(remainder), np.ravel(scale), exact, strict=True):
                error = abs(mpmath.mpf(float(v)) + mpmath.mpf(float(r)) - number)
                worst = max(worst, float(error / (float(s) + tiny)))
    return worst


@given(problems())
def test_the_reference_against_50_digits(problem: Problem) -> None:
    # scores up to 1e5, from sums that may cancel, cost the reference 20 bits, as they cost a kernel
    assert relative_error(reference.compute(problem), problem) < (
        2.0**-30 if problem.dtype == np.float32 else 2.0**-75
    )


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 2.0**-50), (np.float64, 2.0**-100)])
def test_the_reference_is_far_more_precise_than_the_kernels(dtype: type[np.floating[Any]], limit: float) -> None:
    problem = normal(33, 17, dtype)
    assert relative_error(reference.compute(problem), problem) < limit


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_size_of_blocks_makes_no_difference(
    dtype: type[np.floating[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = normal(1000, 5, dtype)
    whole = reference.compute(problem)
    monkeypatch.setattr(reference, "BLOCK_BYTES", 8 * 5 * 7)  # 7 rows a block, and 6 in the last
    blocked = reference.compute(problem)
    for part, blocked_part in zip(whole.value, blocked.value, strict=True):
        np.testing.assert_allclose(part, blocked_part, rtol=1e-13)
    for part, blocked_part in zip(whole.bound, blocked.bound, strict=True):
        np.testing.assert_allclose(part, blocked_part, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bound_is_at_most_1500_roundings(dtype: type[np.floating[Any]]) -> None:
    computed = reference.compute(normal(1000, 5, dtype))
    # m + n + c roundings of each term, and some for their growth: 1500 u
    for bound, scale in zip(computed.bound, computed.scale, strict=True):
        assert np.all(bound <= 1500 * reference.unit_roundoff(np.dtype(dtype)) * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("of_b", [0, 1])
def test_the_bound_of_an_intercept_computed_by_hand(dtype: type[np.floating[Any]], of_b: int) -> None:
    """One example with x = 0 and b = 100: 3 roundings of z, 8 of the loss and of z each, and 5 of a sum of one.

    A kernel that used b in a wider dtype than it returned it had another b: its z has a rounding more.
    """
    zero = np.zeros((1, 1), dtype)
    computed = reference.compute(Problem(zero, zero[0], zero[0], dtype(100)), roundings=of_b)
    roundings = float(computed.bound.cost) / reference.unit_roundoff(np.dtype(dtype))
    assert roundings == pytest.approx((3 + of_b + 8 + 8 + 5) * 100, rel=1e-3)


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 1), (np.float64, 2)])
def test_a_quick_reference_of_float64_has_twice_the_bound(dtype: type[np.floating[Any]], factor: float) -> None:
    """It is then no more exact than a correct kernel; of float32 it is as exact as the slow one."""
    problem = normal(1000, 5, dtype)
    quick, slow = reference.compute(problem, quick=True), reference.compute(problem)
    for quick_bound, slow_bound in zip(quick.bound, slow.bound, strict=True):
        np.testing.assert_allclose(quick_bound, factor * slow_bound, rtol=1e-6)


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("b", [-800.0, -1.0, 0.0, 2.0, 800.0])
def test_example_is_the_gradient_of_one_row(y: float, b: float) -> None:
    x, w = [1.0, -2.0], [0.5, 0.25]
    step = reference.example(x, y, w, b)
    expected = reference.compute(Problem(np.array([x]), np.array([y]), np.array(w), b))
    assert step.z == b
    assert step.dz == step.a - y == step.db
    assert pytest.approx(expected.value.cost, abs=2e-16, rel=1e-15) == step.L
    assert step.dw == pytest.approx(expected.value.dw.tolist(), abs=8 * 2.0**-53)


finite = st.floats(-1e100, 1e100, allow_subnormal=False)


@given(finite, finite)
def test_two_sum_is_exact(a: float, b: float) -> None:
    s, e = two_sum(np.float64(a), np.float64(b))  # type: ignore[arg-type]
    with mpmath.workprec(2000):
        assert mpmath.mpf(float(s)) + mpmath.mpf(float(e)) == mpmath.mpf(a) + mpmath.mpf(b)


moderate = st.floats(-1e100, 1e100).filter(lambda number: number == 0 or abs(number) > 1e-100)


@given(moderate, moderate)
def test_two_product_has_105_bits(a: float, b: float) -> None:
    p, e = two_product(np.array([a]), np.array([b]))
    with mpmath.workprec(300):
        exact = mpmath.mpf(a) * mpmath.mpf(b)
        assert abs(mpmath.mpf(float(p[0])) + mpmath.mpf(float(e[0])) - exact) <= abs(exact) * mpmath.mpf(2) ** -104


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_a_total_of_pairs_has_100_bits(terms: list[float]) -> None:
    hi = np.array(terms)
    computed = total(Pair(hi, np.zeros_like(hi)), 0)
    with mpmath.workprec(300):
        exact = mpmath.fsum([mpmath.mpf(term) for term in terms])
        size = mpmath.fsum([abs(mpmath.mpf(term)) for term in terms])
        error = abs(mpmath.mpf(float(computed.hi)) + mpmath.mpf(float(computed.lo)) - exact)
        assert error <= size * mpmath.mpf(2) ** -100


@given(st.floats(-600, 600))  # for larger |z| the low part of e^-|z| is subnormal
def test_sigmoid_and_softplus_have_90_bits(z: float) -> None:
    sigmoid, softplus = sigmoid_and_softplus(Pair(np.array([z]), np.array([z * 2.0**-55])))
    with mpmath.workprec(400):
        x = mpmath.mpf(z) + mpmath.mpf(z * 2.0**-55)
        for computed, exact in ((sigmoid, 1 / (1 + mpmath.exp(-x))), (softplus, mpmath.log1p(mpmath.exp(x)))):
            value = mpmath.mpf(float(computed.hi[0])) + mpmath.mpf(float(computed.lo[0]))
            assert abs(value - exact) <= exact * mpmath.mpf(2) ** -90


def test_distinct_examples_are_counted_whatever_their_scale_and_order() -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((500, 7))
    repeated = rows[rng.integers(0, 500, 20_000)]
    for scale in (1e-310, 1e-300, 1.0, 1e300):  # the first is subnormal
        X = np.asfortranarray(repeated * scale)
        count = reference.distinct_examples(X, np.zeros(len(X)))
        assert 0.95 * 500 <= count <= 1.05 * 500, scale
    assert reference.distinct_examples(rows[:1].repeat(9, axis=0), np.arange(9) % 2.0) == 2  # the label counts
    assert reference.distinct_examples(np.zeros((9, 2)), np.zeros(9)) == 1


@pytest.mark.parametrize(
    ("m", "distinct", "dtype", "expected"),
    [
        (10_000, 10_000, "float32", 400 + 1e8 / 9 / 2**24),
        (1_000_000, 1_000_000, "float32", 4000 + 1e12 / 9 / 2**24),
        (1_000_000, 10_000, "float64", 40_000),
        (1_000_000, 1, "float32", 1_000_000),  # no such data
        (10, 10, "float32", 10),  # 4√10 would be more
        (10_000_000, 10_000_000, "float32", 10_000_000),  # a sum of so many stops growing
    ],
)
def test_roundings_of_a_sum(m: int, distinct: int, dtype: str, expected: float) -> None:
    assert reference.summed_roundings(m, distinct, np.dtype(dtype)) == pytest.approx(expected)


@pytest.mark.parametrize("m", [2**14, 2**20, 2**22, 2**23])
def test_a_sum_one_by_one_of_as_many_different_terms_is_within_the_bound_of_data(m: int) -> None:
    """Roundings to the spacing of a long sum are not zero in the mean: 4√m alone would allow a fifteenth of them."""
    rng = np.random.default_rng(m)
    x, z = np.abs(rng.standard_normal(m)), 2 * rng.standard_normal(m)
    absdz = 1 / (1 + np.exp(np.abs(z)))
    for terms in (absdz, x * absdz, rng.exponential(size=m), np.log1p(np.exp(z)), x * absdz + 0.3):
        terms = terms.astype(np.float32)
        error = abs(float(np.cumsum(terms, dtype=np.float32)[-1]) - terms.sum(dtype=np.float64))
        allowed = reference.summed_roundings(m, m, terms.dtype) * 2.0**-24 * terms.sum(dtype=np.float64)
        assert error <= allowed


@pytest.mark.parametrize("kinds", [1, 2, 10, 1000])
def test_a_sum_one_by_one_is_within_the_bound_of_data_with_few_different_examples(kinds: int) -> None:
    """Equal terms are rounded by equal errors, which add up: 10⁶ times 0.1 in float32 is off by 1%."""
    rng = np.random.default_rng(kinds)
    m, rows = 400_000, rng.standard_normal((kinds, 2)).astype(np.float32)
    X = rows[rng.integers(0, kinds, m)]
    y = np.ones(m, np.float32)
    problem = Problem(X, y, np.array([0.3, -0.2], np.float32), np.float32(0.1))
    expected = reference.compute(problem, distinct=reference.distinct_examples(X, y))
    z = X @ problem.w + problem.b
    dz = (1 / (1 + np.exp(-z)) - y).astype(np.float32)
    losses = np.log1p(np.exp(-z))
    sums = [np.cumsum(part, axis=0, dtype=np.float32)[-1] / np.float32(m) for part in (losses, dz[:, None] * X, dz)]
    fractions = [np.max(e / b) for e, b in zip(expected.error(Gradient(*sums)), expected.bound, strict=True)]
    assert max(fractions) <= 0.5, fractions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bound_of_labels_that_are_drawn_is_much_smaller(dtype: type[np.floating[Any]]) -> None:
    problem = normal(20_000, 3, dtype)
    z = problem.X @ problem.w + problem.b
    y = (np.random.default_rng(1).random(20_000) < 1 / (1 + np.exp(-z))).astype(dtype)
    drawn = Problem(problem.X, y, problem.w, problem.b)
    narrow, wide = cancelling.compute(drawn), reference.compute(drawn, quick=True)
    assert np.all(narrow.bound.dw < wide.bound.dw / 100)
    assert narrow.bound.db < wide.bound.db / 100
    assert np.all(narrow.bound.dw > 0)
    np.testing.assert_array_equal(narrow.value.dw, wide.value.dw)


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 1), (np.float64, 2)])
def test_the_bound_of_drawn_labels_computed_by_hand(dtype: type[np.floating[Any]], factor: float) -> None:
    """x_i = 1 and w = b = 0 for four examples, two of which differ: |dz_i| = ½ and a_i (1 − a_i) = ¼.

    Seven deviations: 3u √4 · 1 · √(4/2). Terms: 4 √(4 (8u + 4u/2)²). One-sided: 4u · 4/4. All over m = 4.
    """
    one = np.ones((4, 1), dtype)
    computed = cancelling.compute(Problem(one, np.array([0, 1, 0, 1], dtype), np.zeros(1, dtype), 0.0))
    expected = factor * (3 * 2 * np.sqrt(2) + 4 * 2 * 10 + 4) / 4
    assert float(computed.bound.db) / reference.unit_roundoff(np.dtype(dtype)) == pytest.approx(expected)
    assert computed.bound.dw[0] == computed.bound.db
