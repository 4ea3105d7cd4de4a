"""python -m bench new: the kernel that it writes passes every check, and it never overwrites a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.commands.new import STYLES
from kernels import load
from tests.support.problems import run_checks


@pytest.mark.parametrize("style", STYLES)
def test_the_kernel_passes_every_check(
    style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", f"my_{style}.py", "--style", style]) == 0
    wrote, check, race = capsys.readouterr().out.splitlines()
    assert wrote.startswith(f"wrote my_{style}.py: ")
    assert check == f"  python -m bench check my_{style}.py:gradient --workloads lecture"
    assert race == f"  pytest --benchmark --kernels my_{style}.py:gradient,numpy"
    kernel = load(f"my_{style}.py:gradient")
    for workload in ("lecture", "33x17-f32-F", "20000x3-f32"):
        assert [result.failure for result in run_checks(kernel, workload)] == [""] * 7


def test_the_default_style_is_numpy_and_it_is_short(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    assert main(["new", str(file)]) == 0
    assert file.read_text() == STYLES["numpy"]
    assert len([line for line in STYLES["numpy"].splitlines() if line]) <= 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["there.py"], "there.py exists already; it was not changed"),
        (["kernel.txt"], "'kernel.txt' cannot be imported; expected a name of letters and underscores, with .py"),
        (["my-kernel.py"], "'my-kernel.py' cannot be imported"),
        (["numpy.py"], "numpy.py would hide the module numpy; expected a name of your own"),
        (["json.py"], "json.py would hide the module json"),
        (["nowhere/mine.py"], "nowhere/mine.py cannot be written: No such file or directory"),
        (["there.py/mine.py"], "there.py/mine.py cannot be written: Not a directory"),
        (["mine.py", "--style", "fortran"], "--style is 'fortran'; expected one of numpy, numba, jax"),
    ],
)
def test_mistakes_are_reported_in_one_line_and_nothing_is_written(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.py").write_text("mine\n")
    assert main(["new", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {says}")
    assert error.count("\n") == 1
    assert Path("there.py").read_text() == "mine\n"
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]


def test_a_read_only_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main(["new", str(tmp_path / "mine.py")]) == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
