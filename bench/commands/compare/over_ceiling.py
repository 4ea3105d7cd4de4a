"""A kernel's time over its machine's ceiling, launch by launch. Pure: it works on results."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis import roofline
from bench.analysis.statistics import lower_decile
from bench.commands.compare.rounds import Launches, Logs
from bench.results.record import Record
from kernels.ceilings import specs
from kernels.contract import Size

ITEM_BYTES = {"float32": 4, "float64": 8}


def over_ceiling(rounds: Mapping[str, Launches], record: Record) -> Logs:
    """Launch → log(kernel's time / ceiling); empty unless every launch measured every ceiling of its work."""
    launches, work = rounds[record.kernel], record.work or {}
    if not work.keys() >= specs.METHODS.keys() or record.dtype not in ITEM_BYTES:
        return {}
    size = Size(record.m, record.n, ITEM_BYTES[record.dtype])
    methods = [method for method in specs.SPECS if rounds.get(method, {}).keys() >= launches.keys()]
    measured = [
        roofline.seconds({method: rounds[method][launch] for method in methods}, size, work) for launch in launches
    ]
    seconds = [lower_decile(rounds) for rounds in launches.values()]
    shares = roofline.log_fractions(measured, seconds)
    return dict(zip(launches, (-share for share in shares), strict=True)) if shares else {}
