"""Which kernels and workloads a command line chooses, where workloads are of several operations."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.runner import selection
from bench.workloads import catalog
from kernels import names, registry
from tests.support.options import session_for

BOTH, ALL = ("gradient", "descend"), ("gradient", *registry.DRIVERS)
OWN = """
from kernels import Kernel
from kernels.backends import NUMPY

def gradient(X, y, w, b): ...

descent = Kernel("x", NUMPY, "", None, build=lambda steps: None, operation="descend")
other = Kernel("x", NUMPY, "", None, gradient, operation="sorting")
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file of a user's own kernels, one of each operation."""
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path}/own.py"


@pytest.mark.parametrize("operations", [("gradient",), ("descend",), BOTH])
def test_by_default_all_kernels_of_the_operations_are_chosen(operations: tuple[str, ...]) -> None:
    chosen = [candidate.name for candidate in selection.choose_kernels(None, (), operations)]
    expected = {name for operation in operations for name in names(operation)} - set(registry.ON_REQUEST)
    assert set(chosen) == expected
    assert len(chosen) == len(expected)


def test_a_kernel_of_none_of_the_operations_is_refused(own: str) -> None:
    message = (
        "{} is a kernel of descend, and the workloads are of gradient: expected a workload such as descend:lecture"
    )
    for spec, name in (("numpy,numba-compiled", "numba-compiled"), (f"{own}:descent", "own:descent")):
        with pytest.raises(ValueError, match=f"^{message.format(name)}$"):
            selection.choose_kernels(spec, (), ("gradient",))
    with pytest.raises(
        ValueError,
        match="^own:other is a kernel of the operation 'sorting'; expected gradient or descend or fit or",
    ):
        selection.choose_kernels(f"{own}:other", (), BOTH)
    assert selection.choose_kernels("numpy,numba-compiled", (), BOTH)


def test_a_users_kernel_is_asked_what_it_computes(own: str) -> None:
    descent, gradient = selection.choose_kernels(f"{own}:descent,{own}:gradient", (), BOTH)
    assert (descent.operations, gradient.operations) == (("descend",), ALL)


def test_a_users_file_that_crashes_is_left_to_its_record(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import os\nos._exit(3)\n")
    (crashing,) = selection.choose_kernels(f"{tmp_path}/own.py:f", (), ("gradient",))
    assert crashing.operations == ALL
    (tmp_path / "own.py").write_text("g = 3\n")
    with pytest.raises(ValueError, match="own.py:f: it has no attribute 'f'"):
        selection.choose_kernels(f"{tmp_path}/own.py:f", (), ("gradient",))


def test_a_users_file_whose_import_hangs_is_left_to_its_record_after_the_timeout(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import time\ntime.sleep(1000)\n")
    began = time.monotonic()
    chosen = session_for(kernels=f"{tmp_path}/own.py:f", workloads="10x2", timeout="0.5").candidates
    assert time.monotonic() - began < 30  # seconds, on a busy machine
    assert chosen["own:f"].operations == ALL


def test_what_a_users_file_raises_is_cut_and_printable(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("raise RuntimeError('\\x1b[31mred\\x00\\udcff' + 'x' * 10**7)\n")
    with pytest.raises(ValueError, match=r"own\.py:f: importing it raised RuntimeError: redx+…$") as caught:
        selection.choose_kernels(f"{tmp_path}/own.py:f", (), ("gradient",))
    assert len(str(caught.value)) <= 500


def test_options_are_those_of_every_workload_that_has_them_and_does_not_set_them() -> None:
    chosen = selection.choose_workloads("lecture,descend:lecture,descend:20x3@steps=7", options={"steps": "5"})
    assert [workload.name for workload in chosen] == [
        "lecture",
        "descend:lecture@steps=5",
        "descend:20x3-f64@steps=7",
    ]
    assert selection.operations_of(chosen) == BOTH


def test_workloads_that_an_option_makes_equal_are_one() -> None:
    chosen = selection.choose_workloads("descend:lecture@steps=5,descend:lecture", options={"steps": "5"})
    assert [workload.name for workload in chosen] == ["descend:lecture@steps=5"]


def test_an_option_that_no_workload_has_is_refused() -> None:
    message = "^--learning-rate is a number of descend, and the workloads are of gradient$"
    with pytest.raises(ValueError, match=message):
        selection.choose_workloads("lecture,20x3", options={"learning_rate": "0.5"})
    with pytest.raises(ValueError, match="^steps is 0; expected"):
        selection.choose_workloads("descend:lecture", options={"steps": "0"})


def test_the_operation_of_names_that_name_none() -> None:
    chosen = selection.choose_workloads("lecture,gradient:20x3", operation="descend")
    assert [workload.name for workload in chosen] == ["descend:lecture", "20x3-f64"]
    with pytest.raises(ValueError, match="^no operation is called 'sorting'; expected gradient or descend or fit or"):
        selection.choose_workloads("lecture", operation="sorting")


def test_a_learning_rate_that_diverges_is_refused_before_the_run() -> None:
    with pytest.raises(ValueError, match=r"^learning_rate is 1000: it diverges, .*; any below 2/L = \d") as caught:
        selection.choose_workloads("descend:lecture@learning_rate=1000")
    assert "\n" not in str(caught.value)


def test_only_a_chosen_number_makes_the_data_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(catalog, "inputs", lambda workload: made.append(workload.name))
    selection.choose_workloads("lecture,descend:lecture,descend:lecture@steps=5,descend:20x3@learning_rate=0.01")
    assert made == ["descend:lecture@steps=5", "descend:20x3-f64@learning_rate=0.01"]


def test_a_workload_gets_its_baselines_and_no_kernel_of_another_operation() -> None:
    for name in ("lecture", "descend:lecture@steps=3"):
        added = selection.with_baselines([], catalog.named(name))
        assert [(candidate.spec, candidate.selected) for candidate in added] == [("loops", False), ("numpy", False)]
