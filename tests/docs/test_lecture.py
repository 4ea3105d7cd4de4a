"""docs/lecture.md: each statement of the notes, with what was measured, from committed files."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from bench.host.checkout import CHECKOUT
from bench.results import run_file
from docs import lecture
from tests.support.committed import committed

measured = pytest.mark.skipif(
    not lecture.FIGURES.exists(),
    reason="docs/lecture.json is not yet measured: python -m docs.lecture measure RUN.json",
)


@measured
def test_the_page_is_what_the_script_writes() -> None:
    figures = json.loads(lecture.FIGURES.read_text())
    run = CHECKOUT / figures["run"]
    assert run in committed()
    assert lecture.PAGE.read_text() == lecture.page(figures, run_file.read(run))


@measured
def test_the_statements_hold() -> None:
    figures = json.loads(lecture.FIGURES.read_text())
    for of_workload in figures["distances"].values():
        for kernel in of_workload.values():
            assert kernel["reached"] == lecture.STARTS
            assert kernel["distance"] <= kernel["allowed"]
    results = run_file.read(CHECKOUT / figures["run"])
    records = {(record.workload, record.kernel): record for record in results.records}
    crawl, safe, long = (figures["costs"][name] for name in ("crawl", "safe", "long"))
    assert crawl[0] == safe[0] == long[0]
    assert safe[-1] < crawl[-1] < crawl[0]
    costs = records["descend:lecture", "numba"].curves["cost"]
    assert all(after <= before for before, after in pairwise(costs))
    assert "it diverges" in figures["refused"]
    loops, numpy, numba = (records["lecture", name].seconds for name in ("loops", "numpy", "numba"))
    assert loops and numpy and numba  # noqa: PT018 - each is needed below
    assert loops.estimate > 10 * numpy.estimate > 10 * numba.estimate


def test_bad_arguments_are_one_line() -> None:
    with pytest.raises(SystemExit, match=r"^expected nothing, or: measure results/"):
        lecture.main(["measures"])
