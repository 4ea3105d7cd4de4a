"""A kernel's time over its ceiling: of two runs, the ceilings that both measured."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest

from bench.commands.compare.over_ceiling import ceilings_of, over_ceiling
from kernels.ceilings import specs
from tests.support.races import LECTURE
from tests.support.records import OK

TIMES = specs.repeats(LECTURE.bytes_of_x)
SECONDS = {"(read-sum)": 1e-6, "(read-bits)": 2e-6, "(sigmoid)": 4e-6, "(multiply)": 1e-6, "(arithmetic)": 4.5e-6}
NEW = {name: {0: (TIMES * seconds,)} for name, seconds in SECONDS.items()} | {"numpy": {0: (9e-6,)}}
OLD = {name: launches for name, launches in NEW.items() if name != "(arithmetic)"}
RECORD = replace(OK, kernel="numpy", work=specs.amounts(*LECTURE.size))


def test_the_arithmetic_counts_where_both_runs_have_it() -> None:
    assert ceilings_of([NEW, NEW]) == ("read", "sigmoid", "multiply", "arithmetic")
    assert ceilings_of([NEW, OLD]) == ceilings_of([OLD, OLD]) == ("read", "sigmoid", "multiply")
    for rounds, ceilings, times in ((NEW, [NEW, NEW], 2), (NEW, [NEW, OLD], 2.25), (OLD, [NEW, OLD], 2.25)):
        (share,) = over_ceiling(rounds, RECORD, ceilings_of(ceilings)).values()
        assert exp(share) == pytest.approx(times)


def test_a_ceiling_that_is_missing_in_a_run_leaves_no_share() -> None:
    without = {name: launches for name, launches in NEW.items() if name != "(sigmoid)"}
    assert over_ceiling(without, RECORD, ceilings_of([NEW, without])) == {}
