"""A race's part of a results file: everything that its launches measured, and what is known of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.analysis.race import Race
from bench.worker import environment


def race_json(race: Race, untrusted: set[tuple[str, int]]) -> dict[str, Any]:
    """The race's part of a results file."""
    control = race.control(untrusted)
    return {
        "workload": race.workload.name,
        "operation": race.workload.definition.name,
        "details": race.details,
        "threads": race.threads,
        "launches": len(race.launch_results),
        "data": next((launch.data for launch in race.launch_results if launch.data), None),
        "control": None if control is None else asdict(control),
        "ceilings": race.ceilings,
        "ceilings_failed": race.ceilings_failed,
        "worker_environment": environment.settings(race.threads),
        "noise": [launch.noise for launch in race.launch_results],
        "seconds": [launch.seconds for launch in race.launch_results],
        "sweeps": [
            {"disturbed": launch.disturbed, "counts_all": launch.counts_all, "foreign": list(launch.foreign)}
            for launch in race.launch_results
        ],
        "rounds": [
            {
                "kernel": name,
                "launch": launch.launch,
                "period": samples.period,
                "order": list(samples.positions),
                "sweeps": list(samples.sweeps),
                "seconds": list(samples.rounds),
                "disturbed_sweeps": list(samples.disturbed_sweeps),
                "disturbed_seconds": list(samples.disturbed_rounds),
            }
            for launch in race.launch_results
            for name, samples in launch.samples.items()
            if samples.rounds and race.outcome(name)[0] == "ok"
        ],
    }
