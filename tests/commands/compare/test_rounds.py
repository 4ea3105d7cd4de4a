"""The rounds of a file's race, by kernel and launch, and each launch's value."""

from __future__ import annotations

from math import log

import numpy as np

from bench.analysis.statistics import lower_decile
from bench.commands.compare import rounds as race_rounds
from tests.commands.compare.many_runs import many


def test_the_rounds_of_a_race_and_their_values() -> None:
    one = many("A", np.random.default_rng(1))
    race = one.results.races[0]
    rounds = race_rounds.of_race(one, race)
    given = {(part["kernel"], part["launch"]): part["seconds"] for part in race["rounds"]}
    assert {(kernel, launch): part for kernel, of in rounds.items() for launch, part in of.items()} == given
    assert list(rounds["numpy"]) == [0, 1, 2, 3, 4]
    assert race_rounds.values(rounds["numpy"])[3] == log(lower_decile(given["numpy", 3]))
