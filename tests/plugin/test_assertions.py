"""Assertions about speed in short runs, with limits so extreme that noise cannot decide them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT
from bench.results import run_file
from bench.workloads import catalog
from tests.support.pytest_run import Ran, Run, files

HEAD = """
import pytest

def required(over, at_least):
    return pytest.mark.speedup(over=over, at_least=at_least)
"""


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """A path for a test file in the checkout, where pytest finds its settings."""
    folder = CHECKOUT / ".cache" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"own_{os.getpid()}_{tmp_path.name}.py"
    yield file
    file.unlink()


def assertion_lines(ran: Ran) -> list[str]:
    section = re.search(r"= speedup assertions =+\n(.*?)\n\n?(---|===|results|\n)", ran.stdout, re.DOTALL)
    assert section, ran.stdout + ran.stderr
    return section[1].splitlines()


def test_a_test_with_its_own_kernels_and_marks(run: Run, tmp_path: Path, written: Path) -> None:
    (tmp_path / "mine.py").write_text("from kernels.gradient.numpy_vectorized import gradient\n")
    mine = str(tmp_path / "mine.py:gradient")
    written.write_text(
        HEAD
        + f"""
@required("loops", 1e-6)
@pytest.mark.parametrize("kernel", ["numpy-blocked", {mine!r}])
@pytest.mark.parametrize("workload", ["10x2"])
def test_passes(measured):
    assert measured.error.max_ulps < 100

@required("numpy-blocked", at_least=1e6)
@pytest.mark.parametrize("kernel", ["numpy"])
def test_fails(measured):
    assert measured.outcome == "ok"

@pytest.mark.parametrize("kernel", ["numpy"])
def test_the_body_is_run(measured):
    assert measured.kernel == "loops"

@required({mine!r}, at_least=1e6)
@pytest.mark.parametrize("kernel", ["numpy-blocked"])
@pytest.mark.parametrize("workload", ["10x2"])
def test_fails_over_a_file(measured):
    pass
"""
    )
    ran = run("--benchmark", str(written), "--workloads=20x3-f32", "--launches=2")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "3 failed, 2 passed" in ran.stdout
    counts, *failed = assertion_lines(ran)
    assert counts == "2 passed, 2 failed, 0 not shown either way"
    assert failed[0].startswith("numpy on 20x3-f32, at least 1e+06 × numpy-blocked: failed: ")
    assert failed[1].startswith("numpy-blocked on 10x2-f64, at least 1e+06 × mine:gradient: failed: ")
    assert "test_the_body_is_run" in ran.stdout
    (file,) = files(tmp_path)
    results = run_file.read(file)
    assert {(r.workload, r.kernel, r.selected) for r in results.records} == {
        ("10x2-f64", "loops", False), ("10x2-f64", "numpy", False), ("10x2-f64", "numpy-blocked", True),
        ("10x2-f64", "mine:gradient", True), ("20x3-f32", "loops", False), ("20x3-f32", "numpy", True),
        ("20x3-f32", "numpy-blocked", False),
    }  # fmt: skip
    text = file.read_text()
    assert str(tmp_path) not in text
    names = [benchmark["params"]["kernel"] for benchmark in json.loads(text)["benchmarks"]]
    assert sorted(names) == ["mine:gradient", "numpy", "numpy", "numpy-blocked", "numpy-blocked"]


@pytest.mark.slow
def test_marks_and_kernels_of_another_operation(run: Run, tmp_path: Path, written: Path) -> None:
    written.write_text(
        HEAD
        + """
@required("jax-compiled", 1e-6)
@pytest.mark.parametrize("workload", ["descend:10x2@steps=2"])
@pytest.mark.parametrize("kernel", ["numpy", "jax-compiled"])
def test_passes(measured):
    assert measured.operation == "descend"

@required("loops", at_least=1e6)
@pytest.mark.parametrize("workload", ["descend:10x2@steps=2", "10x2"])
def test_fails(measured):
    pass
"""
    )
    ran = run("--benchmark", str(written), "--workloads=10x2", "--kernels=numpy", "--launches=2")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "2 failed, 2 passed" in ran.stdout
    counts, *failed = assertion_lines(ran)
    assert counts == "2 passed, 2 failed, 0 not shown either way"
    assert [line.partition(", at least")[0] for line in failed] == [
        "numpy on descend:10x2-f64@steps=2",
        "numpy on 10x2-f64",
    ]
    (file,) = files(tmp_path)
    found = {record.id.rpartition("/")[0]: record.selected for record in run_file.read(file).records}
    assert found == {
        "gradient/10x2-f64/loops": False, "gradient/10x2-f64/numpy": True,
        "descend/10x2-f64@steps=2/loops": False, "descend/10x2-f64@steps=2/numpy": True,
        "descend/10x2-f64@steps=2/jax-compiled": True,
    }  # fmt: skip


def test_one_launch_shows_nothing_and_passes(run: Run, written: Path) -> None:
    written.write_text(HEAD + '\n@required("loops", 1e6)\ndef test_it(measured): pass\n')
    ran = run("--benchmark", str(written), "--workloads=10x2", "--kernels=numpy", "--launches=1")
    assert ran.returncode == 0, ran.stdout
    assert assertion_lines(ran) == [
        "0 passed, 0 failed, 1 not shown either way",
        "numpy on 10x2-f64, at least 1e+06 × loops: not shown either way (no interval)",
    ]


def test_a_test_is_skipped_if_its_comparison_is_skipped(
    run: Run, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "_LONGEST_CALL_SECONDS", 1e-4)
    written.write_text(HEAD + '\n@required("loops-examples", 1.0)\ndef test_it(measured): pass\n')
    ran = run("--benchmark", str(written), "--workloads=100x1-f32", "--kernels=numpy", "--launches=1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 skipped" in ran.stdout
    assert "loops-examples on 100x1-f32: skipped: a call takes nominally 0.0 s" in ran.stdout


def test_without_benchmark_the_test_is_skipped(run: Run, written: Path) -> None:
    written.write_text(
        HEAD + '\n@required("numpy", 2)\n@pytest.mark.parametrize("kernel", ["numba"])\n'
        '@pytest.mark.parametrize("workload", ["10x2"])\ndef test_it(measured): pass\n'
    )
    ran = run(str(written))
    assert (ran.returncode, "1 skipped" in ran.stdout) == (0, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@required('nump', 2)\ndef test_it(measured): pass", "no kernel is called 'nump'; the nearest: numpy"),
        (
            "@required('numpy', -2)\ndef test_it(measured): pass",
            'expected @pytest.mark.speedup(over="numpy", at_least=2.0)',
        ),
        ("@pytest.mark.speedup('numpy')\ndef test_it(measured): pass", "expected @pytest.mark.speedup(over="),
        ("@required('numpy', 2)\ndef test_it(): pass", "speedup marks a test that takes `measured`"),
        (
            "@pytest.mark.parametrize('kernel', ['nump'])\ndef test_it(measured): pass",
            "no kernel is called 'nump'; the nearest: numpy",
        ),
        (
            "@pytest.mark.parametrize('workload', ['0x1'])\ndef test_it(measured): pass",
            "'0x1' has no examples; expected at least one",
        ),
        (
            "@required('numba-compiled', 2)\ndef test_it(measured): pass",
            "numba-compiled is a kernel of descend, and the workloads are of gradient",
        ),
        (
            "@pytest.mark.parametrize('kernel', ['numba-compiled'])\ndef test_it(measured): pass",
            "numba-compiled is a kernel of descend, and the workloads are of gradient",
        ),
    ],
)
def test_usage_errors_in_a_test(run: Run, tmp_path: Path, written: Path, text: str, message: str) -> None:
    written.write_text(f"{HEAD}\n{text}\n")
    ran = run("--benchmark", str(written), "--workloads=10x2", "--kernels=loops")
    assert ran.returncode == 4, ran.stdout + ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if line.strip()]
    assert message in line
    assert files(tmp_path) == []


FAST = ("--kernels=numpy", "--workloads=10x2", "--launches=2")


@pytest.fixture
def earlier(run: Run, tmp_path: Path) -> Path:
    """A results file that this machine has just written."""
    assert run("--benchmark", *FAST).returncode == 0
    (file,) = files(tmp_path)
    return file


def edited(file: Path, factor: float, **machine: str) -> Path:
    """Another file with the same run, its times multiplied by the factor."""
    document = json.loads(file.read_text())
    records = document["logitbench"]["records"]
    for index, name in enumerate(records["fields"]):
        if name.startswith("seconds."):
            for row in records["rows"]:
                row[index] *= factor
    document["logitbench"]["machine"] |= machine
    other = file.parent.parent.parent / "other.json"
    other.write_text(json.dumps(document))
    return other


def test_fail_if_slower(run: Run, earlier: Path) -> None:
    # two launches give wide intervals, but none as wide as a factor of 10^12
    ran = run("--benchmark", *FAST, f"--fail-if-slower={edited(earlier, 1e-12)}:20")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    counts, line = assertion_lines(ran)
    assert counts == "0 passed, 1 failed, 0 not shown either way"
    assert line.startswith("numpy on 10x2-f64, at most 20% slower than in other.json (seconds): failed: ")
    ran = run("--benchmark", *FAST, f"--fail-if-slower={edited(earlier, 1e12)}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert assertion_lines(ran) == ["1 passed, 0 failed, 0 not shown either way"]


@pytest.mark.slow
def test_fail_if_slower_of_another_operation(run: Run, tmp_path: Path) -> None:
    chosen = ("--kernels=numpy", "--workloads=10x2,descend:10x2@steps=2", "--launches=2")
    assert run("--benchmark", *chosen).returncode == 0
    (file,) = files(tmp_path)
    ran = run(
        "--benchmark", *chosen[::2], "--workloads=descend:10x2@steps=2", f"--fail-if-slower={edited(file, 1e-12)}"
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    counts, line = assertion_lines(ran)
    assert counts == "0 passed, 1 failed, 0 not shown either way"
    assert line.startswith(
        "numpy on descend:10x2-f64@steps=2, at most 10% slower than in other.json (seconds): failed: "
    )
    ran = run("--benchmark", *chosen[::2], "--workloads=descend:10x2@steps=3", f"--fail-if-slower={file}")
    assert ran.returncode == 4
    assert "has no time with an interval of anything chosen here" in ran.stderr


def test_usage_errors_of_fail_if_slower(run: Run, tmp_path: Path, earlier: Path) -> None:
    other = edited(earlier, 1.0, id="other-cpu-2c-01234567")
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"benchmarks": []}')
    for arguments, message in (
        ((*FAST, f"--fail-if-slower={tmp_path}/nowhere.json"), "nowhere.json: No such file or directory"),
        ((*FAST, f"--fail-if-slower={foreign}:5"), "foreign.json: not a results file of logitbench"),
        ((*FAST, f"--fail-if-slower={earlier}:many"), "RUN.json:PERCENT is 'many'; expected a number, 0 or more"),
        ((*FAST, f"--fail-if-slower={earlier}:-1"), "RUN.json:PERCENT is -1; expected a number, 0 or more"),
        ((*FAST, f"--fail-if-slower={other}"), "other.json was measured on other-cpu-2c-01234567; this machine is "),
        (("--kernels=loops-examples", "--workloads=11x2", f"--fail-if-slower={earlier}"), "has no time with an "),
        ((*FAST, f"--fail-if-slower={earlier}", "--benchmark-disable"), "nothing is timed here"),
    ):
        ran = run("--benchmark", *arguments)
        assert ran.returncode == 4, ran.stdout + ran.stderr
        (line,) = [line for line in ran.stderr.splitlines() if line.strip()]
        assert message in line
        assert "Traceback" not in ran.stdout + ran.stderr
    assert files(tmp_path) == [earlier]
    ran = run(f"--fail-if-slower={earlier}")
    assert ran.returncode == 4
    assert "--fail-if-slower judges what --benchmark measures; give both" in ran.stderr
