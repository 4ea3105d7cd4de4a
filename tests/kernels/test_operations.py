"""The registry knows several operations: which kernels compute each, and how a kernel becomes one of another."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import BackendUnavailable, Operation, backends, load, load_operation, names, registry
from kernels.contract import Kernel
from tests.support.problems import available, normal

SOURCE = Path(registry.__file__)
OWN = """
from kernels import Kernel
from kernels.backends import NUMPY

def build(steps):
    return lambda X, y, alpha, w, b: steps

def gradient(X, y, w, b):
    return 1.0, w, b

descent = Kernel("x", NUMPY, "", None, build=build, operation="descend")
other = Kernel("x", NUMPY, "", None, gradient, operation="sorting")
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file of a user's own kernels."""
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path}/own.py"


def test_the_tables_are_literals_that_name_the_same_operations_and_kernels() -> None:
    """`race REV` reads KERNELS without importing it."""
    tables: dict[str, Any] = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }
    assert tables["KERNELS"] == registry.KERNELS
    assert set(tables["KERNELS"]) == set(tables["OPERATIONS"])
    assert set(tables["DRIVERS"]) <= set(tables["OPERATIONS"])
    assert set(tables["MADE_OF"]) <= set(registry.all_names())
    assert set(tables["MADE_OF"].values()) <= set(names("gradient"))
    assert set(tables["TECHNIQUES"]) == set(registry.all_names())
    assert set(tables["ON_REQUEST"]) <= set(registry.all_names())


def test_a_driven_operation_has_the_gradients_kernels_and_its_own() -> None:
    assert names() == names("gradient") == tuple(registry.KERNELS["gradient"])
    assert names("descend") == (*names("gradient"), *registry.KERNELS["descend"])
    assert names("ceilings") == ()
    assert set(registry.all_names()) == {name for operation in registry.OPERATIONS for name in names(operation)}
    assert len(set(registry.all_names())) == len(registry.all_names())


@pytest.mark.parametrize("name", registry.OPERATIONS)
def test_an_operation_is_loaded_by_its_name_or_its_place(name: str) -> None:
    operation = load_operation(name)
    assert isinstance(operation, Operation)
    assert operation.name == name
    assert load_operation(registry.OPERATIONS[name]) is operation
    assert set(operation.baselines) <= set(names(name))
    assert set(operation.texts) <= {"bytes", "ceiling", "curve", "against", "largest_score"}
    assert operation.figures


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sorting", "^no operation is called 'sorting'; expected gradient or descend or fit or network"),
        ("", "^no operation is called ''; expected gradient or descend or fit or network"),
        ("kernels.gradient.problem:Gradient", "is a type; expected an Operation"),
        ("kernels.gradient.operation:nothing", "is a NoneType; expected an Operation"),
    ],
)
def test_an_unknown_operation_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_operation(spec)


def test_an_operation_is_part_of_a_kernels_name_nowhere() -> None:
    assert [registry.identify(name) for name in registry.all_names()] == list(registry.all_names())
    assert registry.operations_of("numpy") == ("gradient", "descend", "fit", "network")
    assert registry.operations_of("numba-compiled") == ("descend",)
    assert registry.operations_of("own.py:mine") == ("gradient", "descend", "fit")
    assert registry.operations_of("own.py:mine", "descend") == ("descend",)
    assert registry.operations_of("own.py:mine", "sorting") == ("sorting",)


def test_a_gradient_kernel_becomes_a_descent_by_the_driver() -> None:
    gradient, descent = load("numpy"), load("numpy", "descend")
    assert (gradient.operation, gradient.of) == ("gradient", "")
    assert (descent.operation, descent.of, descent.name) == ("descend", "numpy", "numpy")
    assert (descent.backend, descent.passes) == (gradient.backend, gradient.passes)
    assert descent.summary == "a Python loop around the gradient kernel numpy"
    problem = normal(7, 2)
    costs, ws, bs = descent.built(2)(problem.X, problem.y, np.float64(0.5), problem.w, problem.b)
    first = gradient.built(None)(problem.X, problem.y, problem.w, problem.b)
    np.testing.assert_array_equal(ws[1], problem.w - 0.5 * first.dw)
    assert (costs[0], bs[1], len(costs), len(ws)) == (first.cost, problem.b - 0.5 * first.db, 3, 3)


@pytest.mark.parametrize("operation", ["descend", "kernels.descend.operation:DESCEND"])
def test_a_users_function_becomes_a_descent_by_the_driver(operation: str, own: str) -> None:
    kernel = load(f"{own}:gradient", operation)
    assert (kernel.name, kernel.operation, kernel.of) == ("own:gradient", "descend", "own:gradient")
    w = np.ones(2)
    costs, _ws, bs = kernel.built(1)(None, None, 0.5, w, 4.0)
    assert (costs, bs) == ([1.0, 1.0], [4.0, 2.0])


def test_a_users_kernel_of_another_operation(own: str) -> None:
    descent = load(f"{own}:descent", "descend")
    assert (descent.name, descent.operation, descent.built(7)(*range(5))) == ("own:descent", "descend", 7)
    with pytest.raises(ValueError, match="is a kernel of the operation 'descend'; expected one of 'gradient'"):
        load(f"{own}:descent", "gradient")
    with pytest.raises(ValueError, match="is a kernel of the operation 'sorting'; expected one of 'descend'"):
        load(f"{own}:other", "descend")
    for attribute, operation in (("descent", "descend"), ("other", "sorting"), ("gradient", "gradient")):
        assert load(f"{own}:{attribute}", None).operation == operation


@pytest.mark.parametrize(
    ("spec", "operation", "message"),
    [
        (
            "numba-compiled",
            "gradient",
            "^numba-compiled is no kernel of 'gradient'; expected loops, loops-examples, ",
        ),
        ("numpy", "sorting", "^no operation is called 'sorting'"),
        ("numpy", "kernels.ceilings.operation:CEILINGS", "numpy is a kernel of the operation 'gradient'"),
        ("nump", "descend", "^no kernel is called 'nump'; the nearest: numpy"),
    ],
)
def test_a_kernel_of_a_wrong_operation_is_refused(spec: str, operation: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load(spec, operation)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "of"), registry.MADE_OF.items())
def test_a_kernel_that_is_made_of_another_says_of_which(name: str, of: str) -> None:
    (operation,) = registry.operations_of(name)
    kernel, inner = available(name, operation), available(of)
    assert (kernel.name, kernel.of, kernel.operation) == (name, of, operation)
    assert kernel.backend == inner.backend


def test_a_kernel_that_is_made_of_an_unavailable_one_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KERNELS["gradient"], "numba", "a_library_that_is_not_there.module:X")
    with pytest.raises(BackendUnavailable, match="^a_library_that_is_not_there is not installed$"):
        load("numba-compiled", "descend")


def test_a_driver_is_given_the_kernel_and_its_backend_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(_array: object) -> object:
        raise BackendUnavailable("no such device")

    def driven(kernel: Kernel) -> Kernel:
        return replace(kernel, operation="descend", backend=replace(backends.NUMPY, asarray=unavailable))

    monkeypatch.setattr("kernels.descend.driver.driven", driven)
    with pytest.raises(BackendUnavailable, match="^no such device$"):
        load("numpy", "descend")


def test_a_module_of_an_operation_is_found_by_its_name() -> None:
    assert registry.part_of("gradient", "cheaters").__name__ == "kernels.gradient.cheaters"
    with pytest.raises(ModuleNotFoundError):
        registry.part_of("gradient", "no_such_part")
    with pytest.raises(KeyError):
        registry.part_of("sorting", "cheaters")


def test_loading_an_operation_imports_no_numba_jax_scikit_learn_or_torch() -> None:
    code = (
        "import sys, kernels; [kernels.load_operation(name) for name in kernels.registry.OPERATIONS]; "
        "assert not {'numba', 'jax', 'sklearn', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
