"""From samples to records: the result of one kernel over all launches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.analysis import cold_start, statistics
from bench.results.record import Cold, Error, Record, Seconds
from bench.results.samples import Candidate, KernelSamples
from kernels import names

if TYPE_CHECKING:
    from bench.analysis.race import Race


def record_id(operation: str, workload: str, kernel: str, threads: int) -> str:
    """Such as `gradient/lecture/numpy/2`; the workload without the operation that its name may begin with."""
    return "/".join((operation, workload.rpartition(":")[2], kernel, str(threads)))


def record_of(race: Race, candidate: Candidate) -> Record:
    """The record of one kernel."""
    name, workload = candidate.name, race.workload
    outcome, reason = race.outcome(name)
    samples = race.samples(name)
    timed = [sample for sample in samples if sample.rounds] if outcome == "ok" else []
    kernel: Mapping[str, Any] = next((sample.kernel for sample in samples if sample.kernel), {})
    values = [statistics.lower_decile(sample.rounds) for sample in timed]
    seconds = _seconds(values)
    rounds, work = race.rounds(name), workload.work
    disturbed = sum(len(sample.disturbed_rounds) for sample in timed)
    undropped = race.with_disturbed() if disturbed else None
    return Record(
        id=record_id(workload.definition.name, workload.name, name, race.threads),
        operation=workload.definition.name,
        kernel=name,
        backend=kernel.get("backend"),
        device=kernel.get("device"),
        workload=workload.name,
        m=workload.m,
        n=workload.n,
        dtype=str(workload.dtype),
        order=workload.order,
        threads=race.threads,
        outcome=outcome,
        reason=reason,
        output_tail=next((sample.output_tail for sample in samples if sample.output_tail), ""),
        selected=candidate.selected,
        passes=kernel.get("passes"),
        of=kernel.get("of", ""),
        largest_score=kernel.get("largest_score"),
        left_out=list(kernel.get("left_out", ())),
        reached=race.reached(name),
        error=_error(samples),
        curves=_curves(samples),
        cold=cold_start.cold_steps(samples) if outcome == "ok" else Cold(),
        break_even=_break_even(race, name) if timed and race.reached(name) else None,
        steady=statistics.steady([sample.rounds for sample in timed]),
        launches=len(timed),
        rounds=len(rounds),
        iterations=timed[0].iterations if timed else 0,
        outliers=sum(statistics.outliers(sample.rounds) for sample in timed),
        seconds=seconds,
        speedup=race.ratio_of_names(name, workload.baseline),
        over_numpy=race.ratio_of_names(name, "numpy"),
        disturbed_rounds=disturbed,
        seconds_with_disturbed=_seconds(
            [statistics.lower_decile(s.rounds) for s in undropped.samples(name) if s.rounds]
        )
        if undropped
        else None,
        speedup_with_disturbed=undropped.ratio_of_names(name, workload.baseline) if undropped else None,
        launch_spread=statistics.spread(values),
        counters=_resource_usage(timed, race.threads),
        work=dict(work.ceilings) if work else None,
        bytes_per_call=work.bytes if work else 0,
        gigabytes_per_second=work.bytes / seconds.estimate / 1e9 if work and seconds else None,
        ceiling=race.fraction(name),
    )


def _seconds(values: Sequence[float]) -> Seconds | None:
    if not values:
        return None
    mean = statistics.interval([log(seconds) for seconds in values])
    return Seconds(mean.estimate, mean.low, mean.high) if mean else Seconds(values[0], None, None)


def _error(samples: Sequence[KernelSamples]) -> Error | None:
    """The largest error in the checks on the workload's own data."""
    results = [
        result for sample in samples for result in sample.check_results if result["check"] in ("data", "unseen")
    ]
    fractions = [result["bound_fraction"] for result in results if "bound_fraction" in result]
    figures: dict[str, float] = {}
    for result in results:
        for name, value in result.get("figures", {}).items():
            figures[name] = max(value, figures.get(name, value))
    return Error(max(fractions, default=None), figures) if fractions or figures else None


def _curves(samples: Sequence[KernelSamples]) -> dict[str, list[float]]:
    """What the check on the workload's own data found to draw, in the first launch."""
    results = (result for sample in samples for result in sample.check_results if result["check"] == "data")
    curves: Mapping[str, Any] = next((result["curves"] for result in results if result.get("curves")), {})
    return {name: list(values) for name, values in curves.items()}


def _break_even(race: Race, kernel: str) -> dict[str, int | None]:
    """Kernel earlier on the ladder, or baseline → after how many calls this kernel overtakes it.

    A user's kernels come last.
    """
    positions = {name: position for position, name in enumerate(names(race.workload.definition.name))}
    candidates = [candidate.name for candidate in race.candidates]
    timed = [name for name in candidates if race.rounds(name) and race.reached(name)]
    ladder = sorted(timed, key=lambda name: positions.get(name, len(positions)))
    cost = cold_start.one_time_and_call_seconds(race.samples(kernel))
    baseline = [name for name in timed if name == race.workload.baseline != kernel]
    return {
        other: cold_start.calls_to_overtake(cost, cold_start.one_time_and_call_seconds(race.samples(other)))
        for other in dict.fromkeys([*ladder[: ladder.index(kernel)], *baseline])
    }


def _largest(usages: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """None where no launch has the counter."""
    return max((usage[name] for usage in usages if usage.get(name) is not None), default=None)


def _resource_usage(samples: Sequence[KernelSamples], threads: int) -> dict[str, Any] | None:
    """What the workers used while they were timed, and whether it was more than they were given."""
    if not samples:
        return None
    usages = [sample.counters for sample in samples]
    cores_used = max(usage["cores_used"] for usage in usages)
    cores_allowed = max(len(usage.get("cores") or ()) for usage in usages)
    return {
        "threads": max((usage.get("threads") or 0 for usage in usages), default=0),
        "busy_threads": int(max(usage["busy_threads"] for usage in usages)),
        "cores_used": round(cores_used, 2),
        "over_used": cores_used > threads + 0.25 or cores_allowed > threads,
        "pools": usages[-1].get("pools"),
        "page_faults_per_call": round(median(usage["page_faults_per_call"] for usage in usages), 3),
        "switches_per_round": round(median(usage["switches_per_round"] for usage in usages), 2),
        "spin_seconds": [usage["spin_seconds"] for usage in usages],
        "compiled_again": sum(usage.get("compiled_again") or 0 for usage in usages),
        "huge_pages": usages[-1].get("huge_pages"),
        **{name: _largest(usages, name) for name in ("peak_bytes", "placed_bytes", "call_bytes")},
    }
