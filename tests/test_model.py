"""The limit of a race, from rounds made by hand."""

from __future__ import annotations

from math import exp

import pytest

from bench import analysis, model
from bench.journal import Entry
from tests.test_analysis import LECTURE, entry, race

TIMES = model.repeats(LECTURE.bytes_of_x)


def machine(**seconds: float) -> dict[str, Entry]:
    """What the machine takes for one pass over the workload."""
    taken = {"read-sum": 1e-6, "read-bits": 2e-6, "sigmoid": 4e-6, "multiply": 1e-7}
    taken |= {name.replace("_", "-"): value for name, value in seconds.items()}
    return {f"({name})": entry(TIMES * value, compiles=True) for name, value in taken.items()}


def test_small_work_is_repeated_until_the_call_does_not_count() -> None:
    assert model.repeats(2**30) == 1
    assert model.repeats(16_000) == 2**25 // 16_000


def test_the_faster_way_counts_and_the_longest_is_the_limit() -> None:
    found = model.seconds({name: one.rounds for name, one in machine().items()}, LECTURE.bytes_of_x)
    assert found == pytest.approx({"read": 1e-6, "sigmoid": 4e-6, "multiply": 1e-7})
    assert model.binding([found, found]) == "sigmoid"
    assert [exp(log) for log in model.fractions([found, found], [8e-6, 5e-6])] == pytest.approx([0.5, 0.8])


def test_without_all_of_it_there_is_no_fraction() -> None:
    assert model.fractions([], []) == []
    assert model.fractions([{"read": 1e-6}], [2e-6]) == []


def test_a_record_tells_how_near_the_limit_its_kernel_came() -> None:
    found = race([{"numpy": entry(8e-6 * drift), **machine(sigmoid=4e-6 * drift)} for drift in (1, 1.5, 0.7, 1, 1.2)])
    ceiling = next(record.ceiling for record in found.records if record.kernel == "numpy")
    assert ceiling is not None
    assert ceiling.name == "sigmoid"
    assert (ceiling.fraction, ceiling.low, ceiling.high) == pytest.approx((0.5, 0.5, 0.5))
    measured = found.ceilings
    assert measured is not None
    assert measured["read"]["bytes_per_second"] == pytest.approx(1000 * 3 * 8 / 1e-6)
    assert measured["read"]["read-bits_seconds"] == pytest.approx(2e-6)
    assert measured["multiply"]["flops_per_second"] == pytest.approx(4 * 1000 * 2 / 1e-7)


def test_what_measures_the_machine_is_never_the_control() -> None:
    blocks = race([{"numpy": entry(1.0), "jax": entry(2.0, compiles=True), **machine()}]).blocks
    assert analysis.control_for(blocks) == "jax"


def test_a_kernel_on_a_gpu_has_no_fraction() -> None:
    gpu = {"backend": "jax-gpu", "device": "gpu", "passes": 2, "compiles": True}
    found = race([{"jax-gpu": entry(8e-6, kernel=gpu), **machine()}] * 3)
    assert next(record.ceiling for record in found.records if record.kernel == "jax-gpu") is None
