"""The numbers that an operation has, in a workload and in its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kernels import Operation, load_operation, registry

if TYPE_CHECKING:
    from bench.workloads.catalog import Workload


def without_ending(name: str, operation: Operation) -> tuple[str, dict[str, str]]:
    """The name without the ending that the operation gives it, and the options that this holds, as texts."""
    if operation.ending and (found := re.fullmatch(f"(?s:(.+?)){operation.ending.pattern.pattern}", name)):
        return found[1], found.groupdict()
    return name, {}


def for_operation(workload: Workload, operation: str, given: Mapping[str, str]) -> Workload:
    """The same data for another operation, with options as texts. The workload's name says which.

    Raises ValueError, in one line, for an option that the operation lacks, and for a number that makes no sense.
    """
    definition = load_operation(operation)
    known = definition.options
    kept = {name: value for name, value in workload.options if name in known}
    options = {name: option.default for name, option in known.items()} | kept
    for name, text in given.items():
        if name not in known:
            raise ValueError(f"{operation} has no option {name!r:.40}; expected {', '.join(known) or 'none'}")
        try:
            options[name] = known[name].parse(text)
        except ValueError:
            raise ValueError(f"{name} is {text!r:.40}; expected {known[name].expected}") from None
    data_name, _ = without_ending(workload.name.rpartition(":")[2].partition("@")[0], workload.definition)
    changed = {name: value for name, value in options.items() if value != known[name].default}
    suffix = "".join(f"@{name}={_shortest(value)}" for name, value in changed.items())
    if definition.ending:
        definition.static(options)  # raises ValueError
        suffix = f"-{definition.ending.text(options)}"
    name = ("" if operation == registry.DEFAULT_OPERATION else f"{operation}:") + data_name + suffix
    chosen = replace(workload, name=name, operation=operation, options=tuple(options.items()))
    _ = chosen.static  # raises ValueError
    return chosen


def _shortest(value: float | None) -> str:
    """The shortest text with exactly this value, so that a name has all of it."""
    return repr(value).removesuffix(".0")
