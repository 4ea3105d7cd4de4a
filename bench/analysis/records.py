"""From samples to records: what all launches together say of a kernel."""

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

OPERATION = "gradient"


def record_id(workload: str, kernel: str, threads: int) -> str:
    """What a record is called."""
    return "/".join((OPERATION, workload, kernel, str(threads)))


def record_of(race: Race, candidate: Candidate) -> Record:
    """What all launches say of one kernel."""
    name, workload = candidate.name, race.workload
    outcome, reason = race.outcome(name)
    entries = race.launches(name)
    ok = [entry for entry in entries if entry.rounds] if outcome == "ok" else []
    kernel: Mapping[str, Any] = next((entry.kernel for entry in entries if entry.kernel), {})
    medians = [median(entry.rounds) for entry in ok]
    seconds = _seconds(medians)
    rounds = race.rounds(name)
    return Record(
        id=record_id(workload.name, name, race.threads),
        operation=OPERATION,
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
        printed=next((entry.printed for entry in entries if entry.printed), ""),
        selected=candidate.selected,
        passes=kernel.get("passes"),
        error=_error(entries),
        cold=cold_start.cold(entries) if outcome == "ok" else Cold(),
        break_even=_break_even(race, name) if ok else None,
        steady=statistics.steady([entry.rounds for entry in ok]),
        launches=len(ok),
        rounds=len(rounds),
        iterations=ok[0].iterations if ok else 0,
        outliers=sum(statistics.outliers(entry.rounds) for entry in ok),
        seconds=seconds,
        speedup=race.ratio(name, workload.baseline),
        over_numpy=race.ratio(name, "numpy"),
        launch_spread=statistics.spread(medians),
        seen=_seen(ok, race.threads),
        bytes_per_call=workload.bytes_per_call,
        gigabytes_per_second=workload.bytes_per_call / seconds.median / 1e9 if seconds else None,
        ceiling=race.fraction(name),
    )


def _seconds(medians: Sequence[float]) -> Seconds | None:
    if not medians:
        return None
    found = statistics.interval([log(seconds) for seconds in medians])
    return Seconds(found.estimate, found.low, found.high) if found else Seconds(medians[0], None, None)


def _error(entries: Sequence[KernelSamples]) -> Error | None:
    own = [
        finding
        for entry in entries
        for finding in entry.findings
        if finding["check"] in ("data", "unseen") and "max_ulps" in finding
    ]
    if not own:
        return None
    return Error(max(finding["max_ulps"] for finding in own), max(finding["bound_fraction"] for finding in own))


def _break_even(race: Race, kernel: str) -> dict[str, int | None]:
    """Kernel before it on the ladder, a user's after all → after how many calls this kernel has caught up with it."""
    places = {name: place for place, name in enumerate(names())}
    timed = [candidate.name for candidate in race.candidates if race.rounds(candidate.name)]
    ladder = sorted(timed, key=lambda name: places.get(name, len(places)))
    own = cold_start.once_and_call(race.launches(kernel))
    return {
        other: cold_start.calls_to_overtake(own, cold_start.once_and_call(race.launches(other)))
        for other in ladder[: ladder.index(kernel)]
    }


def _seen(entries: Sequence[KernelSamples], threads: int) -> dict[str, Any] | None:
    """What was seen of the workers while they were timed, and whether they kept to what they were given."""
    if not entries:
        return None
    seen = [entry.seen for entry in entries]
    cores_used = max(one["cores_used"] for one in seen)
    given = max(len(one.get("cores") or ()) for one in seen)
    return {
        "threads": max((one.get("threads") or 0 for one in seen), default=0),
        "busy_threads": int(max(one["busy_threads"] for one in seen)),
        "cores_used": round(cores_used, 2),
        "over_used": cores_used > threads + 0.25 or given > threads,
        "pools": seen[-1].get("pools"),
        "page_faults_per_call": round(median(one["page_faults_per_call"] for one in seen), 3),
        "switches_per_round": round(median(one["switches_per_round"] for one in seen), 2),
        "spin_seconds": [one["spin_seconds"] for one in seen],
        "compiled_again": sum(one.get("compiled_again") or 0 for one in seen),
        "huge_pages": seen[-1].get("huge_pages"),
        "peak_bytes": max((one.get("peak_bytes") or 0 for one in seen), default=0) or None,
    }
