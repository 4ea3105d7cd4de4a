"""python -m bench new: the kernel that it writes passes every check, and it never overwrites a file."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.host.checkout import CHECKOUT
from kernels import load, registry
from tests.support.problems import run_checks

TEMPLATES = {operation: registry.part_of(operation, "templates") for operation in registry.OPERATIONS}
STYLES = [
    pytest.param(operation, style, marks=[pytest.mark.slow] if (operation, style) == ("descend", "numba") else [])
    for operation, templates in TEMPLATES.items()
    for style in templates.STYLES
]
"""Four workloads with as many types and numbers of steps are compiled for in Numba, one after the other."""
WORKLOADS = {
    "gradient": ("lecture", "33x17-f32-F", "20000x3-f32"),
    "fit": ("fit:lecture", "fit:33x5-F@penalty=0.1", "fit:2000x3-f32"),
    "network": (
        "network:lecture",
        "network:33x5-F-1x4-sigmoid",
        "network:2000x3-f32-4x8-relu",
    ),
    "descend": ("descend:lecture", "descend:33x17-f32-F", "descend:20000x3-f32@steps=5", "descend:33x17@steps=1"),
}


@pytest.mark.parametrize(("operation", "style"), STYLES)
def test_the_kernel_passes_every_check(
    operation: str, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [] if operation == "gradient" else ["--operation", operation]
    assert main(["new", f"my_{style}.py", *options, "--style", style]) == 0
    assert capsys.readouterr().out.startswith(f"wrote my_{style}.py: ")
    kernel = load(f"my_{style}.py:{operation}", operation)
    assert kernel.operation == operation
    for workload in WORKLOADS[operation]:
        results = run_checks(kernel, workload)
        assert [result.failure for result in results] == [""] * len(results)


def test_the_commands_that_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine.py"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  python -m bench check mine.py:gradient --workloads lecture",
        "  pytest --benchmark --kernels mine.py:gradient,numpy",
    ]
    assert main(["new", "down.py", "--operation", "descend"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  python -m bench check down.py:descend --workloads descend:lecture",
        "  pytest --benchmark --kernels down.py:descend,numpy --workloads descend:lecture",
    ]


@pytest.mark.parametrize(
    "operation",
    [pytest.param(name, marks=[] if name == "gradient" else [pytest.mark.slow]) for name in registry.OPERATIONS],
)
def test_the_commands_do_what_they_say(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As printed, but for the workload of the second, so that it takes seconds."""
    file = tmp_path / "mine.py"
    assert main(["new", str(file), "--operation", operation]) == 0
    _, check, race = capsys.readouterr().out.splitlines()
    short = f"--benchmark-max-time=0.01 --launches=1 --no-ceilings --no-page -p no:cacheprovider --results={tmp_path}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PYTEST_ADDOPTS": f"{short} {'' if '--workloads' in race else '--workloads=lecture'}"}
    for line in (check, race):
        program, *arguments = shlex.split(line)
        command = {"python": [sys.executable], "pytest": [sys.executable, "-m", "pytest"]}[program]
        ran = subprocess.run(
            [*command, *arguments],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        assert "mine:" in ran.stdout
    assert re.search(rf"^→ mine:{operation} ", ran.stdout, re.MULTILINE), ran.stdout


def test_the_default_is_a_gradient_in_numpy_and_it_is_short(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    assert main(["new", str(file)]) == 0
    assert file.read_text() == TEMPLATES["gradient"].STYLES["numpy"]
    assert len([line for line in file.read_text().splitlines() if line]) <= 10


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
        (
            ["mine.py", "--operation", "ascend"],
            "--operation is 'ascend'; expected gradient or descend or fit or ",
        ),
        (["mine.py", "--operation", ""], "--operation is ''; expected gradient or descend or fit or "),
        (["mine.py", "--operation", "descend", "--style", "c"], "--style is 'c'; expected one of numpy, numba, jax"),
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
