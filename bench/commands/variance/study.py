"""Measures: one unit after another, each a session of its own under one condition.

A session makes its inputs anew, as a run does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.commands.variance import calls
from bench.commands.variance.causes import CAUSES, Cause
from bench.commands.variance.document import Unit
from bench.commands.variance.plan import Key, Plan
from bench.host.checkout import temporary_folder
from bench.report.formatting import counted
from bench.results.samples import KernelSamples, LaunchResult
from bench.runner.inputs import InputCache
from bench.runner.session import Session
from bench.runner.settings import LAUNCH_SECONDS, TIMEOUT_SECONDS
from bench.runner.worker_resources import resources_for
from bench.workloads.datasets import DatasetUnavailable


def key_of(unit: Unit) -> Key:
    """What identifies a unit of a document."""
    return Key(unit["condition"], unit["threads"], unit["run"])


def run(
    plan: Plan,
    units: list[Unit],
    deadline: float,
    save: Callable[[], None],
    tick: Callable[[str, float], None],
) -> bool:
    """Measure what is not complete in `units`, and add it. Returns whether all of the plan is measured.

    deadline: of time.monotonic(). save: called after each unit. Finished launches are kept, also on Ctrl-C.
    """
    units[:] = [unit for unit in units if unit["complete"]]
    missing = [key for key in plan.keys if key not in [key_of(unit) for unit in units]]
    estimates = [plan.seconds(key) for key in missing]
    with temporary_folder("variance") as cache:
        for number, key in enumerate(missing):
            if time.monotonic() >= deadline:
                return False

            def tick_unit(step: str, fraction: float, number: int = number, key: Key = key) -> None:
                share = (sum(estimates[:number]) + fraction * estimates[number]) / sum(estimates)
                tick(f"{key.condition}, {counted(key.threads, 'thread')}: {step}", share)

            unit = _empty(key)
            try:
                unit["complete"] = _measure(plan, key, unit, cache, deadline, tick_unit)
            finally:
                if unit["rounds"]["rows"] or unit["calls"]["rows"] or unit["failures"]:
                    units.append(unit)
                    save()
    return all(unit["complete"] for unit in units)


def _empty(key: Key) -> Unit:
    return {
        "condition": key.condition,
        "threads": key.threads,
        "run": key.run,
        "complete": False,
        "rounds": {"rows": []},
        "launches": {"rows": []},
        "calls": {"rows": []},
        "failures": {},
    }


def _measure(
    plan: Plan, key: Key, unit: Unit, cache: Path, deadline: float, tick: Callable[[str, float], None]
) -> bool:
    """Measure one unit into its document; returns whether it is complete."""
    cause = CAUSES[key.condition]
    input_cache = cause.inputs()
    try:
        with cause.plant():
            session = plan.session(key, input_cache)
            if cause.warm:
                try:
                    session.run(tick, lambda _: time.monotonic() >= deadline)
                finally:
                    _add_session(unit, session)
                if not all(
                    session.is_finished(workload.name, key.threads, launch)
                    for workload in plan.workloads
                    for launch in range(plan.launches)
                ):
                    return False
            return _add_calls(plan, key, unit, session, input_cache, cause, cache, deadline, tick)
    finally:
        input_cache.close()


def _add_session(unit: Unit, session: Session) -> None:
    for result in session.launch_results:
        known = {candidate.name for candidate in session.plan[result.workload]}
        for name, samples in result.samples.items():
            if samples.outcome != "ok":
                unit["failures"].setdefault(f"{name} on {result.workload}", f"{samples.outcome}: {samples.reason}")
            elif name in known and samples.rounds:
                unit["rounds"]["rows"].append(_rounds_row(result, name, samples))
        unit["launches"]["rows"].append(_launch_row(result))


def _rounds_row(result: LaunchResult, name: str, samples: KernelSamples) -> dict[str, Any]:
    return {
        "workload": result.workload,
        "launch": result.launch,
        "kernel": name,
        "seconds": list(samples.rounds),
        "sweeps": list(samples.sweeps),
        "disturbed_seconds": list(samples.disturbed_rounds),
        "disturbed_sweeps": list(samples.disturbed_sweeps),
        "huge_pages": samples.counters.get("huge_pages"),
    }


def _launch_row(result: LaunchResult) -> dict[str, Any]:
    return {
        "workload": result.workload,
        "launch": result.launch,
        "wall_seconds": sum(result.seconds.values()),
        "rounds_seconds": result.seconds.get("rounds", 0.0),
        "stolen": result.noise.get("stolen"),
        "others": result.noise.get("others"),
        "foreign": list(result.foreign),
        "disturbed": result.disturbed,
        "counts_all": result.counts_all,
    }


def _add_calls(
    plan: Plan,
    key: Key,
    unit: Unit,
    session: Session,
    input_cache: InputCache,
    cause: Cause,
    cache: Path,
    deadline: float,
    tick: Callable[[str, float], None],
) -> bool:
    """Time single calls: in one launch, or in all where they stand for the race."""
    launches = 1 if cause.warm else plan.launches
    resources = resources_for(key.threads, cache, TIMEOUT_SECONDS)
    for launch in range(launches):
        for workload in plan.workloads:
            if time.monotonic() >= deadline:
                return False
            specs = {
                candidate.name: candidate.spec
                for candidate in session.plan[workload.name]
                if f"{candidate.name} on {workload.name}" not in unit["failures"]
            }

            def tick_calls(step: str, name: str = workload.name, launch: int = launch) -> None:
                tick(f"{name}: {step}", 1.0 if cause.warm else launch / launches)

            try:
                inputs = input_cache.inputs_of(workload)
            except (MemoryError, DatasetUnavailable, ValueError) as error:
                reason = str(error) or "its inputs do not fit into memory"
                unit["failures"] |= {f"{name} on {workload.name}": reason for name in specs}
                continue
            rows = calls.measure(specs, inputs, resources, LAUNCH_SECONDS, launch, cause.warm, tick_calls)
            for row in rows:
                if row.pop("outcome") == "ok":
                    unit["calls"]["rows"].append({"workload": workload.name, "launch": launch, **row})
                else:
                    unit["failures"].setdefault(f"{row['kernel']} on {workload.name}", row["reason"])
    return True
