"""Assertions about speed: `@pytest.mark.speedup(over=..., at_least=...)` and `--fail-if-slower RUN.json`.

    @pytest.mark.speedup(over="numpy", at_least=2.0)
    @pytest.mark.parametrize("kernel", ["numba", "my_kernel.py:gradient"])
    @pytest.mark.parametrize("workload", ["10000x32-f64"])
    def test_it_pays(measured):
        assert measured.error.max_ulps < 100     # `measured` is the record; the body may be empty

A test that takes `measured` is a benchmark. It uses the run's kernels and workloads where it lists none itself.
benchmarks.py measures; this module only judges.
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
from bench.host.sanitize import one_line
from bench.plugin.benchmarks import NAME, Benchmarks, cell, name_in_results
from bench.results import run_file
from bench.results.record import Record, Results
from bench.runner import numbers, selection
from bench.workloads import catalog
from bench.workloads.datasets import DatasetUnavailable
from kernels import registry

_NAME = "logitbench-speedup-assertions"


@dataclass(frozen=True)
class BaselineRun:
    """The run that --fail-if-slower names, and by how many per cent a kernel may be slower."""

    name: str
    percent: float
    results: Results


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --fail-if-slower."""
    parser.getgroup("benchmark").addoption(
        "--fail-if-slower",
        metavar="RUN.json[:PERCENT]",
        help="Fail each benchmark that is shown to be more than PERCENT slower than in this results file "
        f"(default: {verdict.DEFAULT_PERCENT:g}). The file must come from this machine. To compare commits: "
        "python -m bench race REV.",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and with --benchmark the hooks."""
    config.addinivalue_line(
        "markers", "speedup(over, at_least): fails where the kernel is shown to be less than so many times as fast"
    )
    fail_if_slower = config.getoption("fail_if_slower")
    if fail_if_slower and not config.getoption("benchmark"):
        raise pytest.UsageError("--fail-if-slower judges what --benchmark measures; give both")
    if config.getoption("benchmark"):
        benchmarks = config.pluginmanager.get_plugin(NAME)
        assert isinstance(benchmarks, Benchmarks), "bench.plugin.plugin registers it first"
        baseline = baseline_run(fail_if_slower, benchmarks) if fail_if_slower else None
        config.pluginmanager.register(SpeedupAssertions(benchmarks, baseline), _NAME)


def baseline_run(option: str, benchmarks: Benchmarks) -> BaselineRun:
    """Read what RUN.json[:PERCENT] names. Raises UsageError, in one line."""
    name, percent = option, verdict.DEFAULT_PERCENT
    head, colon, tail = option.rpartition(":")
    if colon and not option.endswith(".json"):
        name = head
        try:
            percent = numbers.PERCENT.parse("the PERCENT of --fail-if-slower RUN.json:PERCENT", tail)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
    try:
        results = run_file.read(Path(name))
    except ValueError as error:
        raise pytest.UsageError(f"--fail-if-slower: {error}") from error
    if not benchmarks.session.settings.seconds:
        raise pytest.UsageError("--fail-if-slower judges times, and nothing is timed here")
    if results.machine["id"] != (machine_id := machine.identity()):
        raise pytest.UsageError(
            f"--fail-if-slower: {Path(name).name} was measured on {results.machine['id']}; this machine is "
            f"{machine_id}. Times of two machines cannot be compared. python -m bench race REV compares commits on "
            "any machine"
        )
    return BaselineRun(Path(name).name, percent, results)


class SpeedupAssertions:
    """Hooks of a run with --benchmark that add kernels to compare with, and judge the records."""

    def __init__(self, benchmarks: Benchmarks, baseline: BaselineRun | None) -> None:
        self._benchmarks = benchmarks
        self._baseline = baseline
        self._baseline_records: Mapping[str, Record] = {}
        self._judgements: list[Judgement] = []
        self._timeout = benchmarks.session.settings.timeout

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Before the races are planned: add the kernels and workloads that tests list or compare with."""
        for item in session.items:
            mark = speedup(item)
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            if (its_cell := cell(item)) is None:
                if mark:
                    raise pytest.UsageError(f"{item.nodeid}: speedup marks a test that takes `measured`")
                continue
            try:
                operation = self._add(parameters["kernel"], parameters["workload"])
                if mark:
                    (over,) = selection.choose_kernels(mark[0], (), [operation], self._timeout)
                    self._benchmarks.session.add_comparison(its_cell[0], over)
            except (ValueError, DatasetUnavailable) as error:
                raise pytest.UsageError(one_line(f"{item.nodeid}: {error}")) from error
        if self._baseline:
            ids = [self._id(*its_cell) for item in session.items if (its_cell := cell(item))]
            comparable = verdict.comparable_records(ids, self._baseline.results)
            self._baseline_records = {record.id: record for record in comparable}
            if not comparable:
                raise pytest.UsageError(
                    f"--fail-if-slower: {self._baseline.name} has no time with an interval of anything chosen here"
                )

    def _id(self, workload: str, kernel: str, threads: int) -> str:
        definition = self._benchmarks.session.workloads[workload].definition
        return records.record_id(definition.name, workload, kernel, threads)

    def _add(self, kernel: str, workload: str) -> str:
        """Add what the session lacks of a test's kernel and workload. Returns the operation of the workload."""
        session = self._benchmarks.session
        name = name_in_results(lambda given: catalog.named(given).name, workload)
        if name not in session.workloads:
            (session.workloads[name],) = selection.choose_workloads(workload)
        operation = session.workloads[name].definition.name
        known = (one for one in session.candidates.values() if kernel in (one.name, one.spec))
        candidate = next(known, None)
        if candidate is None:
            (candidate,) = selection.choose_kernels(kernel, (), [operation], self._timeout)
            selection.require_names([*{candidate, *session.candidates.values()}])
            session.candidates.setdefault(candidate.name, candidate)
        selection.require_operation(candidate, [operation])
        return operation

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Before a benchmark's body: skip it or fail it unless its kernel is ok. After it: judge its speed."""
        record = pyfuncitem.funcargs.get("measured")
        if not isinstance(record, Record):
            return (yield)
        not_requested = record.outcome == "unavailable" and not self._benchmarks.is_requested(record.kernel)
        if record.outcome == "skipped" or not_requested:
            pytest.skip(record.reason)
        if record.outcome != "ok":
            pytest.fail(f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}", pytrace=False)
        result = yield
        judgements = [self._judge_speedup(record, *mark)] if (mark := speedup(pyfuncitem)) else []
        baseline, earlier = self._baseline, self._baseline_records
        if baseline and record.seconds and record.id in earlier:
            judgements.append(
                verdict.judge_against_run(record, earlier[record.id], baseline.percent, len(earlier), baseline.name)
            )
        self._judgements += judgements
        if failed := [judgement.line for judgement in judgements if judgement.verdict == verdict.FAILED]:
            pytest.fail("\n".join(failed), pytrace=False)
        return result

    def _judge_speedup(self, record: Record, spec: str, at_least: float) -> Judgement:
        over = registry.identify(spec)
        race = self._benchmarks.session.race(record.workload, record.threads)
        outcome, reason = race.outcome(over) if race else ("skipped", "the run ended before it")
        if outcome != "ok":
            end = pytest.skip if outcome in ("skipped", "unavailable") else pytest.fail
            end(f"cannot compare with {over} on {record.workload}: {outcome}: {reason}")
        ratio = race.ratio(record.kernel, over) if race else None
        estimate = Estimate(ratio.estimate, ratio.low, ratio.high) if ratio and ratio.low and ratio.high else None
        return Judgement(f"{record.kernel} on {record.workload}, at least {at_least:g} × {over}", estimate, at_least)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how many passed, and a line for each that failed or was not shown either way."""
        if not self._judgements:
            return
        terminalreporter.section("speedup assertions")
        verdicts = [judgement.verdict for judgement in self._judgements]
        words = (verdict.PASSED, verdict.FAILED, verdict.NOT_SHOWN)
        terminalreporter.write_line(", ".join(f"{verdicts.count(word)} {word}" for word in words))
        for judgement in self._judgements:
            if judgement.verdict != verdict.PASSED:
                terminalreporter.write_line(judgement.line)


def speedup(item: pytest.Item) -> tuple[str, float] | None:
    """`over` and `at_least` of the test's mark; None without a mark. Raises UsageError if the mark is not valid."""
    mark = item.get_closest_marker("speedup")
    if mark is None:
        return None
    over, at_least = mark.kwargs.get("over"), mark.kwargs.get("at_least")
    named = not mark.args and set(mark.kwargs) == {"over", "at_least"} and isinstance(over, str)
    if not named or not isinstance(at_least, (int, float)) or not (isfinite(at_least) and at_least > 0):
        raise pytest.UsageError(
            f'{item.nodeid}: expected @pytest.mark.speedup(over="numpy", at_least=2.0), a kernel and a number above 0'
        )
    return str(over), float(at_least)
