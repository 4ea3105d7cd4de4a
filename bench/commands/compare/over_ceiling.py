"""A kernel's time over its machine's ceiling, launch by launch. Pure: it works on results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.analysis import roofline
from bench.analysis.statistics import lower_decile
from bench.commands.compare.rounds import Launches, Logs
from bench.results.record import Record
from kernels.ceilings import specs
from kernels.contract import Size

ITEM_BYTES = {"float32": 4, "float64": 8}


_IN_EVERY_FILE = "read", "sigmoid", "multiply"
"""The ceilings that every file has which has any."""


def ceilings_of(runs: Iterable[Mapping[str, Launches]]) -> tuple[str, ...]:
    """The ceilings of which all these runs measured one method or more; those that every file has in any case."""
    runs = list(runs)
    return tuple(
        name
        for name, methods in specs.METHODS.items()
        if name in _IN_EVERY_FILE or all(any(method in rounds for method in methods) for rounds in runs)
    )


def over_ceiling(rounds: Mapping[str, Launches], record: Record, names: Sequence[str]) -> Logs:
    """Launch → log(kernel's time / ceiling); empty unless every launch measured each of these ceilings."""
    launches, work = rounds[record.kernel], record.work or {}
    if not work.keys() >= specs.UNITS.keys() or record.dtype not in ITEM_BYTES:
        return {}
    size = Size(record.m, record.n, ITEM_BYTES[record.dtype])
    of_names = [method for name in names for method in specs.METHODS[name]]
    methods = [method for method in of_names if rounds.get(method, {}).keys() >= launches.keys()]
    measured = [
        roofline.seconds({method: rounds[method][launch] for method in methods}, size, work) for launch in launches
    ]
    seconds = [lower_decile(rounds) for rounds in launches.values()]
    shares = roofline.log_fractions(measured, seconds, names)
    return dict(zip(launches, (-share for share in shares), strict=True)) if shares else {}
