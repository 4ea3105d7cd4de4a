"""The house rules that no tool holds: who may import whom, and how long a file and a function may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT

FLOORS = (
    ("kernels", "host"),
    ("workloads",),
    ("results", "worker"),
    ("correctness", "analysis"),
    ("runner", "report"),
    ("race", "plugin", "test_gradient"),
    ("commands",),
    ("__main__",),
)
"""A room imports from rooms of lower floors only: those of one floor stand side by side."""
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}
ONLY = {
    "bench.worker": ("bench.worker", "bench.host.procfs", "bench.workloads.parameters", "kernels"),
    "kernels": ("kernels",),
}
"""What these may import of the project, wherever it stands."""
NEVER = {
    "bench.worker": ("scipy", "rich", "pytest"),
    "bench.report": ("bench.worker", "bench.runner"),
    "bench.analysis": ("time", "subprocess", "pathlib", "os"),
    "bench.correctness": ("time", "subprocess", "pathlib", "os"),
    "bench.results.record": ("time", "subprocess", "pathlib", "os"),
    "bench.results.samples": ("time", "subprocess", "pathlib", "os"),
    "bench.results.schema": ("time", "subprocess", "pathlib", "os"),
    "bench.results.describe": ("time", "subprocess", "pathlib", "os"),
    **dict.fromkeys(
        (f"bench.runner.{name}" for name in ("rounds", "prepare", "kernel_run", "launch", "session", "parallel")),
        ("bench.worker.worker", "bench.worker.timing"),
    ),
}
FREE_FOR_ALL = ("kernels", "bench.commands.exit_codes")
LONGEST_FILE, LONGEST_FUNCTION = 260, 60

FILES = sorted(path for folder in ("bench", "kernels") for path in (CHECKOUT / folder).rglob("*.py"))
IDS = [path.relative_to(CHECKOUT).as_posix() for path in FILES]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module that the file imports, at its top or in a function; not what only types need."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                inner = CHECKOUT.joinpath(*node.module.split("."), name.name)
                yield (
                    f"{node.module}.{name.name}"
                    if inner.is_dir() or inner.with_suffix(".py").exists()
                    else node.module
                )


def within(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def room(module: str) -> str:
    return module.split(".")[1] if module.startswith("bench.") else module.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_go_down(path: Path) -> None:
    own = module_of(path)
    for other in imported(path):
        for place, allowed in ONLY.items():
            if within(own, place) and within(other, "bench"):
                assert any(within(other, one) for one in allowed), f"{own} may not import {other}"
        for place, forbidden in NEVER.items():
            if within(own, place):
                assert not any(within(other, one) for one in forbidden), f"{own} may not import {other}"
        if within(other, "bench") and other != "bench" and room(own) != room(other):
            assert HEIGHT[room(other)] < HEIGHT[room(own)], f"{own} may not import {other}, which is not below it"


@pytest.mark.parametrize("path", [path for path in FILES if "commands" in path.parts], ids=str)
def test_a_folder_in_commands_imports_no_other(path: Path) -> None:
    own = path.parent
    for other in imported(path):
        if within(other, "bench.commands") and other != "bench.commands":
            folder = CHECKOUT.joinpath(*other.split(".")[:3])
            assert not folder.is_dir() or folder == own, f"{module_of(path)} may not import {other}"


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
def test_an_init_file_is_a_docstring(path: Path) -> None:
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
