"""python -m bench race REV on the kernels of a small repository, with real workers. The races are short: only a
kernel that sleeps is judged by its time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.analysis import race as race_analysis, verdict
from bench.commands import exit_codes
from bench.commands.race import revisions, versioned_kernel
from bench.commands.race.result import Comparison
from bench.commands.race.revisions import Options
from bench.host import checkout
from bench.host.checkout import CHECKOUT
from tests.support import older_tree
from tests.support.git import git

CACHES = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("committed") / "checkout"
    shutil.copytree(CHECKOUT / "kernels", folder / "kernels", ignore=CACHES)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def repository(committed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(committed, tmp_path / "checkout"))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A checkout whose commit has the older form of kernels/, and whose working tree has today's."""
    folder = tmp_path / "older"
    older_tree.write(folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    shutil.rmtree(folder / "kernels")
    shutil.copytree(CHECKOUT / "kernels", folder / "kernels", ignore=CACHES)
    return folder


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every race is trusted: one control in twenty differs by chance, and its race would not be judged."""
    monkeypatch.setattr(race_analysis, "untrusted_races", lambda _races: set())


def changed(repository: Path, file: str, old: str, new: str) -> None:
    path = repository / "kernels" / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def raced(repository: Path, lines: list[str] | None = None, **changes: object) -> Comparison:
    options = {"workloads": "10x2", "launches": 2, "checkout": repository, **changes}
    return revisions.run(Options("main", **options), (lines if lines is not None else []).append)  # type: ignore[arg-type]


@pytest.mark.usefixtures("trusted")
def test_a_kernel_that_differs_races_against_its_version_at_the_commit(repository: Path) -> None:
    changed(
        repository,
        "gradient/numpy_loops.py",
        "    m = len(X)",
        "    import time\n\n    time.sleep(0.005)\n    m = len(X)",
    )
    lines: list[str] = []
    comparison = raced(repository, lines)
    assert lines[-1] == "loops-examples: kernels/gradient/numpy_loops.py"
    (row,) = comparison.rows
    assert (row.kernel, row.workload, row.launches) == ("loops-examples", "10x2-f64", 2)
    assert row.seconds > 0.005 > row.seconds_before
    assert row.judgement.verdict == verdict.FAILED
    assert len(comparison.failures) == 1
    assert not (CHECKOUT / ".cache" / "versions" / str(os.getpid())).exists()
    assert versioned_kernel.VARIABLE not in os.environ


def test_a_kernel_that_no_longer_agrees_is_a_failure(repository: Path) -> None:
    changed(repository, "gradient/numpy_vectorized.py", "dz = a - y", "dz = y - a")
    comparison = raced(repository, kernels="numpy,loops")
    assert [row.kernel for row in comparison.rows] == ["loops"]
    (line,) = [line for line in comparison.failures if line.startswith("numpy ")]
    assert line.startswith("numpy on 10x2-f64: wrong (ok at main (")


def test_an_interruption_keeps_what_was_measured_and_leaves_no_folder(repository: Path) -> None:
    def interrupted_in(launch: str) -> Comparison:
        def tick(doing: str, _share: float) -> None:
            if doing.startswith(launch):
                raise KeyboardInterrupt

        options = Options("main", "numpy", "10x2", launches=9, checkout=repository)
        return revisions.run(options, lambda _line: None, tick)

    comparison = interrupted_in("launch 4")
    assert comparison.interrupted
    assert comparison.rows[0].launches == 2
    with pytest.raises(KeyboardInterrupt):
        interrupted_in("launch 1")
    assert not (CHECKOUT / ".cache" / "versions" / str(os.getpid())).exists()


def test_the_folder_of_a_killed_process_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "CHECKOUT", tmp_path)
    left = tmp_path / ".cache" / "versions" / str(2**22 + 1)  # larger than any process id
    left.mkdir(parents=True)
    with checkout.temporary_folder("versions") as folder:
        assert folder.is_dir()
        assert not left.exists()
    assert not folder.exists()


def test_only_kernels_come_from_the_commit(repository: Path, tmp_path: Path) -> None:
    """In a worker, a kernel has the functions and helpers of its version, and this version's types."""
    for version in (versioned_kernel.OLD, versioned_kernel.NEW):
        shutil.copytree(repository / "kernels", tmp_path / version / "kernels", ignore=CACHES)
    helper = tmp_path / versioned_kernel.OLD / "kernels" / "backends.py"
    helper.write_text(helper.read_text().replace('Backend("numpy", "cpu"', 'Backend("old", "cpu"'))
    code = (
        "import sys, bench.worker.worker as worker\n"
        "spec, operation = sys.argv[1:]\n"
        "of_this_version = worker.load_operation(operation)\n"
        "kernel = worker.load(spec, operation)\n"
        "assert type(kernel) is worker.Kernel\n"
        "assert kernel.operation == operation\n"
        "assert worker.load_operation(operation) is of_this_version\n"
        "function = kernel.built(None)\n"
        "print(kernel.backend.name, function.__code__.co_filename, worker.__file__, kernel.of or '-')\n"
    )
    environment = {**os.environ, versioned_kernel.VARIABLE: str(tmp_path), "PYTHONPATH": str(CHECKOUT)}
    for operation, file, of in (
        ("gradient", "gradient/numpy_blocked.py", "-"),
        ("descend", "descend/driver.py", "numpy-blocked"),
    ):
        for version, backend in ((versioned_kernel.OLD, "old"), (versioned_kernel.NEW, "numpy")):
            spec = versioned_kernel.spec(version, operation, "numpy-blocked")
            process = subprocess.run(
                [sys.executable, "-P", "-c", code, spec, operation],
                env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
            )  # fmt: skip
            name, source, worker_file, made_of = process.stdout.split()
            assert (name, made_of) == (backend, of)
            assert source == str(tmp_path / version / "kernels" / file)
            assert worker_file == str(CHECKOUT / "bench" / "worker" / "worker.py")


@pytest.mark.slow
@pytest.mark.usefixtures("trusted")
def test_a_commit_of_the_older_form_races(older: Path) -> None:
    lines: list[str] = []
    comparison = raced(older, lines)
    assert lines[0].startswith("none differs from main (")
    assert lines[0].endswith("), so all CPU kernels: loops-examples, numpy")
    assert any(line.startswith("skipped: numba: not in main (") for line in lines)
    assert comparison.broken == ()
    assert comparison.notes == ()
    assert {row.kernel for row in comparison.rows} == {"loops-examples", "numpy"}


def test_an_operation_that_the_commit_lacks_is_an_error(older: Path) -> None:
    with pytest.raises(ValueError, match=r"^main \(\w{7}\): it has no operation 'descend', only gradient$"):
        raced(older, workloads="descend:10x2", kernels="numpy")


@pytest.mark.slow
@pytest.mark.usefixtures("trusted")
def test_another_operation_races_with_the_driver_of_each_version(repository: Path) -> None:
    changed(
        repository,
        "descend/driver.py",
        "            for _ in range(steps):\n",
        "            import time\n\n            time.sleep(0.005)\n            for _ in range(steps):\n",
    )
    lines: list[str] = []
    comparison = raced(repository, lines, workloads="descend:10x2@steps=1", kernels="numpy,jax-compiled", launches=3)
    assert comparison.operation == "descend"
    assert lines[-1].endswith(" and here: jax-compiled")  # which has no driver
    slow = {row.kernel: (row.seconds_before > 0.005, row.seconds > 0.005) for row in comparison.rows}
    assert slow == {"numpy": (False, True), "jax-compiled": (False, False)}
    assert comparison.rows[0].judgement.verdict == verdict.FAILED, comparison.rows[0]


@pytest.mark.usefixtures("trusted")
def test_a_different_contract_is_reported(repository: Path) -> None:
    changed(repository, "kernel.py", "    passes: float | None\n", "    reads: float | None\n")
    git(repository, "commit", "-qam", "a different contract")
    changed(repository, "kernel.py", "    reads: float | None\n", "    passes: float | None\n")
    comparison = raced(repository, kernels="numpy")
    assert comparison.failures == ["nothing could be compared"]
    assert "numpy has a different contract there: " in comparison.notes[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no commit 'nowhere' here; expected a branch, a tag or a commit"),
        (["HEAD", "--threads", "0"], "--threads is 0; expected a whole number from 1 to "),
        (["HEAD", "--minutes", "-1"], "--minutes is -1; expected a number above 0"),
        (
            ["HEAD", "--launches", "1"],
            "--launches is 1; expected a whole number from 2 to 10,000: one has no",
        ),
        (["HEAD", "--fail-if-slower", "nan"], "--fail-if-slower is 'nan'; expected a number, 0 or more"),
        (["HEAD", "--kernels", "nump"], "no kernel is called 'nump'; the nearest: numpy"),
        (
            ["HEAD", "--kernels", f"{CHECKOUT}/tests/support/faults.py:raises"],
            "race compares only kernels that have a name",
        ),
        (["HEAD", "--workloads", "0x1"], "'0x1' has no examples"),
        (["HEAD", "--workloads", ","], "--workloads is empty"),
        (
            ["HEAD", "--workloads", "lecture,descend:lecture"],
            "these are of gradient and descend: make a race for each",
        ),
        (["HEAD", "--workloads", "foo:lecture"], "no operation is called 'foo'; expected gradient, descend"),
        (["HEAD", "--kernels", "numba-compiled"], "numba-compiled is a kernel of descend, and the workloads are of "),
    ],
)
def test_wrong_arguments_are_errors_of_one_line(
    arguments: list[str],
    message: str,
    committed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(revisions, "CHECKOUT", committed)
    assert command.main(["race", *arguments]) == exit_codes.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("trusted")
def test_the_command_prints_the_table_and_its_exit_code_is_that_of_the_verdict(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(revisions, "CHECKOUT", repository)
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["race", "main", "--kernels", "numpy", "--workloads", "10x2", "--launches", "2"]
    assert command.main([*arguments, "--fail-if-slower", "100000"]) == exit_codes.OK
    output = capsys.readouterr()
    assert "at most 100000% slower: 1 passed, 0 failed, 0 not shown either way" in output.out
    assert "the same in main (" in output.err
    assert max(map(len, output.out.splitlines())) <= 80


def test_the_defaults_are_those_of_the_help() -> None:
    arguments = command._parser().parse_args(["race", "main"])
    defaults = Options("main")
    parsed = (arguments.threads, arguments.minutes, arguments.fail_if_slower)
    assert tuple(map(float, parsed)) == (defaults.threads, defaults.minutes, defaults.percent)
    help_text = command._parser().format_help()
    assert "race" in help_text
