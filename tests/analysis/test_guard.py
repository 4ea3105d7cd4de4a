"""Whether disturbances meet kernels fairly: counts made by hand and drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.analysis import guard, statistics
from bench.analysis.guard import Hits, hit_too_often, of_sweep, total

amounts = st.lists(st.tuples(st.floats(0, 1e3), st.floats(1e-6, 1e3)), min_size=1, max_size=12)


def shared(of_a: float, sweeps: int, kernels: int = 11) -> dict[str, Hits]:
    """What equal kernels had of so many disturbed sweeps: a this much, and the others the rest."""
    others = {
        f"k{number}": Hits((sweeps - of_a) / (kernels - 1), sweeps / kernels, sweeps) for number in range(1, kernels)
    }
    return {"a": Hits(of_a, sweeps / kernels, sweeps)} | others


def test_one_disturbed_sweep_is_one_hit_shared_by_what_was_used() -> None:
    hits = of_sweep({"a": 1.5, "b": 0.5, "c": 0.0}, {"a": 1.0, "b": 2.0, "c": 1.0})
    assert hits == {"a": Hits(0.75, 0.25, 1), "b": Hits(0.25, 0.5, 1), "c": Hits(0.0, 0.25, 1)}


@given(amounts)
def test_the_parts_of_a_sweep_add_up_to_one(pairs: list[tuple[float, float]]) -> None:
    foreign = {str(number): used for number, (used, _) in enumerate(pairs)}
    exposure = {str(number): seconds for number, (_, seconds) in enumerate(pairs)}
    hits = of_sweep(foreign, exposure)
    assert bool(hits) is (sum(foreign.values()) > 0)
    if hits:
        assert sum(one.hits for one in hits.values()) == pytest.approx(1)
        assert sum(one.expected for one in hits.values()) == pytest.approx(1)
        assert {one.sweeps for one in hits.values()} == {1}


def test_what_was_used_between_the_rounds_is_nobodys() -> None:
    assert of_sweep({"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 1.0}) == {}
    assert of_sweep({}, {}) == {}


def test_kernels_are_added_over_the_sweeps_that_they_took_part_in() -> None:
    parts = [of_sweep({"a": 1.0, "b": 3.0}, {"a": 1.0, "b": 1.0}), of_sweep({"a": 0.2}, {"a": 1.0}), {}]
    assert total(parts) == {"a": Hits(1.25, 1.5, 2), "b": Hits(0.75, 0.5, 1)}
    assert total([]) == {}


def test_a_kernel_that_is_hit_in_every_disturbed_sweep_is_found() -> None:
    assert hit_too_often(shared(of_a=8, sweeps=8)) == "a"
    assert hit_too_often(shared(of_a=3, sweeps=3)) == ""  # this may be chance
    assert hit_too_often(shared(of_a=40, sweeps=100)) == "a"
    assert hit_too_often({}) == ""


@pytest.mark.parametrize("sweeps", [10, 100, 10_000])
def test_up_to_what_threads_explain_nothing_is_said(sweeps: int) -> None:
    """A busy process has 2/3 of a core beside a kernel with two threads, and a whole one beside a kernel with one."""
    most = 1.5 * sweeps / (1.5 + 10)
    assert hit_too_often(shared(of_a=most, sweeps=sweeps)) == ""
    assert hit_too_often(shared(of_a=sweeps / 11, sweeps=sweeps)) == ""


def test_of_two_kernels_one_that_is_hit_in_every_disturbed_sweep_is_found() -> None:
    assert hit_too_often(shared(of_a=50, sweeps=50, kernels=2)) == "a"


@given(st.integers(2, 12), st.integers(1, 300), st.floats(0, 1))
def test_more_hits_are_never_less_suspicious(kernels: int, sweeps: int, share: float) -> None:
    found = [hit_too_often(shared(of_a, sweeps, kernels)) == "a" for of_a in np.linspace(0, sweeps, 20)]
    assert found == sorted(found)


def random_race(rng: np.random.Generator, spread: bool) -> dict[str, Hits]:
    """100 disturbed sweeps of kernels with rounds of different lengths, met in proportion to these.

    spread: whether a burst takes several rounds in a row; otherwise it is in one, where the variance is largest
    """
    seconds = rng.uniform(1.0, 10.0, 6)
    parts = []
    for _ in range(100):
        order = rng.permutation(6)
        ends = np.cumsum(seconds[order])
        start = rng.uniform(0, ends[-1])
        end = start + (rng.exponential(0.3 * ends[-1]) if spread else 1e-9)
        used = np.maximum(0, np.minimum(ends, end) - np.maximum(ends - seconds[order], start))
        names = [f"k{number}" for number in order]
        parts.append(of_sweep(dict(zip(names, used, strict=True)), dict(zip(names, seconds[order], strict=True))))
    return total(parts)


@pytest.mark.parametrize("spread", [False, True])
def test_wrong_alarms_are_as_rare_as_promised(spread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the allowance for threads, and with a level that enough races can show: 5%."""
    monkeypatch.setattr(guard, "_LEVEL", 0.05)
    monkeypatch.setattr(guard, "_MOST_BY_THREADS", 1.0)
    rng = np.random.default_rng(1)
    alarms = sum(bool(hit_too_often(random_race(rng, spread))) for _ in range(300))
    assert statistics.proportion(alarms, 300).low <= 0.05
    assert spread or alarms > 0  # it is no level that nothing reaches
