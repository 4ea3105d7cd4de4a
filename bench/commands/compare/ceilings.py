"""The machines' ceilings side by side: reading at each cache level, sigmoids and products. Pure: it works on results.

Every race measures the ceilings in the same launches as its kernels. Only races that both runs have are used, so
that both machines did the same work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean
from typing import Any

from bench.analysis import roofline
from bench.analysis.statistics import trimmed_mean
from bench.commands.compare.drift import Change
from bench.commands.compare.over_ceiling import ITEM_BYTES
from bench.commands.compare.overall import geometric_mean
from bench.commands.compare.rounds import Launches, Logs
from bench.results.record import Record
from kernels.ceilings.specs import SPECS, UNITS
from kernels.contract import Size

_NAMES = {"sigmoid": "sigmoids", "multiply": "products"}
_LEVELS = ("L1", "L2", "L3", "L4", roofline.MEMORY)


@dataclass(frozen=True)
class MachineCeiling:
    """One ceiling of both machines."""

    name: str
    """Such as `reading from L2`, or `float64 sigmoids`."""
    unit: str
    """What the rates are an amount of, each second: bytes, sigmoids or flops."""
    rates: tuple[float, float]
    """Per second, in each run: the geometric mean over its races."""
    change: Change
    """How many times as fast the other run's machine is."""


@dataclass(frozen=True)
class RaceCeilings:
    """The ceilings that one run measured in one race."""

    level: str | None
    """Where X is: a cache or memory; None if the machine's caches are not known."""
    dtype: str
    threads: int
    seconds: Mapping[str, Logs]
    """Ceiling → launch → the logarithm of the seconds for one byte, sigmoid or flop."""


def of_race(
    rounds: Mapping[str, Launches], record: Record, caches: Iterable[Mapping[str, Any]] | None
) -> RaceCeilings:
    """rounds: by ceiling worker; record: of any kernel in the race; caches: of the machine's fingerprint."""
    size = Size(record.m, record.n, ITEM_BYTES.get(record.dtype, 8))
    seconds: dict[str, dict[int, float]] = {}
    for launch in sorted({launch for method in SPECS for launch in rounds.get(method, {})}):
        timed = {method: rounds[method][launch] for method in SPECS if launch in rounds.get(method, {})}
        for name, value in roofline.seconds(timed, size, dict.fromkeys(UNITS, 1.0)).items():
            if name in UNITS:
                seconds.setdefault(name, {})[launch] = log(value)
    level = roofline.level(size.m * size.n * size.itemsize, record.threads, caches)
    return RaceCeilings(level, record.dtype, record.threads, seconds)


def side_by_side(races: Sequence[tuple[RaceCeilings, RaceCeilings]]) -> tuple[MachineCeiling, ...]:
    """The ceilings that both runs measured, from the races that both have.

    Of several numbers of threads the largest is taken. Reading is compared at each level that both runs have: the
    same X may be in a cache of one machine and in the memory of the other.
    """
    most = max((before.threads for before, _ in races), default=0)
    groups: tuple[dict[tuple[str, str], list[Logs]], ...] = ({}, {})
    for pair in races:
        if pair[0].threads == most and pair[0].seconds and pair[1].seconds:
            for group, race in zip(groups, pair, strict=True):
                for name, logs in race.seconds.items():
                    group.setdefault((name, _where(name, race)), []).append(logs)
    common = [key for key in groups[0] if key in groups[1]]
    ceilings = [_side_by_side(*key, groups[0][key], groups[1][key]) for key in sorted(common, key=_order)]
    return tuple(ceilings)


def _where(name: str, race: RaceCeilings) -> str:
    """What the rate of a ceiling depends on, beside the machine."""
    return (race.level or "") if name == "read" else race.dtype


def _order(key: tuple[str, str]) -> tuple[int, int, str]:
    name, where = key
    return list(UNITS).index(name), _LEVELS.index(where) if where in _LEVELS else 0, where


def _side_by_side(name: str, where: str, before: Sequence[Logs], after: Sequence[Logs]) -> MachineCeiling:
    first, second = (exp(-fmean(trimmed_mean(list(race.values())) for race in races)) for races in (before, after))
    return MachineCeiling(_title(name, where), UNITS[name], (first, second), geometric_mean(before, after))


def _title(name: str, where: str) -> str:
    if name == "read":
        return f"reading from {where}" if where else "reading"
    return f"{where} {_NAMES[name]}"
