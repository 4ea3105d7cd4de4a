"""Rules that no linter checks: which folder may import which, what only operations know, and the length of files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernels
from bench.host.checkout import CHECKOUT
from kernels import registry
from kernels.ceilings import specs

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
    "bench.worker": (
        "bench.worker",
        "bench.host.procfs",
        "bench.host.sanitize",
        "bench.workloads.parameters",
        "kernels",
    ),
    "kernels": ("kernels",),
}
"""The only parts of the project that these may import, whatever their layers."""
OPERATIONS = tuple(place.partition(".operation:")[0] for place in registry.OPERATIONS.values())
"""The packages of the operations."""
CLOCK_FILES_PROCESSES = ("time", "subprocess", "pathlib", "os")
PURE = ("analysis", "correctness", *(f"results.{name}" for name in ("record", "samples", "schema", "describe")))
RUNNER = ("sweeps", "plan", "quiet", "calibration", "cold", "prepare", "kernel_run", "launch", "session", "parallel")
NEVER = {
    "bench": OPERATIONS,  # asked for through the registry, so that an operation needs a folder and nothing else
    "bench.worker": ("scipy", "rich", "pytest"),
    "bench.report": ("bench.worker", "bench.runner"),
    **{f"bench.{name}": CLOCK_FILES_PROCESSES for name in PURE},
    **{f"bench.runner.{name}": ("bench.worker.worker", "bench.worker.timing") for name in RUNNER},
}
"""What these may not import."""
SHARED = ("kernels.contract", "kernels.backends", "kernels.number_text", "kernels.ceilings.specs")
"""What every file of an operation may import, beside its own operation and the helpers kernels._*."""
OF_THE_GRADIENT = tuple(
    f"kernels.gradient.{name}" for name in ("problem", "reference", "judge", "probes", "operation")
)
"""What other operations may be built on."""
TECHNIQUES = {
    place.partition(":")[0]
    for table in (*registry.KERNELS.values(), registry.DRIVERS, specs.SPECS)
    for place in table.values()
}
"""The files of the kernels. Two of them differ only where their technique does, so none may import another."""
BEGIN_WITH_A_KERNEL = ("cheaters", "disguised", "late")
"""Files of an operation that may: these kernels begin with a correct one."""
LONGEST_FILE, LONGEST_FUNCTION = 260, 60
WORDS = re.compile(r"(?<![a-z])(dw|db|gradients?)(?![a-z])", re.IGNORECASE)
"""What only an operation knows. The measuring code would do for one operation what it must do for all."""
ALLOWED = {
    ("bench/commands/new.py", "what it computes, such as"): "a help text, with the default",
    ("bench/plugin/options.py", "Only these kernels:"): "a help text, with the signature of a function of the user's",
    ("bench/commands/race/versioned_kernel.py", "gradient"): "a field of Kernel in older commits, which it measures",
    ("bench/results/lift.py", "gradient"): "files of schema 1 know no other operation",
    ("bench/test_gradient.py", "test_gradient"): "its name is in the files that pytest-benchmark stored",
}
"""(file, beginning of the name or text) → why the words are there."""

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
    named += [*OPERATIONS, *SHARED, *OF_THE_GRADIENT, *TECHNIQUES]
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


IN_OPERATIONS = [
    path for path in FILES if any(within(module_of(path), one) for one in (*OPERATIONS, "kernels.ceilings"))
]


@pytest.mark.parametrize("path", IN_OPERATIONS, ids=str)
def test_an_operation_imports_what_is_its_own_or_shared(path: Path) -> None:
    own = ".".join(module_of(path).split(".")[:2])
    for other in imported(path):
        if (
            within(other, "kernels")
            and not other.startswith("kernels._")
            and other not in (*SHARED, *OF_THE_GRADIENT)
        ):
            assert within(other, own) or other in TECHNIQUES, f"{module_of(path)} may not import {other}"
        if other in TECHNIQUES:
            assert path.stem in BEGIN_WITH_A_KERNEL, f"{module_of(path)} may not import {other}, a kernel"


@pytest.mark.parametrize("path", [path for path in FILES if "bench" in path.parts], ids=str)
def test_the_measuring_code_has_no_type_of_an_operation(path: Path) -> None:
    """`kernels` has them, for kernels of the user's."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "kernels":
            for name in node.names:
                of = getattr(getattr(kernels, name.name, None), "__module__", None) or ""
                assert not any(within(of, one) for one in OPERATIONS), f"{module_of(path)} may not import {name.name}"


def words_of(path: Path) -> Iterator[str]:
    """Every identifier and every text of a file that is not a docstring."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


def test_no_measuring_code_knows_what_one_operation_computes() -> None:
    used = set()
    for path in FILES:
        file = path.relative_to(CHECKOUT).as_posix()
        for word in words_of(path) if file.startswith("bench/") else ():
            if WORDS.search(word):
                allowed = [(name, text) for name, text in ALLOWED if name == file and word.startswith(text)]
                assert allowed, f"{file} has {word!r}: only an operation may know that"
                used |= set(allowed)
    assert used == set(ALLOWED)


def test_the_words_of_an_operation_are_found(tmp_path: Path) -> None:
    source = '''"""dw"""
from kernels import a as Gradient
def f(db, *, x_dw=1):
    """The gradient."""
    global dw
    if value == "db": record.dw = {"gradient": f"{x} dw"}
    g(db=1, gradients=adw + dbx + degradient)
'''
    (tmp_path / "one.py").write_text(source)
    found = [word for word in words_of(tmp_path / "one.py") if WORDS.search(word)]
    assert sorted(found) == sorted(["Gradient", "db", "x_dw", "dw", "db", "dw", "gradient", " dw", "db", "gradients"])


FORMER = ("kernels/numba_fused.py",)
"""Files of older commits, which `race REV` reads."""
NAMED_FILE = re.compile(r"(?<![\w/])(?:bench|docs|kernels|tests)/[\w/]+\.\w+")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_that_a_source_names_exists(path: Path) -> None:
    for name in NAMED_FILE.findall(path.read_text()):
        assert name in FORMER or (CHECKOUT / name).is_file(), name


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
    in_kernels = "tests/kernels/gradient/test_kernels.py::test_by_hand"
    in_fused = "tests/kernels/gradient/test_fused.py::test_edges[2]"
    assert group(f"{in_kernels}[float64-numba]") == group(in_fused) == "numba"
    assert group("tests/kernels/test_elementary.py::test_ends[float64]") == "numba"
    assert group("tests/kernels/test_operations.py::test_rows[descend-numba-compiled]") == "numba"
    assert group(f"{in_kernels}[float64-jax]") == "gradient/test_kernels"
    assert group("tests/commands/selftest/test_selftest.py::test_every_cheater_is_caught[lazy]") == "cheaters"
