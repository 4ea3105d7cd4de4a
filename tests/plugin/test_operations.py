"""pytest --benchmark with workloads of several operations, and with their numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.host.checkout import CHECKOUT
from bench.results import run_file
from bench.results.record import Record
from bench.runner.selection import choose_workloads
from bench.workloads import catalog
from bench.workloads.datasets import DatasetUnavailable
from kernels import names, registry
from tests.support.pytest_run import Run, files

OWN = "from kernels.gradient.numpy_vectorized import gradient\n"


def collected(run: Run, *options: str) -> list[str]:
    """The parameters of the tests that these options choose; nothing is timed."""
    ran = run("--benchmark", "--collect-only", "-q", *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [line.partition("[")[2].removesuffix("]") for line in ran.stdout.splitlines() if "::" in line]


def records(tmp_path: Path) -> dict[str, Record]:
    (file,) = files(tmp_path)
    return {record.id: record for record in run_file.read(file).records}


@pytest.mark.slow
def test_workloads_of_two_operations_in_one_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    kernels = f"--kernels=numpy,jax-compiled,{tmp_path}/mine.py:gradient"
    ran = run("--benchmark", "--workloads=10x2,descend:10x2@steps=3", kernels, "--launches=2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
    assert "benchmark 'descend:10x2-f64@steps=3': 3 tests" in ran.stdout
    found = {name: (record.outcome, record.of, record.selected) for name, record in records(tmp_path).items()}
    threads = next(iter(found)).rpartition("/")[2]
    assert found == {
        f"gradient/10x2-f64/loops/{threads}": ("ok", "", False),
        f"gradient/10x2-f64/numpy/{threads}": ("ok", "", True),
        f"gradient/10x2-f64/mine:gradient/{threads}": ("ok", "", True),
        f"descend/10x2-f64@steps=3/loops/{threads}": ("ok", "loops", False),
        f"descend/10x2-f64@steps=3/numpy/{threads}": ("ok", "numpy", True),
        f"descend/10x2-f64@steps=3/jax-compiled/{threads}": ("ok", "jax", True),
        f"descend/10x2-f64@steps=3/mine:gradient/{threads}": ("ok", "mine:gradient", True),
    }


def test_the_default_kernels_are_those_of_each_operation(run: Run) -> None:
    assert collected(run, "--workloads=10x2,descend:20x3") == [
        f"{workload}-{kernel}"
        for operation, workload in (("gradient", "10x2-f64"), ("descend", "descend:20x3-f64"))
        for kernel in names(operation)
        if kernel not in registry.ON_REQUEST
    ]


def test_the_operation_of_workloads_that_do_not_name_theirs(run: Run) -> None:
    chosen = ("--operation=descend", "--kernels=numpy")
    assert collected(run, *chosen, "--workloads=10x2,gradient:20x3") == ["descend:10x2-f64-numpy", "20x3-f64-numpy"]
    assert collected(run, *chosen, "--profile=quick") == [
        f"descend:{name}-numpy" for name in ("lecture", "10000x32-f64", "500000x32-f64")
    ]


def test_the_number_in_a_name_comes_before_that_of_the_option(run: Run) -> None:
    chosen = ("--kernels=numpy", "--workloads=descend:10x2@steps=3,descend:20x3,30x2", "--steps=7")
    assert collected(run, *chosen, "--learning-rate=0.5") == [
        "descend:10x2-f64@steps=3@learning_rate=0.5-numpy",
        "descend:20x3-f64@steps=7@learning_rate=0.5-numpy",
        "30x2-f64-numpy",
    ]


def test_the_users_own_data_for_another_operation(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "x.npz", X=rng.standard_normal((40, 3)), y=rng.integers(0, 2, 40).astype(float))
    chosen = ("--operation=descend", f"--data={tmp_path}/x.npz", "--kernels=numpy")
    ran = run("--benchmark", *chosen, "--steps=4")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (*_, record) = records(tmp_path).values()
    assert (record.workload, record.kernel, record.outcome) == ("descend:x@steps=4", "numpy", "ok")
    assert len(record.curves["cost"]) == 5
    for number, message in (("--steps=9999999", "expected at most"), ("--learning-rate=1e9", "it diverges")):
        ran = run("--benchmark", *chosen, number)
        assert ran.returncode == 4
        assert message in ran.stderr
    # L = 3 x² / 4
    np.savez(tmp_path / "x.npz", X=np.full((40, 3), 5e19, np.float32), y=np.ones(40, np.float32))
    ran = run("--benchmark", *chosen)
    assert ran.returncode == 4
    assert "1/L is 5.33e-40, outside the range of float32; scale the features" in ran.stderr


def test_data_that_is_not_installed_is_no_error_in_the_default_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> tuple[np.ndarray, np.ndarray]:
        raise DatasetUnavailable("not installed")

    flights = replace(catalog.named("flights"), examples=missing, require=missing)
    monkeypatch.setitem(catalog._NAMED, "flights", flights)
    default = ("flights", "20x3")
    numbers = {"options": {"steps": "5"}, "operation": "descend"}
    chosen = choose_workloads(None, default=default, **numbers)  # type: ignore[arg-type]
    assert [workload.name for workload in chosen] == ["descend:flights@steps=5", "descend:20x3-f64@steps=5"]
    with pytest.raises(DatasetUnavailable):
        choose_workloads("flights", **numbers)  # type: ignore[arg-type]


def test_a_profile_that_learns(run: Run) -> None:
    chosen = collected(run, "--profile=learn")
    rates = [f"descend:lecture@learning_rate={rate}" for rate in ("0.04", "7")]
    workloads = ["descend:lecture", *rates, "descend:breast-cancer", "descend:10000x32-f64"]
    assert list(
        dict.fromkeys(name.rpartition("-numba-compiled")[0] for name in chosen if "numba-compiled" in name)
    ) == (workloads)
    for workload in workloads:
        assert f"{workload}-numpy" in chosen
    assert "lecture-numba" in chosen
    assert "fit:1000000x32-f64-numba-newton" in chosen


def test_the_threads_of_a_profile_are_those_of_the_same_data(run: Run) -> None:
    full = ("--profile=full", "--kernels=numpy", "--workloads=64x32-f64,1024x2-f64")
    gradient, descent = (collected(run, *full, f"--operation={name}") for name in ("gradient", "descend"))
    assert descent == [f"descend:{name}" for name in gradient]


def test_a_users_kernel_of_an_operation_is_measured_on_it_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from kernels import load\n"
        "walk = load('numpy', 'descend')\n"
        "from dataclasses import replace\n"
        "swim = replace(walk, operation='swim')\n"
    )
    walk, swim = f"{tmp_path}/own.py:walk", f"{tmp_path}/own.py:swim"
    assert collected(run, f"--kernels={walk},numpy", "--workloads=10x2,descend:10x2") == [
        "10x2-f64-numpy", "descend:10x2-f64-own:walk", "descend:10x2-f64-numpy",
    ]  # fmt: skip
    for kernel, message in (
        (
            walk,
            "own:walk is a kernel of descend, and the workloads are of gradient: expected a workload such as descend",
        ),
        (swim, "own:swim is a kernel of the operation 'swim'; expected gradient or descend"),
    ):
        ran = run("--benchmark", f"--kernels={kernel}", "--workloads=10x2")
        assert ran.returncode == 4
        (line,) = [line for line in ran.stderr.splitlines() if line.strip()]
        assert message in line


def test_the_names_of_the_benchmarks_are_those_of_stored_runs() -> None:
    """pytest-benchmark compares by full name: another name of the file or the test would end every comparison."""
    stored = next(iter(sorted((CHECKOUT / "results").glob("*/*.json"))), None)
    if stored is None:
        pytest.skip("there is no stored run")
    assert "bench/test_gradient.py::test_gradient[" in stored.read_text()
    assert "def test_gradient(" in (CHECKOUT / "bench" / "test_gradient.py").read_text()
