"""The limit of a race, from rounds made by hand."""

from __future__ import annotations

from math import exp

import pytest

from bench.analysis import race as race_analysis
from bench.analysis import roofline
from bench.host.checkout import CHECKOUT
from bench.race import race as raced
from bench.results.record import Results
from bench.results.samples import KernelSamples
from kernels.ceilings import specs
from kernels.ceilings.specs import SPECS, repeats
from tests.support.races import LECTURE, entry, race
from tests.support.records import MACHINE
from tests.support.terminal import shown

TIMES = repeats(LECTURE.bytes_of_x)


def machine(**seconds: float) -> dict[str, KernelSamples]:
    """What the machine takes for one pass over the workload."""
    taken = {"read-sum": 1e-6, "read-bits": 2e-6, "sigmoid": 4e-6, "multiply": 1e-7}
    taken |= {name.replace("_", "-"): value for name, value in seconds.items()}
    return {f"({name})": entry(TIMES * value, compiles=True) for name, value in taken.items()}


def test_small_work_is_repeated_until_the_call_does_not_count() -> None:
    assert repeats(2**30) == 1
    assert repeats(16_000) == 2**25 // 16_000


def test_the_faster_way_counts_and_the_longest_is_the_limit() -> None:
    found = roofline.seconds({name: one.rounds for name, one in machine().items()}, LECTURE.bytes_of_x)
    assert found == pytest.approx({"read": 1e-6, "sigmoid": 4e-6, "multiply": 1e-7})
    assert roofline.limiting_ceiling([found, found]) == "sigmoid"
    assert [exp(log) for log in roofline.fractions([found, found], [8e-6, 5e-6])] == pytest.approx([0.5, 0.8])


def test_without_all_of_it_there_is_no_fraction() -> None:
    assert roofline.fractions([], []) == []
    assert roofline.fractions([{"read": 1e-6}], [2e-6]) == []


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
    assert race_analysis.control_for(blocks) == "jax"


def test_a_kernel_on_a_gpu_has_no_fraction() -> None:
    gpu = {"backend": "jax-gpu", "device": "gpu", "passes": 2, "compiles": True}
    found = race([{"jax-gpu": entry(8e-6, kernel=gpu), **machine()}] * 3)
    assert next(record.ceiling for record in found.records if record.kernel == "jax-gpu") is None


def test_a_ceiling_that_fails_says_why_and_leaves_no_limit() -> None:
    """In one launch of three: what it was timed at in the others is withdrawn, as a kernel's would be."""
    crashed = KernelSamples("crashed", "SIGILL, illegal instruction, while it was timed")
    launches = [{"numpy": entry(8e-6), **machine()} for _ in range(3)]
    launches[1]["(sigmoid)"] = crashed
    del launches[2]["(sigmoid)"]
    found = race(launches)
    assert found.records[0].ceiling is None
    assert found.ceilings is not None
    assert set(found.ceilings) == {"read", "multiply"}
    told = {"name": "sigmoid", "measures": "sigmoid", "outcome": "crashed", "reason": crashed.reason}
    assert found.as_json(set())["ceilings_failed"] == [told]
    text = shown(Results({}, MACHINE, (found.as_json(set()),), found.records))
    line = "limit: sigmoid: crashed: SIGILL, illegal instruction, while it was timed; so there is no limit"
    assert line in " ".join(text.split())
    assert "limit: reading" not in text


def test_of_two_ways_to_read_the_other_counts() -> None:
    launches = [{"numpy": entry(8e-6), **machine(sigmoid=1e-7)} for _ in range(3)]
    launches[2]["(read-sum)"] = KernelSamples("timeout", "no end after 120 s, in its first call")
    found = race(launches)
    ceiling = found.records[0].ceiling
    assert ceiling is not None
    assert (ceiling.name, ceiling.fraction) == ("read", pytest.approx(0.25))  # of the slower way, in every launch
    text = " ".join(shown(Results({}, MACHINE, (found.as_json(set()),), found.records)).split())
    assert "limit: reading X and y 2.00 µs" in text
    assert "limit: read-sum: timeout: no end after 120 s, in its first call; the other way counts" in text


def test_no_failures_where_nothing_failed_or_nothing_was_to_be_measured() -> None:
    assert race([{"numpy": entry(8e-6), **machine()}]).ceilings_failed == []
    bare = race([{"numpy": entry(8e-6)}])
    assert (bare.ceilings, bare.ceilings_failed) == (None, [])


def test_the_outcome_of_a_real_worker_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    crashing = dict.fromkeys(SPECS, "numpy") | {"(multiply)": f"{CHECKOUT}/tests/support/faults.py:segfault"}
    monkeypatch.setattr(specs, "SPECS", crashing)
    (failed,) = raced(["numpy"], "20x3", launches=1, seconds=0.05, ceilings=True).ceilings_failed
    assert (failed["name"], failed["outcome"]) == ("multiply", "crashed")
    assert failed["reason"] == "SIGSEGV, segmentation fault, in its first call"


@pytest.mark.parametrize(
    ("seconds", "launches", "broken"),
    [(1e-6, 3, True), (3.9e-6, 3, False), (1e-6, 1, True), (3.9e-6, 1, False)],
)
def test_a_kernel_beyond_the_limit_is_named(seconds: float, launches: int, broken: bool) -> None:
    """The limit is 4 µs: a kernel may come out 5% faster than that by chance, and no more."""
    found = race([{"numpy": entry(seconds), **machine()}] * launches)
    text = " ".join(shown(Results({}, MACHINE, (found.as_json(set()),), found.records)).split())
    assert ("numpy is beyond the limit, which was measured wrong" in text) is broken
