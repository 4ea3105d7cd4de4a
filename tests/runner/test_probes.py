"""Which probes a kernel is asked that is right up to some score only, and where it is not raced."""

from __future__ import annotations

import pytest

from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun
from bench.runner.probes import probes_of, refuse
from tests.support.problems import TINY, inputs


def limited(largest_score: float | None) -> KernelRun:
    kernel = {"backend": "numpy"} | ({} if largest_score is None else {"largest_score": largest_score})
    return KernelRun(KernelSamples("ok", kernel=kernel))


def test_a_kernel_is_not_raced_where_the_scores_of_the_workload_may_be_larger() -> None:
    made = inputs(TINY)
    assert made.largest_score
    kernel_runs = {"all": limited(None), "enough": limited(made.largest_score), "little": limited(4.5)}
    failed = kernel_runs["failed"] = limited(4.5)
    failed.samples = KernelSamples("crashed", "SIGSEGV")
    refuse(kernel_runs, made)
    outcomes = {name: (one.samples.outcome, one.samples.reason) for name, one in kernel_runs.items()}
    reason = f"its scores may reach {made.largest_score:.3g}, and the kernel is right up to 4.5 only"
    assert outcomes == {
        "all": ("ok", ""), "enough": ("ok", ""), "little": ("skipped", reason), "failed": ("crashed", "SIGSEGV"),
    }  # fmt: skip
    assert kernel_runs["little"].samples.kernel["largest_score"] == 4.5


def test_what_is_left_out_is_kept_in_the_samples_of_that_kernel_alone() -> None:
    made = inputs("1000x3")
    for largest, left_out in (
        (None, None),
        (1e12, None),
        (75.0, ["scores-1024", "tail-60", "tail-200", "tail-600"]),
    ):
        kernel_run = limited(largest)
        probes = probes_of(kernel_run, made, 0.5, is_later=False)
        assert kernel_run.samples.kernel.get("left_out") == left_out
        assert len(probes) == len(made.probes) - len(left_out or ())


@pytest.mark.parametrize("largest", [None, 75.0])
def test_later_a_kernel_gets_one_of_its_own_probes(largest: float | None) -> None:
    made = inputs("1000x3")
    own = [case for case in made.probes_up_to(largest)[0] if not case.change]
    later = [probes_of(limited(largest), made, (number + 0.5) / 1000, is_later=True) for number in range(1000)]
    assert all(len(probes) == 1 for probes in later)
    assert [case.check for case in own] == list(dict.fromkeys(probes[0].check for probes in later))


def test_the_smaller_probes_of_a_score_are_made_once() -> None:
    made = inputs("1000x3")
    first, second = (made.probes_up_to(75.0)[0] for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))
    # they are calls on the arrays that are shared already
    assert [case.fields for case in first if case.check == "few-examples"] == [
        case.fields for case in made.probes if case.check == "few-examples"
    ]
