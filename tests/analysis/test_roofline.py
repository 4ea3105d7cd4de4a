"""The ceilings of a race, from rounds made by hand."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest

from bench.analysis import next_launch, roofline
from bench.analysis.race_json import race_json
from bench.race import race as raced
from bench.results.record import Results
from bench.results.samples import KernelSamples
from kernels.ceilings import specs
from kernels.ceilings.specs import SPECS, repeats
from tests.support.races import LECTURE, race, samples
from tests.support.records import MACHINE
from tests.support.terminal import shown

TIMES = repeats(LECTURE.bytes_of_x)
WORK = specs.amounts(*LECTURE.size)


def machine(**seconds: float) -> dict[str, KernelSamples]:
    """The ceiling workers' samples, from seconds for one pass over the workload."""
    taken = {"read-sum": 1e-6, "read-bits": 2e-6, "sigmoid": 4e-6, "multiply": 1e-7, "arithmetic": 5e-6}
    taken |= {name.replace("_", "-"): value for name, value in seconds.items()}
    return {f"({name})": samples(TIMES * value, compiles=True) for name, value in taken.items()}


def test_a_small_workload_is_repeated_so_that_the_call_overhead_is_negligible() -> None:
    assert repeats(2**30) == 1
    assert repeats(16_000) == 2**25 // 16_000


def test_the_faster_method_counts_and_the_longest_ceiling_limits() -> None:
    rounds = {name: one.rounds for name, one in machine().items()}
    ceilings = roofline.seconds(rounds, LECTURE.size, WORK)
    assert ceilings == pytest.approx({"read": 1e-6, "sigmoid": 4e-6, "multiply": 1e-7, "arithmetic": 5e-6})
    assert roofline.limiting_ceiling([ceilings, ceilings]) == "arithmetic"
    assert [
        exp(log) for log in roofline.log_fractions([ceilings, ceilings], [10e-6, 5e-6], specs.of_work(WORK))
    ] == pytest.approx([0.5, 1.0])


def test_ceilings_are_of_the_work_of_a_call() -> None:
    """Ten steps read, multiply and evaluate ten times what one does, and take ten times as long."""
    rounds = {name: one.rounds for name, one in machine().items()}
    ten = {name: 10 * amount for name, amount in WORK.items()}
    ceilings = roofline.seconds(rounds, LECTURE.size, ten | {"sigmoid": 5 * WORK["sigmoid"]})
    five_of_both_and_five_of_products = 5 * 5e-6 + 5 * 1e-7
    arithmetic = {"arithmetic": five_of_both_and_five_of_products}
    assert ceilings == pytest.approx({"read": 1e-5, "sigmoid": 2e-5, "multiply": 1e-6} | arithmetic)
    table = roofline.ceiling_table({name: [one] for name, one in rounds.items()}, LECTURE.size, ten)
    assert table["read"]["seconds"] == pytest.approx(1e-5)
    assert table["read"]["bytes_per_second"] == pytest.approx(1000 * 3 * 8 / 1e-6)
    assert table["read"]["read-bits_seconds"] == pytest.approx(2e-5)
    assert table["arithmetic"] == pytest.approx({"seconds": 5e-5})


def test_products_of_matrices_have_their_own_number_of_repetitions_and_can_limit() -> None:
    """The worker repeats 6 Mflop until it has 2²⁷: 22 times."""
    rounds = {name: one.rounds for name, one in machine().items()} | {
        "(matmul-64)": [22 * 6e-6] * 3,
        "(matmul-240)": [22 * 8e-6] * 3,
    }
    layers = WORK | {"matmul": 6e6}
    ceilings = roofline.seconds(rounds, LECTURE.size, layers)
    assert specs.matmul_repeats(6e6) == 22
    assert ceilings["matmul"] == pytest.approx(6e-6)
    assert roofline.limiting_ceiling([ceilings]) == "matmul"
    table = roofline.ceiling_table({name: [one] for name, one in rounds.items()}, LECTURE.size, layers)
    of_methods = {"matmul-64_seconds": 6e-6, "matmul-240_seconds": 8e-6}
    assert table["matmul"] == pytest.approx({"seconds": 6e-6, "flops_per_second": 1e12} | of_methods)
    assert "matmul" not in roofline.seconds(rounds, LECTURE.size, WORK)
    assert "matmul" not in specs.of_work(WORK)


def test_without_every_ceiling_there_is_no_fraction() -> None:
    assert roofline.log_fractions([], [], ["read"]) == []
    assert roofline.log_fractions([{"read": 1e-6}], [2e-6], ["read", "multiply"]) == []


def test_a_record_has_its_kernels_share_of_the_ceiling() -> None:
    result = race(
        [{"numpy": samples(8e-6 * drift), **machine(arithmetic=4e-6 * drift)} for drift in (1, 1.5, 0.7, 1, 1.2)]
    )
    ceiling = next(record.ceiling for record in result.records if record.kernel == "numpy")
    assert ceiling is not None
    assert ceiling.name == "arithmetic"
    assert (ceiling.fraction, ceiling.low, ceiling.high) == pytest.approx((0.5, 0.5, 0.5))
    measured = result.ceilings
    assert measured is not None
    assert measured["read"]["bytes_per_second"] == pytest.approx(1000 * 3 * 8 / 1e-6)
    assert measured["read"]["read-bits_seconds"] == pytest.approx(2e-6)
    assert measured["multiply"]["flops_per_second"] == pytest.approx(4 * 1000 * 2 / 1e-7)


def test_a_ceiling_worker_is_never_the_control() -> None:
    launch_results = race([{"numpy": samples(1.0), "jax": samples(2.0, compiles=True), **machine()}]).launch_results
    assert next_launch.choose_control(launch_results) == "jax"


def test_a_kernel_on_a_gpu_has_no_fraction() -> None:
    gpu = {"backend": "jax-gpu", "device": "gpu", "passes": 2, "compiles": True}
    result = race([{"jax-gpu": samples(8e-6, kernel=gpu), **machine()}] * 3)
    assert next(record.ceiling for record in result.records if record.kernel == "jax-gpu") is None


def test_a_failed_ceiling_says_why_and_leaves_no_fraction() -> None:
    """It fails in one launch of three: its times from the other launches are dropped, as a kernel's would be."""
    crashed = KernelSamples("crashed", "SIGILL, illegal instruction, while it was timed")
    launches = [{"numpy": samples(8e-6), **machine()} for _ in range(3)]
    launches[1]["(sigmoid)"] = crashed
    del launches[2]["(sigmoid)"]
    result = race(launches)
    assert result.records[0].ceiling is None
    assert result.ceilings is not None
    assert set(result.ceilings) == {"read", "multiply"}
    failure = {"name": "sigmoid", "measures": "sigmoid", "outcome": "crashed", "reason": crashed.reason}
    assert race_json(result, set())["ceilings_failed"] == [failure]
    text = shown(Results({}, MACHINE, (race_json(result, set()),), result.records))
    line = "ceiling: sigmoid: crashed: SIGILL, illegal instruction, while it was timed; so there is no ceiling"
    assert line in " ".join(text.split())
    assert "ceiling: reading" not in text


def test_without_the_arithmetic_there_is_no_fraction_and_no_line() -> None:
    crashed = KernelSamples("crashed", "SIGILL, illegal instruction, while it was timed")
    result = race([{"numpy": samples(8e-6), **machine(), "(arithmetic)": crashed}] * 3)
    assert result.records[0].ceiling is None
    text = shown(Results({}, MACHINE, (race_json(result, set()),), result.records))
    assert "so there is no ceiling" in " ".join(text.split())
    assert "ceiling: reading" not in text


def test_if_one_reading_method_fails_the_other_counts() -> None:
    launches = [{"numpy": samples(8e-6), **machine(sigmoid=1e-7, arithmetic=2e-7)} for _ in range(3)]
    launches[2]["(read-sum)"] = KernelSamples("timeout", "no end after 120 s, in its first call")
    result = race(launches)
    ceiling = result.records[0].ceiling
    assert ceiling is not None
    assert (ceiling.name, ceiling.fraction) == ("read", pytest.approx(0.25))  # of the slower method, in every launch
    text = " ".join(shown(Results({}, MACHINE, (race_json(result, set()),), result.records)).split())
    assert "ceiling: reading X and y 2.00 µs" in text
    assert "ceiling: read-sum: timeout: no end after 120 s, in its first call; the other method is used" in text


def test_no_failures_if_nothing_failed_or_nothing_was_measured() -> None:
    assert race([{"numpy": samples(8e-6), **machine()}]).ceilings_failed == []
    bare = race([{"numpy": samples(8e-6)}])
    assert (bare.ceilings, bare.ceilings_failed) == (None, [])


WORKERS = """
from kernels.backends import NUMPY
from kernels.contract import Kernel
from tests.support.faults import segfault

CRASHES = Kernel("crashes", NUMPY, "crashes", None, segfault, operation="ceilings")
SUM = Kernel("sum", NUMPY, "the sum of X", 1, lambda X, y, number: (X.sum() + number,), operation="ceilings")
"""


def test_the_outcome_of_a_real_ceiling_worker_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    specs_of = dict.fromkeys(SPECS, f"{tmp_path}/workers.py:SUM") | {"(multiply)": f"{tmp_path}/workers.py:CRASHES"}
    monkeypatch.setattr(specs, "SPECS", specs_of)
    (failed,) = raced(["numpy"], "20x3", launches=1, seconds=0.05, ceilings=True).ceilings_failed
    assert (failed["name"], failed["outcome"]) == ("multiply", "crashed")
    assert failed["reason"] == "SIGSEGV, segmentation fault, in its first call"


@pytest.mark.parametrize(
    ("seconds", "launches", "broken"),
    [(1e-6, 3, True), (4.9e-6, 3, False), (1e-6, 1, True), (4.9e-6, 1, False)],
)
def test_a_kernel_beyond_its_ceiling_is_named(seconds: float, launches: int, broken: bool) -> None:
    """The ceiling is 5 µs: a kernel may be up to 5% faster than that by chance."""
    result = race([{"numpy": samples(seconds), **machine()}] * launches)
    text = " ".join(shown(Results({}, MACHINE, (race_json(result, set()),), result.records)).split())
    either = "numpy is faster than the ceiling: either the ceiling was measured wrong, or the kernel does not compute"
    assert (either in text) is broken
