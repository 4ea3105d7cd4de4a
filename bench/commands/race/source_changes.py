"""What differs between two versions of a kernel: the statements of all files that it imports from `kernels`.

Statements are compared, because files move: kernels/numba_fused.py became kernels/gradient/numba_fused.py, and
classes went from one file to another. A statement that only stands in another file is the same.

Comments, docstrings and layout do not count. An import from `kernels` counts only where it gives another name: what
it brings is compared itself. kernels/contract.py and kernels/kernel.py are not reported: in a race the kernels of
both versions have this version's types (versioned_kernel.py).
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_PACKAGE = "kernels"
_CONTRACT = {f"{_PACKAGE}/contract.py", f"{_PACKAGE}/kernel.py"}
ENTRY = "its entry in kernels/registry.py"


def changed(
    old: Path, new: Path, old_table: Mapping[str, Sequence[str]], new_table: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Kernel → those of its files that differ, and ENTRY where it names other attributes; without what is the same.

    old, new: the folders `kernels` of the two versions
    old_table, new_table: name → each "module:ATTRIBUTE" that makes the kernel. Kernels of both are compared.
    """
    differing = {}
    for name in new_table:
        if name in old_table:
            (old_modules, old_attributes), (new_modules, new_attributes) = (
                zip(*(location.split(":") for location in table[name]), strict=True)
                for table in (old_table, new_table)
            )
            paths = _changed_files(_sources(old, old_modules), _sources(new, new_modules))
            entry = [] if old_attributes == new_attributes else [ENTRY]
            if paths or entry:
                differing[name] = [*paths, *entry]
    return differing


class _Source(NamedTuple):
    """One file: each statement as the text of its syntax tree."""

    imports: list[str]
    statements: list[str]


def _changed_files(old: Mapping[str, _Source], new: Mapping[str, _Source]) -> list[str]:
    """The files with a statement that the other version does not have as often. old, new: by path"""
    old_counts, new_counts = (
        Counter(statement for source in version.values() for statement in source.statements) for version in (old, new)
    )

    def kept(source: _Source, other: _Source) -> list[str]:
        """The statements, without those that stand in another file of the other version."""
        lines = source.statements
        return [line for line in lines if line in other.statements or old_counts[line] != new_counts[line]]

    nothing = _Source([], [])
    earlier = {path: path if path in old else _moved_from(path, old) for path in new}
    both = {path: (old[earlier[path]], source) for path, source in new.items() if earlier[path]}
    paths = [path for path, (before, after) in both.items() if before.imports != after.imports]
    both |= {path: (nothing, source) for path, source in new.items() if not earlier[path]}
    both |= {path: (source, nothing) for path, source in old.items() if path not in earlier.values()}
    paths += [path for path, (before, after) in both.items() if kept(before, after) != kept(after, before)]
    return sorted({*paths} - _CONTRACT)


def _moved_from(path: str, old: Iterable[str]) -> str:
    """The file that was moved to this path: it has the same path within the package but for folders; or empty."""
    return next((one for one in old if path.endswith(one.removeprefix(_PACKAGE))), "")


def _sources(kernels: Path, modules: Sequence[str]) -> dict[str, _Source]:
    """The modules' files and everything that they import from `kernels`, recursively, by path."""
    sources: dict[str, _Source] = {}
    todo = list(modules)
    while todo:
        name = todo.pop()
        stem = kernels.parent.joinpath(*name.split("."))
        file = next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)
        path = file.relative_to(kernels.parent).as_posix() if file else ""
        if file is None or name == _PACKAGE or path in sources:  # kernels/__init__.py only lists the kernels
            continue
        text = file.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:  # the race will report it
            sources[path] = _Source([], [text])
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
        sources[path] = _comparable(tree)
    return sources


def _comparable(tree: ast.Module) -> _Source:
    body = _Comparable().visit(tree).body
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return _Source(sorted(map(ast.dump, imports)), [ast.dump(node) for node in body if node not in imports])


class _Comparable(ast.NodeTransformer):
    """Removes what does not count."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """A docstring is removed."""
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_Import(self, node: ast.Import) -> list[ast.Import]:
        """One statement for each module outside the package, or with another name."""
        kept = [alias for alias in node.names if alias.asname or alias.name.partition(".")[0] != _PACKAGE]
        return [ast.Import([alias]) for alias in kept]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.ImportFrom]:
        """One statement for each name that comes from outside the package, or with another name."""
        within = (node.module or "").partition(".")[0] == _PACKAGE
        kept = [alias for alias in node.names if alias.asname or not within]
        return [ast.ImportFrom(_PACKAGE if within else node.module, [alias], node.level) for alias in kept]
