"""From XLA's compiled program to its steps: what it computes together, and what it writes to memory in between.

A step is an instruction of the program's entry, or of a loop's body: it reads buffers and writes one. Inside a fusion
nothing is written to memory between the parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

_COMPUTATION = re.compile(r"(?P<entry>ENTRY )?%?(?P<name>[\w.-]+) \(.*\) -> .*\{")
_INSTRUCTION = re.compile(
    r"\s+(?:ROOT )?%?(?P<name>[\w.-]+) = (?P<type>\(.*?\)|\S+) (?P<opcode>[a-z][\w-]*)"
    r"\((?P<operands>[^)]*)\)?(?P<attributes>.*)"
)
_CALLED = re.compile(r"(?:calls|body|condition|to_apply)=%?([\w.-]+)")
_ARRAY = re.compile(r"[a-z]+(?P<bits>\d*)\[(?P<sizes>[\d,]*)\]")

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
"""What is counted → XLA's opcodes."""
_ALSO_IN_FUSIONS = ("reduction", "copy", "transpose", "slice")
_PASSING = ("parameter", "tuple", "get-tuple-element", "bitcast", "while", "call", "conditional", "constant")
"""They hand a buffer on without reading it."""


@dataclass(frozen=True)
class Group:
    """Instructions of one kind."""

    count: int
    largest: str
    """The largest array that one of them makes, such as `f64[10000]`."""
    largest_bytes: int


@dataclass(frozen=True)
class Program:
    """What a kernel was compiled to."""

    steps: int
    groups: dict[str, Group]
    reads_of_x: int
    """Steps that read an array as large as X."""


@dataclass(frozen=True)
class _Instruction:
    name: str
    type: str
    opcode: str
    operands: tuple[str, ...]
    called: tuple[str, ...]


def read(text: str, size_of_x: int) -> Program:
    """Parse the text of a compiled program. size_of_x: numbers in X."""
    computations, entry = _computations(text)
    instructions = list(_executed(computations, entry))
    fusions = [instruction for instruction in instructions if instruction.opcode == "fusion"]
    fused = [part for fusion in fusions for name in fusion.called for part in computations.get(name, ())]
    groups = {}
    for group, opcodes in GROUPS.items():
        candidates = instructions + fused if group in _ALSO_IN_FUSIONS else instructions
        if members := [instruction for instruction in candidates if instruction.opcode in opcodes]:
            groups[group] = _group(members)
    steps = [instruction for instruction in instructions if instruction.opcode not in _PASSING]
    as_large = {i.name for i in instructions if (array := _ARRAY.match(i.type)) and _size(array) == size_of_x}
    return Program(len(steps), groups, sum(not as_large.isdisjoint(step.operands) for step in steps))


def _computations(text: str) -> tuple[dict[str, list[_Instruction]], str]:
    computations: dict[str, list[_Instruction]] = {}
    current, entry = "", ""
    for line in text.splitlines():
        if heading := _COMPUTATION.match(line):
            current = heading["name"]
            computations[current] = []
            entry = current if heading["entry"] else entry
        elif current and (parts := _INSTRUCTION.match(line)):
            operands = tuple(re.findall(r"%([\w.-]+)", parts["operands"]))
            called = tuple(_CALLED.findall(parts["attributes"]))
            computations[current].append(
                _Instruction(parts["name"], parts["type"], parts["opcode"], operands, called)
            )
    return computations, entry


def _executed(computations: Mapping[str, Sequence[_Instruction]], name: str) -> Iterator[_Instruction]:
    """The instructions of a computation, and of the loops and calls in it."""
    for instruction in computations.get(name, ()):
        yield instruction
        if instruction.opcode in ("while", "call", "conditional"):
            for called in instruction.called:
                yield from _executed(computations, called)


def _group(members: Sequence[_Instruction]) -> Group:
    arrays = [array for member in members for array in _ARRAY.finditer(member.type)]
    largest = max(arrays, key=_bytes, default=None)
    return Group(len(members), largest[0] if largest else "", _bytes(largest) if largest else 0)


def _size(array: re.Match[str]) -> int:
    return prod(map(int, array["sizes"].split(","))) if array["sizes"] else 1


def _bytes(array: re.Match[str]) -> int:
    return int(array["bits"] or 8) // 8 * _size(array)  # `pred` has no bits in its name: a byte
