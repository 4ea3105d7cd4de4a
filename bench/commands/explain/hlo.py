"""From XLA's compiled program to its steps: what is computed together, and what is written to memory in between.

A step is an instruction of the program's entry, or of a loop's body: it reads buffers and writes one. What stands
inside a fusion is computed without any memory between its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

_COMPUTATION = re.compile(r"(?P<entry>ENTRY )?%?(?P<name>[\w.-]+) \(.*\) -> .*\{")
_INSTRUCTION = re.compile(
    r"\s+(?:ROOT )?%?(?P<name>[\w.-]+) = (?P<type>\(.*?\)|\S+) (?P<op>[a-z][\w-]*)\((?P<rest>.*)"
)
_SHAPE = re.compile(r"([a-z]+)(\d*)\[([\d,]*)\]")

GROUPS = {
    "fusion": ("fusion",),
    "product (dot)": ("dot",),
    "call of a library": ("custom-call",),
    "loop (while)": ("while",),
    "reduction": ("reduce", "reduce-window", "all-reduce"),
    "copy": ("copy", "copy-start"),
    "transpose": ("transpose",),
    "slice": ("slice", "dynamic-slice"),
}
"""What is counted → XLA's words for it. Reductions, copies, transposes and slices count inside a fusion too."""
_ANYWHERE = ("reduction", "copy", "transpose", "slice")
_PASSING = ("parameter", "tuple", "get-tuple-element", "bitcast", "while", "call", "conditional", "constant")
"""What hands a buffer on without reading it."""


@dataclass(frozen=True)
class Group:
    """Instructions of one kind."""

    count: int
    largest: str
    """The largest shape that one of them makes, such as `f64[10000]`."""
    largest_bytes: int


@dataclass(frozen=True)
class Program:
    """What a kernel was compiled to."""

    steps: int
    groups: dict[str, Group]
    reads_of_x: int
    """Steps that read an array as large as X."""


@dataclass(frozen=True)
class _Line:
    name: str
    kind: str
    op: str
    operands: tuple[str, ...]
    called: tuple[str, ...]


def read(text: str, size_of_x: int) -> Program:
    """Parse what `as_text` of a compiled function says. size_of_x: numbers in X."""
    computations, entry = _computations(text)
    steps = [line for name in _run(computations, entry) for line in computations[name]]
    inside = [line for line in steps if line.op == "fusion"]
    fused = [part for line in inside for name in line.called for part in computations.get(name, ())]
    groups = {}
    for group, words in GROUPS.items():
        among = steps + fused if group in _ANYWHERE else steps
        if kinds := [line.kind for line in among if line.op in words]:
            largest = max(kinds, key=_bytes)
            groups[group] = Group(len(kinds), _plain(largest), _bytes(largest))
    working = [line for line in steps if line.op not in _PASSING]
    kinds_of = {line.name: line.kind for line in steps}
    reading = [
        line for line in working if any(_numbers(kinds_of.get(operand, "")) == size_of_x for operand in line.operands)
    ]
    return Program(len(working), groups, len(reading))


def _computations(text: str) -> tuple[dict[str, list[_Line]], str]:
    found: dict[str, list[_Line]] = {}
    current, entry = "", ""
    for line in text.splitlines():
        if heading := _COMPUTATION.match(line):
            current = heading["name"]
            found[current] = []
            entry = current if heading["entry"] else entry
        elif current and (said := _INSTRUCTION.match(line)):
            inside, _, attributes = said["rest"].partition(")")
            operands = tuple(re.findall(r"%([\w.-]+)", inside))
            called = tuple(re.findall(r"(?:calls|body|condition|to_apply)=%?([\w.-]+)", attributes))
            found[current].append(_Line(said["name"], said["type"], said["op"], operands, called))
    return found, entry


def _run(computations: dict[str, list[_Line]], entry: str) -> Iterator[str]:
    """The computations whose instructions are steps: the entry, and loops' bodies."""
    waiting, seen = [entry], set[str]()
    while waiting:
        if (name := waiting.pop()) in seen or name not in computations:
            continue
        seen.add(name)
        yield name
        for line in computations[name]:
            if line.op in ("while", "call", "conditional"):
                waiting += line.called


def _shapes(kind: str) -> list[tuple[int, int]]:
    """Each array of a type: bytes of a number (one where the name has no bits: `pred`), and how many there are."""
    found = _SHAPE.findall(kind)
    return [(int(bits or 8) // 8, prod(map(int, sizes.split(","))) if sizes else 1) for _, bits, sizes in found]


def _numbers(kind: str) -> int:
    return 0 if kind.startswith("(") else sum(count for _, count in _shapes(kind))


def _bytes(kind: str) -> int:
    return sum(itemsize * count for itemsize, count in _shapes(kind))


def _plain(kind: str) -> str:
    """Without its layout; of several arrays, the largest."""
    return max((found[0] for found in _SHAPE.finditer(kind)), key=_bytes, default="")
