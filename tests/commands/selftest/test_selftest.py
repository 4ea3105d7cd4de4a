"""The self-test's steps and its summary, from made-up races; and every cheater is caught, by the right check."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.commands.selftest import (
    cheaters,
    plan,
    races,
    selftest,
    slowed as slowed_kernels,
    summary,
    text as selftest_text,
)
from bench.commands.selftest.plan import Options
from bench.commands.selftest.slowed import Work, slowed
from bench.commands.selftest.summary import Trial
from bench.host import resources
from bench.host.checkout import CHECKOUT, RESULTS
from bench.results.samples import KernelSamples, LaunchResult
from bench.runner.inputs import InputCache
from bench.runner.session import Session
from bench.workloads import catalog
from kernels import load, registry
from tests.commands.selftest.fake_steps import replacements, trial
from tests.support.problems import normal


@cache
def outcomes(workload: str) -> dict[str, dict[str, Any]]:
    """The outcome of each cheater on a workload."""
    return cheaters.catch_cheaters([workload])


@pytest.mark.parametrize("name", cheaters.cheaters())
def test_every_cheater_is_caught(name: str) -> None:
    outcome = outcomes(cheaters.cheaters()[name].workload)[name]
    assert outcome["caught"], outcome["reason"]


def test_every_operation_has_cheaters_on_its_own_workloads() -> None:
    known = cheaters.cheaters()
    assert {name.partition("/")[0] for name in known} == set(registry.OPERATIONS)
    for name, cheater in known.items():
        operation = name.partition("/")[0]
        assert catalog.named(cheater.workload).operation == operation
        assert load(cheater.spec, operation).operation == operation


def test_a_cheater_that_another_check_rejects_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    (name, cheater), *_ = cheaters.cheaters().items()
    monkeypatch.setattr(cheaters, "cheaters", lambda: {name: cheater._replace(reason="unseen: ")})
    assert not cheaters.catch_cheaters()[name]["caught"]


def test_rows_count_false_alarms_coverage_and_slowdowns_found() -> None:
    trials = [trial(1.0, 0.02, 0.95), trial(1.05, 0.02, 0.99), trial(0.99, 0.02), trial(1.0, 0.01, kernel="jax")]
    trials.append(trial(1.0, 0.01, 0.95, kernel="jax"))
    rows = {(row.kernel, row.workload): row for row in summary.summarize(trials)}
    numpy, whole = rows["numpy", "1000x32-f64"], rows["all", "all"]
    assert (numpy.races, numpy.false_alarms, numpy.covered) == (3, 1, 2)
    assert (numpy.slowed_races, numpy.slowed_found) == (2, 1)
    assert (whole.races, whole.false_alarms, whole.slowed_found) == (5, 1, 2)
    assert whole.false_alarm_share[0] == 0.2
    assert whole.false_alarm_share[1] < 0.2 < whole.false_alarm_share[2]
    assert numpy.smallest_found == pytest.approx(1.05 * 1.02 - 1)


def test_rows_tell_threads_and_the_neighbour_apart() -> None:
    trials = [
        trial(1.0, 0.02, 0.95, threads=threads, neighbour=noisy, counts_all=("never quiet",) * (threads == 2))
        for threads in (1, 2, 2)
        for noisy in (False, True, True)
    ]
    rows = {
        (row.kernel, row.workload, row.neighbour, row.threads): (row.races, row.all_count_races)
        for row in summary.summarize(trials)
    }
    assert rows == {
        ("numpy", "1000x32-f64", "no", 1): (1, 0),
        ("numpy", "1000x32-f64", "yes", 1): (2, 0),
        ("numpy", "1000x32-f64", "no", 2): (2, 2),
        ("numpy", "1000x32-f64", "yes", 2): (4, 4),
        ("numpy", "all", "-", 1): (3, 0),
        ("numpy", "all", "-", 2): (6, 6),
        ("all", "all", "-", None): (9, 6),
    }
    whole = summary.summarize(trials)[-1]
    assert (whole.sweeps, whole.disturbed_sweeps) == (900, 27)


def document_of(trials: list[Trial], caught: bool = True) -> dict[str, Any]:
    rows = summary.summarize(trials)
    return {
        "summary": [asdict(row) for row in rows],
        "verdicts": [asdict(verdict) for verdict in summary.verdicts(rows)],
        "cheaters": {"gradient/sign_error": {"outcome": "wrong", "reason": "data: part[0]", "caught": caught}},
        "pytest_benchmark": [],
    }


def printed(document: dict[str, Any]) -> str:
    page = StringIO()
    selftest_text.summary(Console(file=page, width=80, highlight=False), document)
    return page.getvalue()


@pytest.mark.parametrize(
    ("alarms", "caught", "passes"), [(0, True, True), (3, True, True), (20, True, False), (0, False, False)]
)
def test_the_self_tests_verdict(alarms: int, caught: bool, passes: bool) -> None:
    document = document_of([trial(1.1 if i < alarms else 1.0, 0.02, 0.9) for i in range(200)], caught)
    assert summary.passed(document) is passes
    page = printed(document)
    assert f"{alarms}/200" in page
    assert "600/20000" in page  # disturbed sweeps
    assert ("NOT CAUGHT: gradient/sign_error" in page) is not caught
    assert max(map(len, page.partition("cheaters")[0].splitlines())) <= 80


@pytest.mark.parametrize(
    ("alarms", "uncovered", "missed", "failures"),
    [
        (5, 20, 0, ("", "", "")),
        (6, 20, 0, ("1.2% is more", "", "")),
        (0, 0, 0, ("", "95% is outside of the exact interval: intervals are wider than they need to be", "")),
        (5, 60, 0, ("", "95% is outside of the exact interval: intervals are too narrow", "")),
        (5, 20, 25, ("", "", "")),
        (5, 20, 26, ("", "", "94.8% is less")),
    ],
)
def test_what_is_asked_held_or_not(alarms: int, uncovered: int, missed: int, failures: tuple[str, ...]) -> None:
    """An alarm is an uncovered race, too; 1.019 is uncovered and less than the smallest effect."""
    estimates = [1.1] * alarms + [1.019] * uncovered + [1.0] * (500 - alarms - uncovered)
    trials = [trial(one, 0.01, 0.99 if i < missed else 0.95) for i, one in enumerate(estimates)]
    verdicts = summary.verdicts(summary.summarize(trials))
    assert tuple(verdict.failure for verdict in verdicts) == failures
    page = printed(document_of(trials))
    assert f"false alarms, at most 1%: {alarms} of 500, {alarms / 500:.1%} [" in page
    assert f"numpy slowed by 5%, 1 thread, found in at least 95%: {500 - missed} of 500, " in page
    assert all(f": not held: {failure}\n" in page for failure in failures if failure)
    assert page.count("]: held\n") == len([failure for failure in failures[:2] if not failure])


def test_each_kernel_is_asked_for_itself_with_each_number_of_threads() -> None:
    trials = [
        trial(1.0, 0.01, 0.99 if (kernel, threads) == ("numba", 2) else 0.95, kernel, threads=threads)
        for kernel in ("numpy", "numba")
        for threads in (1, 2)
    ]
    found = summary.verdicts(summary.summarize(trials))[2:]
    assert {verdict.asked.partition(", found")[0]: bool(verdict.failure) for verdict in found} == {
        "numba slowed by 5%, 1 thread": False,
        "numpy slowed by 5%, 1 thread": False,
        "numba slowed by 5%, 2 threads": True,
        "numpy slowed by 5%, 2 threads": False,
    }


OLD = RESULTS / "amd-epyc-2c-1696babb/selftest/20261122T225206Z-d2406ea.json"


def test_an_older_files_races_give_the_summary_that_it_has() -> None:
    document = json.loads(OLD.read_text())["selftest"]
    rows = summary.summarize([Trial.of_json(one) for one in document["trials"]])
    made = {(row.kernel, row.workload, row.neighbour): asdict(row) for row in rows}
    assert len(document["summary"]) == len(made) == 15
    of_slowed_races = ("seconds_median", "seconds_most")  # of the others as well, today
    for row in document["summary"]:
        now = json.loads(json.dumps(made[row["kernel"], row["workload"], row["neighbour"]]))
        assert {name: now[name] for name in row if name not in of_slowed_races} == {
            name: value for name, value in row.items() if name not in of_slowed_races
        }
    assert summary.passed(document)


@pytest.fixture
def fake_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is measured; the races that are made are in this file."""
    for module, name, fake in replacements(tmp_path / "races"):
        monkeypatch.setattr(module, name, fake)
    return tmp_path / "races"


def run(folder: Path, *arguments: str) -> int:
    return main(["selftest", "--results", str(folder), *arguments])


def the_file(folder: Path) -> dict[str, Any]:
    (path,) = folder.iterdir()
    assert path.suffix == ".json"
    document: dict[str, Any] = json.loads(path.read_text())["selftest"]
    return document


@pytest.mark.parametrize("number", [1, 2, 7, 50])
def test_exactly_so_many_races_are_made(
    fake_steps: Path, tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", f"--races={number}", "--threads=1,all") == 0
    document = the_file(tmp_path / "out")
    assert len(document["trials"]) == number == document["summary"][-1]["races"]
    assert document["threads"] == [*dict.fromkeys((1, resources.usable_cores()))]
    error = capsys.readouterr().err
    assert f"0 of {number} races, about " in error
    assert error.splitlines()[0].endswith(" left; what makes numpy 5% slower at 1000x32, threads: 1")


def test_every_kind_of_race_is_made_about_as_often() -> None:
    options = Options((1, 2), races=500)
    sessions = list(plan.planned(options))
    assert [session.number for session in sessions] == list(range(len(sessions)))
    assert sum(len(session.sizes) for session in sessions) == 500
    kinds = Counter(
        (session.kernel, session.threads, session.neighbour, size) for session in sessions for size in session.sizes
    )
    assert len(kinds) == 2 * 2 * 2 * 3
    for size in plan.SIZES:
        numbers = {number for kind, number in kinds.items() if kind[3] == size}
        assert max(numbers) - min(numbers) <= 1
    per_kernel = Counter((session.kernel, session.threads) for session in sessions for _ in session.sizes)
    assert min(per_kernel.values()) >= 100


def test_the_minutes_end_the_races_after_each_kind_was_made(
    fake_steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10**6, 30))
    monkeypatch.setattr(selftest, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    assert run(tmp_path / "short", "--minutes=0.001") == 0
    assert len(the_file(tmp_path / "short")["trials"]) == 2 * 2 * 3
    fake_steps.unlink()
    assert run(tmp_path / "long", "--minutes=4") == 0  # each session takes 30 s
    assert len(fake_steps.read_text().splitlines()) == 8


def test_how_long_it_takes_is_said_while_it_runs(
    fake_steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 10**6, 60))
    monkeypatch.setattr(selftest, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    assert run(tmp_path / "out", "--races=24") == 0
    lines = capsys.readouterr().err.splitlines()
    last = [line for line in lines if "against itself" in line][-1]
    rest = 12 * plan.PLAIN_SECONDS + plan.CHEATERS_SECONDS
    assert last == (f"22 of 24 races, about {round((60 + rest) / 60)} min left; numba against itself, 1 thread")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "about 0 s"),
        (59.4, "about 59 s"),
        (59.6, "about 1 min"),
        (2400, "about 40 min"),
        (7800, "about 2 h 10 min"),
    ],
)
def test_times_are_about(seconds: float, text: str) -> None:
    assert plan.about(seconds) == text


def test_what_is_left_is_estimated_from_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_estimated", lambda kind: 10.0 * len(kind.sizes))
    first, second, *_ = sessions = list(plan.planned(Options((1,), races=12)))
    assert plan.seconds_left(sessions, []) == 120
    assert plan.seconds_left([first], [(first, 7.0), (first, 9.0)]) == 8
    assert plan.seconds_left([first, second], [(first, 60.0)]) == 60 + 2 * 30


def test_a_session_is_estimated_before_any_was_measured() -> None:
    """The estimate is the race's own, and grows with the sizes that a session has."""
    small, large = (
        plan.seconds_left([plan.PlannedRaces(0, 0, "numba", 1, False, plan.SIZES[:number])], []) for number in (1, 3)
    )
    assert 5 < small < large < 300


def test_what_was_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, out = tmp_path / "races", tmp_path / "out"
    options = ("--results", str(out), "--races=20", "--threads=1")
    for kills, number in enumerate((signal.SIGKILL, signal.SIGINT), start=1):
        command = [sys.executable, "-m", "tests.commands.selftest.fake_steps", str(made), "0.2", *options]
        resumed = ["--resume"] if kills > 1 else []
        process = subprocess.Popen([*command, *resumed], cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
        with process:
            deadline = time.monotonic() + 60
            while not (made.exists() and len(made.read_text().splitlines()) >= 2 * kills):
                assert time.monotonic() < deadline
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.01)
            process.send_signal(number)
            assert process.wait(30) == (-signal.SIGKILL if number == signal.SIGKILL else 130)
            error = process.stderr.read() if process.stderr else ""
        (journal,) = out.iterdir()
        assert journal.suffix == ".journal"
        assert ("interrupted; the same command with --resume goes on" in error) is (number == signal.SIGINT)
        assert "Traceback" not in error
    for module, name, fake in replacements(made):
        monkeypatch.setattr(module, name, fake)
    assert main(["selftest", *options, "--resume"]) == 0
    assert len(the_file(out)["trials"]) == 20
    numbers = [int(line.split()[0]) for line in made.read_text().splitlines()]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))
    assert len(numbers) - len(set(numbers)) <= 2  # each end may lose the session in progress


def test_other_options_and_other_sources_are_not_resumed(
    fake_steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(selftest, "catch_cheaters", interrupt)
        assert run(tmp_path / "out", "--races=2") == 130
    capsys.readouterr()
    for arguments, name in (
        (["--races=3"], "another races: 2"),
        ([], "another races: 2"),
        (["--races=2", f"--threads={resources.usable_cores()},1"], "another threads: [1]"),
    ):
        assert run(tmp_path / "out", *arguments, "--resume") == 2
        error = capsys.readouterr().err
        assert error.startswith("error: there is no unfinished self-test to resume with these options; skipped ")
        assert error.endswith(f"({name})\n")
        assert error.count("\n") == 1
    with monkeypatch.context() as patch:
        patch.setattr(selftest, "source_digest", lambda _: "of other sources")
        assert run(tmp_path / "out", "--races=2", "--resume") == 2
        assert "(another sources: " in capsys.readouterr().err
    fake_steps.unlink()
    assert run(tmp_path / "out", "--races=2", "--resume") == 0
    assert not fake_steps.exists(), "the races were in the journal"


def test_what_ends_it_is_one_line_and_leaves_the_journal(
    fake_steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, line in (
        (ValueError("numba on 1000x32-f64 was not timed"), "numba on 1000x32-f64 was not timed"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(races, "race", fail)
        assert run(tmp_path / line[:3], "--races=2") == 2
        assert capsys.readouterr().err.splitlines()[-1] == f"error: {line}; the same command with --resume goes on"
        assert [path.suffix for path in (tmp_path / line[:3]).iterdir()] == [".journal"]


def test_races_and_minutes_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["selftest", "--races=3", "--minutes=3"])
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--races=0", "--races is 0; expected a whole number from 1 to 100,000"),
        ("--races=x", "--races is 'x'; expected a whole number from 1 to 100,000"),
        (
            "--threads=1,x",
            f"--threads is 'x'; expected a whole number from 1 to {resources.usable_cores()}, several separated by "
            "commas, or all",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    argument: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", argument) == 2
    assert capsys.readouterr().err == f"error: {line}\n"
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_found_before_anything_races(
    fake_steps: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file" / "out") == 2
    assert capsys.readouterr().err == f"error: results cannot be written to {tmp_path}/file/out: Not a directory\n"
    assert not fake_steps.exists()


def test_a_race_has_the_slowed_kernel_and_what_its_sweeps_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a session's launches to a trial, without workers."""

    def samples(seconds: float, launch: int) -> KernelSamples:
        rounds = tuple(seconds * (1 + 0.001 * ((launch + i) % 3)) for i in range(8))
        return KernelSamples(
            "ok", rounds=rounds, sweeps=tuple(range(8)), disturbed_rounds=(1.0,) * launch,
            disturbed_sweeps=tuple(range(8, 8 + launch)),
        )  # fmt: skip

    def run_session(session: Any) -> None:
        for launch in range(5):
            times = dict(zip(session.candidates, (1.0, 1.0, 1.05), strict=True))
            measured = {name: samples(seconds, launch) for name, seconds in times.items()}
            why = "never quiet" if launch == 3 else ""
            session.launch_results.append(
                LaunchResult(
                    "1000x32-f64", 1, launch, measured, seconds={"rounds": 2.0}, disturbed=launch, counts_all=why
                )
            )

    monkeypatch.setattr(Session, "run", run_session)
    planned = next(plan.planned(Options((1,), races=1)))
    assert [candidate.spec for candidate in planned.candidates] == [
        "numpy", "numpy", "bench.commands.selftest.slowed:numpy",
    ]  # fmt: skip
    (found,) = races.race(planned, InputCache())
    assert (found.kernel, found.threads, found.launches, found.seconds) == ("numpy", 1, 5, 10.0)
    assert (found.sweeps, found.disturbed, found.counts_all) == (5 * 8 + 10, 10, ("never quiet",))
    assert found.same["verdict"] == "no difference shown"
    assert found.slowed is not None
    assert found.slowed["verdict"] == "slower"
    assert 1 / found.slowed["estimate"] - 1 == pytest.approx(0.05)
    assert Trial.of_json(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.parametrize("kernel", plan.KERNELS)
def test_each_kernel_can_be_slowed(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the work from its environment, and does it: rows for this shape, and none for another."""
    spec = plan.PlannedRaces(0, 0, kernel, 1, False, ()).candidates[-1].spec
    calls: list[int] = []
    plain = replace(load("numpy"), name=kernel)  # Numba would compile for 20 s

    def counted(*arguments: Any) -> Any:
        calls.append(arguments[0].shape[0])
        return plain.built(None)(*arguments)

    monkeypatch.setattr(slowed_kernels, "load", lambda _name: replace(plain, call=counted, build=None))
    problem = normal(40, 3)
    with slowed_kernels.in_workers([Work(kernel, (40, 3), 7, 0, 0.05)]):
        assert json.loads(os.environ[slowed_kernels.VARIABLE]) == [[kernel, [40, 3], 7, 0]]
        load(spec).built(None)(problem.X, problem.y, problem.w, problem.b)
    assert calls == [40, 7]
    assert slowed_kernels.VARIABLE not in os.environ


@pytest.mark.parametrize(
    "longer_by",
    [
        lambda amount: amount / 1000,
        lambda amount: 0.01 + amount / 1000,
        lambda amount: (0.002 if amount < 300 else 0.0002) * amount,  # with more, another thread helps
    ],
)
def test_the_work_is_corrected_until_it_makes_a_call_5_percent_longer(longer_by: Any) -> None:
    for start in (1, 20, 50, 500, 2500):
        amount = slowed_kernels._solve(longer_by, 0.05, start)
        assert longer_by(amount) == pytest.approx(0.05, rel=0.15), start


def test_a_slowed_kernel_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowed_kernels, "_MEASURE_SECONDS", 0.0)  # how much slower it is does not matter here
    problem = normal(40, 3)
    kernel = load("numpy")
    plain, slow = (k.built(None)(problem.X, problem.y, problem.w, problem.b) for k in (kernel, slowed(kernel)))
    assert plain.cost == slow.cost
    assert (plain.dw == slow.dw).all()
