"""What a benchmark is asked to show: `@pytest.mark.speedup(over=..., at_least=...)`, and `--fail-if-slower RUN.json`.

    @pytest.mark.speedup(over="numpy", at_least=2.0)
    @pytest.mark.parametrize("kernel", ["numba", "my_kernel.py:gradient"])
    @pytest.mark.parametrize("workload", ["10000x32-f64"])
    def test_it_pays(measured):
        assert measured.error.max_ulps < 100     # the record; or nothing at all

A test that takes `measured` is a benchmark. Kernels and workloads that it does not list are the run's.
Apart from bench/plugin/benchmarks.py, which measures and asks nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import pytest

from bench.analysis import records, verdict
from bench.analysis.statistics import Estimate
from bench.analysis.verdict import Judgement
from bench.host import machine
from bench.plugin.benchmarks import NAME, Benchmarks, cell
from bench.results import run_file
from bench.results.record import Record, Results
from bench.runner import selection
from bench.workloads.datasets import DatasetUnavailable
from kernels import registry

_NAME = "logitbench-demands"


@dataclass(frozen=True)
class BaselineRun:
    """The run that --fail-if-slower names."""

    name: str
    percent: float
    results: Results


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of the gate."""
    parser.getgroup("benchmark").addoption(
        "--fail-if-slower",
        metavar="RUN.json[:PERCENT]",
        help="Fail each benchmark that is shown to be slower than in that run, of this machine, by more than so many "
        f"per cent (default: {verdict.DEFAULT_PERCENT:g}). Between commits: python -m bench race REV.",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """The marker; and with --benchmark, the run to compare with."""
    config.addinivalue_line(
        "markers", "speedup(over, at_least): fails where the kernel is shown to be less than so many times as fast"
    )
    wanted = config.getoption("fail_if_slower")
    if wanted and not config.getoption("benchmark"):
        raise pytest.UsageError("--fail-if-slower judges what --benchmark measures; give both")
    if config.getoption("benchmark"):
        benchmarks = config.pluginmanager.get_plugin(NAME)
        assert isinstance(benchmarks, Benchmarks), "bench.plugin.plugin registers it first"
        config.pluginmanager.register(
            SpeedupAssertions(benchmarks, before(wanted, benchmarks) if wanted else None), _NAME
        )


def before(wanted: str, benchmarks: Benchmarks) -> BaselineRun:
    """What RUN.json[:PERCENT] names. Raises UsageError, in one line."""
    name, percent = wanted, verdict.DEFAULT_PERCENT
    head, colon, tail = wanted.rpartition(":")
    if colon and not Path(wanted).exists():
        name = head
        try:
            percent = float(tail)
        except ValueError:
            percent = -1.0
        if not (isfinite(percent) and percent >= 0):
            raise pytest.UsageError(f"--fail-if-slower has {tail!r}; expected RUN.json:PERCENT, 0 or more")
    try:
        results = run_file.read(Path(name))
    except ValueError as error:
        raise pytest.UsageError(f"--fail-if-slower: {error}") from error
    if not benchmarks.session.settings.seconds:
        raise pytest.UsageError("--fail-if-slower judges times, and nothing is timed here")
    if results.machine["id"] != (here := machine.identity()):
        raise pytest.UsageError(
            f"--fail-if-slower: {Path(name).name} is of {results.machine['id']}, and this is {here}: their times do "
            "not compare; python -m bench race REV compares commits on any machine"
        )
    return BaselineRun(Path(name).name, percent, results)


class SpeedupAssertions:
    """The hooks of a run with --benchmark."""

    def __init__(self, benchmarks: Benchmarks, before: BaselineRun | None) -> None:
        self._benchmarks = benchmarks
        self._before = before
        self._then: Mapping[str, Record] = {}
        self._judged: list[Judgement] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Before the races are planned: what tests list themselves, and what they are compared with, race too."""
        for item in session.items:
            marked = speedup(item)
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            if (found := cell(item)) is None:
                if marked:
                    raise pytest.UsageError(f"{item.nodeid}: speedup marks a test that takes `measured`")
                continue
            try:
                self._add(parameters["kernel"], parameters["workload"])
                if marked:
                    (over,) = selection.choose_kernels(marked[0])
                    self._benchmarks.session.add_comparison(found[0], over)
            except (ValueError, DatasetUnavailable) as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from error
        if self._before:
            ids = [records.record_id(*found) for item in session.items if (found := cell(item))]
            self._then = {found.id: found for found in verdict.in_common(ids, self._before.results)}
            if not self._then:
                raise pytest.UsageError(
                    f"--fail-if-slower: {self._before.name} has no time with an interval of anything chosen here"
                )

    def _add(self, kernel: str, workload: str) -> None:
        session = self._benchmarks.session
        if workload not in session.workloads:
            (chosen,) = selection.choose_workloads(workload)
            session.workloads.setdefault(chosen.name, chosen)
        if kernel not in session.candidates:
            (candidate,) = selection.choose_kernels(kernel)
            selection.require_names([*{candidate, *session.candidates.values()}])
            session.candidates.setdefault(candidate.name, candidate)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Before a benchmark's own body: is there a record worth looking at? After it: the demands."""
        found = pyfuncitem.funcargs.get("measured")
        if not isinstance(found, Record):
            return (yield)
        if found.outcome == "skipped" or (
            found.outcome == "unavailable" and not self._benchmarks.asked_for(found.kernel)
        ):
            pytest.skip(found.reason)
        if found.outcome != "ok":
            pytest.fail(f"{found.kernel} on {found.workload}: {found.outcome}: {found.reason}", pytrace=False)
        result = yield
        judged = [self._speedup(found, *marked)] if (marked := speedup(pyfuncitem)) else []
        if self._before and found.seconds and (then := self._then.get(found.id)):
            judged.append(verdict.over_run(found, then, self._before.percent, len(self._then), self._before.name))
        self._judged += judged
        if failed := [one.line for one in judged if one.verdict == verdict.FAILED]:
            pytest.fail("\n".join(failed), pytrace=False)
        return result

    def _speedup(self, found: Record, spec: str, at_least: float) -> Judgement:
        over = registry.identify(spec)
        race = self._benchmarks.session.race(found.workload, found.threads)
        outcome, reason = race.outcome(over) if race else ("skipped", "the run ended before it")
        if outcome != "ok":
            word = pytest.skip if outcome in ("skipped", "unavailable") else pytest.fail
            word(f"{over} on {found.workload}, to compare with: {outcome}: {reason}")
        ratio = race.ratio(found.kernel, over) if race else None
        shown = Estimate(ratio.estimate, ratio.low, ratio.high) if ratio and ratio.low and ratio.high else None
        return Judgement(f"{found.kernel} on {found.workload}, at least {at_least:g} × {over}", shown, at_least)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """How many passed, and a line for each that failed or was not shown either way."""
        if not self._judged:
            return
        terminalreporter.section("demands")
        verdicts = [one.verdict for one in self._judged]
        counts = ", ".join(
            f"{verdicts.count(one)} {one}" for one in (verdict.PASSED, verdict.FAILED, verdict.NOT_SHOWN)
        )
        terminalreporter.write_line(counts)
        for one in self._judged:
            if one.verdict != verdict.PASSED:
                terminalreporter.write_line(one.line)


def speedup(item: pytest.Item) -> tuple[str, float] | None:
    """`over` and `at_least` of the test's mark; None without one. Raises UsageError for anything else in it."""
    mark = item.get_closest_marker("speedup")
    if mark is None:
        return None
    over, at_least = mark.kwargs.get("over"), mark.kwargs.get("at_least")
    known = not mark.args and set(mark.kwargs) == {"over", "at_least"} and isinstance(over, str)
    if not known or not isinstance(at_least, (int, float)) or not (isfinite(at_least) and at_least > 0):
        raise pytest.UsageError(
            f'{item.nodeid}: expected @pytest.mark.speedup(over="numpy", at_least=2.0), a kernel and a number above 0'
        )
    return str(over), float(at_least)
