"""Rules that no linter checks: which folder may import which, and the length of files and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT

LAYERS = (
    ("kernels", "host"),
    ("workloads",),
    ("results", "worker"),
    ("correctness", "analysis"),
    ("runner", "report"),
    ("race", "plugin", "test_gradient"),
    ("commands",),
    ("__main__",),
)
"""A folder imports only from folders of lower layers, never from another folder of its own layer."""
LAYER = {folder: number for number, folders in enumerate(LAYERS) for folder in folders}
ONLY = {
    "bench.worker": ("bench.worker", "bench.host.procfs", "bench.workloads.parameters", "kernels"),
    "kernels": ("kernels",),
}
"""The only parts of the project that these may import, whatever their layers."""
CLOCK_FILES_PROCESSES = ("time", "subprocess", "pathlib", "os")
PURE = ("analysis", "correctness", *(f"results.{name}" for name in ("record", "samples", "schema", "describe")))
RUNNER = ("rounds", "prepare", "kernel_run", "launch", "session", "parallel")
NEVER = {
    "bench.worker": ("scipy", "rich", "pytest"),
    "bench.report": ("bench.worker", "bench.runner"),
    **{f"bench.{name}": CLOCK_FILES_PROCESSES for name in PURE},
    **{f"bench.runner.{name}": ("bench.worker.worker", "bench.worker.timing") for name in RUNNER},
}
"""What these may not import."""
LONGEST_FILE, LONGEST_FUNCTION = 260, 60

FILES = sorted(path for folder in ("bench", "kernels") for path in (CHECKOUT / folder).rglob("*.py"))
IDS = [path.relative_to(CHECKOUT).as_posix() for path in FILES]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module that the file imports, at its top or in a function, except under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path} has a relative import; expected the full name"
            assert node.level == 0, f"{path} has a relative import; expected the full name"
            for name in node.names:
                inner = CHECKOUT.joinpath(*node.module.split("."), name.name)
                yield (
                    f"{node.module}.{name.name}"
                    if inner.is_dir() or inner.with_suffix(".py").exists()
                    else node.module
                )


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def folder_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("bench.") else module.split(".")[0]


def test_every_rule_is_about_something_that_exists() -> None:
    modules = {module_of(path) for path in FILES}
    named = [*ONLY, *(part for parts in ONLY.values() for part in parts), *NEVER]
    named += [part for parts in NEVER.values() for part in parts if part.startswith("bench")]
    named += [f"bench.{folder}" for folder in LAYER if folder != "kernels"]
    assert set(named) <= modules


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_folder_imports_only_lower_layers(path: Path) -> None:
    module = module_of(path)
    for other in imported(path):
        for package, allowed in ONLY.items():
            if within(module, package) and within(other, "bench"):
                assert any(within(other, one) for one in allowed), f"{module} may not import {other}"
        for package, forbidden in NEVER.items():
            if within(module, package):
                assert not any(within(other, one) for one in forbidden), f"{module} may not import {other}"
        folder, other_folder = folder_of(module), folder_of(other)
        if within(other, "bench") and other != "bench" and folder != other_folder:
            assert LAYER[other_folder] < LAYER[folder], f"{module} may not import {other}, which is not a layer below"


@pytest.mark.parametrize("path", [path for path in FILES if "commands" in path.parts], ids=str)
def test_a_folder_in_commands_imports_no_other(path: Path) -> None:
    for other in imported(path):
        if within(other, "bench.commands") and other != "bench.commands":
            folder = CHECKOUT.joinpath(*other.split(".")[:3])
            assert not folder.is_dir() or folder == path.parent, f"{module_of(path)} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, (
                f"{node.name} is {node.end_lineno - node.lineno + 1} lines"
            )


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=str)
def test_an_init_file_is_only_a_docstring(path: Path) -> None:
    if path.parent != CHECKOUT / "kernels":
        body = ast.parse(path.read_text()).body
        assert len(body) == 1
        assert isinstance(body[0], ast.Expr)


def test_no_test_file_imports_another() -> None:
    for path in (CHECKOUT / "tests").rglob("*.py"):
        for other in imported(path):
            assert not other.rpartition(".")[2].startswith("test_") or not within(other, "tests"), (
                f"{path.name}: {other}"
            )


def test_groups_of_tests_exist_and_keep_together_what_is_compiled_once() -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install --group dev")
    from tests.support.sharing import FIRST, group

    files = {group(path.relative_to(CHECKOUT).as_posix()) for path in (CHECKOUT / "tests").rglob("test_*.py")}
    assert set(FIRST) - files == {"numba", "cheaters"}
    in_kernels = "tests/kernels/test_kernels.py::test_by_hand"
    assert group(f"{in_kernels}[float64-numba]") == group("tests/kernels/test_fused.py::test_edges[2]") == "numba"
    assert group(f"{in_kernels}[float64-jax]") == "kernels/test_kernels"
    assert group("tests/commands/selftest/test_selftest.py::test_every_cheater_is_caught[lazy]") == "cheaters"
