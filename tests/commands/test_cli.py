"""python -m bench: each command as a user gives it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import kernels
from bench.__main__ import main
from bench.host.checkout import CHECKOUT
from bench.results import run_file
from bench.results.record import Seconds
from kernels import load_operation
from kernels.contract import Option
from kernels.registry import KERNELS, OPERATIONS, all_names
from tests.support.records import OK, RESULTS


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import contextlib, sys, bench.__main__ as command\n"
        "with contextlib.suppress(SystemExit): command.main(['--help'])\n"
        "assert not {'numpy', 'rich', 'pytest', 'jax', 'numba', 'sklearn'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert all(
        name in ran.stdout for name in ("kernels", "workloads", "machine", "check", "explain", "report", "selftest")
    )


def test_kernels_lists_every_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernels"]) == 0
    shown = capsys.readouterr().out
    listed: dict[str, list[str]] = {}
    for line in shown.splitlines():
        first = line.partition(" ")[0]
        if first.endswith(":") and first.removesuffix(":") in OPERATIONS:
            of_operation = listed.setdefault(first.removesuffix(":"), [])
        elif first in all_names():
            of_operation.append(first)
    assert listed == {operation: list(KERNELS[operation]) for operation in OPERATIONS}
    assert "two explicit for-loops over Python lists" in shown
    sentence = "Every gradient kernel also runs here: kernels/descend/driver.py calls it once a step."
    assert sentence in " ".join(shown.partition("descend: ")[2].split())
    assert max(map(len, shown.splitlines())) <= 80


def test_workloads_lists_the_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workloads"]) == 0
    shown = capsys.readouterr().out
    assert "1,000,000" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_workloads_says_how_other_operations_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    descend = load_operation("descend")
    numbers = {"far": Option(40.0, float, "", "How far"), "pace": Option(None, float, "", "How fast")}
    for other in ("network", "fit"):  # put back in reverse order
        monkeypatch.delitem(OPERATIONS, other)
    monkeypatch.setattr(kernels, "load_operation", lambda _name: replace(descend, summary="walks", options=numbers))
    assert main(["workloads"]) == 0
    shown = " ".join(capsys.readouterr().out.partition("other operations")[2].split())
    for text in (
        "descend:NAME walks @far=NUMBER How far (default: 40) @pace=NUMBER How fast",
        "Example: descend:lecture@far=4.",
        "Without a prefix, a NAME is a workload of gradient.",
    ):
        assert text in shown
    assert "gradient:NAME" not in shown


def test_machine_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine"]) == 0
    parts = {"id", "microarchitecture", "vector_bits", "hardware", "settings", "software"}
    assert parts == set(json.loads(capsys.readouterr().out))


def test_check_prints_the_result_of_each_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "numpy", "--workloads", "lecture-f32,breast-cancer"]) == 0
    shown = capsys.readouterr().out
    assert shown.count(" agrees ") == 14 + 16
    assert "seconds" not in shown


def test_check_names_a_results_file_as_the_documentation_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    assert "or RUN.json" in " ".join(capsys.readouterr().out.split())


def test_check_takes_workloads_of_another_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "numpy", "--workloads", "descend:lecture@steps=3,20x3"]) == 0
    shown = capsys.readouterr().out
    assert "numpy on descend:lecture@steps=3: 1,000 × 2 float64 C" in shown
    assert "numpy on 20x3-f64: 20 × 3 float64 C" in shown
    assert shown.count(" agrees ") == 8 + 16


def test_check_reports_a_wrong_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("def gradient(X, y, w, b):\n    return 0.0, w, b\n")
    assert main(["check", f"{tmp_path}/mine.py:gradient", "--workloads", "lecture"]) == 1
    shown = capsys.readouterr().out
    assert "data          WRONG" in shown
    assert "wrong: data: " in shown


def test_check_fails_if_one_of_several_workloads_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(
        "from kernels.gradient.numpy_vectorized import gradient as correct\n"
        "def gradient(X, y, w, b):\n    return correct(X, y, -w if X.shape[1] == 2 else w, b)\n"
    )
    for workloads in ("lecture,20x3", "20x3,lecture"):
        assert main(["check", f"{tmp_path}/mine.py:gradient", "--workloads", workloads]) == 1
        assert "WRONG" in capsys.readouterr().out
    assert main(["check", f"{tmp_path}/mine.py:gradient", "--workloads", "20x3"]) == 0


def test_check_takes_the_users_own_data(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,sick\n" + "1.5,0\n-0.5,1\n" * 20)
    assert main(["check", "numpy", "--data", str(tmp_path / "mine.csv"), "--target", "sick"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "nump"], "error: no kernel is called 'nump'; the nearest: numpy"),
        (["check", "numpy,jax"], "error: check takes one kernel; 'numpy,jax' names 2"),
        (["check", "numpy", "--workloads", "0x1"], "error: '0x1' has no examples"),
        (["check", "numba-compiled", "--workloads", "lecture"], "error: numba-compiled is a kernel of descend, and "),
        (["check", "numpy", "--data", "a.csv"], "error: a.csv: there is no such file"),
        (["report", "no-such.json"], "error: no-such.json: No such file or directory"),
    ],
)
def test_mistakes_are_reported_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(says)
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["check"], ["kernels", "--nothing"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_report_prints_a_summary_markdown_and_the_ladder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RESULTS.as_json()})
    assert main(["report", str(file)]) == 0
    assert "26.0 [25.0, 27.0]" in capsys.readouterr().out
    assert main(["report", "--markdown", str(file)]) == 0
    assert "| `numpy` | 20.0 µs | 26.0 [25.0, 27.0] |" in capsys.readouterr().out
    more = (replace(OK, threads=1, seconds=Seconds(5e-6, 4e-6, 6e-6)), replace(OK, workload="own", kernel="a:f"))
    run_file.write(
        tmp_path / "more.json", {"logitbench": replace(RESULTS, records=(*RESULTS.records, *more)).as_json()}
    )
    assert main(["report", "--ladder", "lecture", str(tmp_path / "more.json")]) == 0
    ladder = capsys.readouterr().out
    assert "lecture, threads: 2." in ladder
    assert "| `numpy` | 2 × | 20.0 µs |" in ladder
    assert main(["report", "--ladder", "own", str(tmp_path / "more.json")]) == 2
    assert "no rung of the ladder was timed on 'own'; the file has lecture, own" in capsys.readouterr().err
