"""From assembly to loops: which of them a kernel's floating-point work is in, and with what instructions.

A loop is found as compilers define it: a jump back to a block that every way to the jump leads through (Muchnick,
Advanced Compiler Design and Implementation, 7.4). What is counted of a loop is its own: not that of loops inside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.commands.explain.instructions import REGISTERS, Instruction, dialect_of

_LOCAL = re.compile(r"\.?L\w+")
_NOT_THE_KERNELS = re.compile(r'_?(cfunc\.|_ZN7cpython|NRT_|__gufunc__\.|\.|")')
"""What Numba puts around a function: its entrance from Python, reference counts, constants."""
_MATHEMATICS = re.compile(r"(?:exp|exp2|expm1|log|log1p|log2|tanh|pow|fabs|ldexp|frexp|fmod|scalbn)[fl]?|__svml_\w+")


@dataclass(frozen=True)
class InstructionCounts:
    """How many instructions of which kind."""

    instructions: int
    packed: int
    """That compute with several floating-point numbers at once."""
    scalar: int
    """That compute with one."""
    fmas: int
    divisions: int
    gathers: int
    loads: int
    stores: int
    prefetches: int
    vector: str
    """The widest register of a packed one; empty where there is none."""
    calls: tuple[str, ...]

    @property
    def arithmetic(self) -> int:
        """That compute with floating-point numbers."""
        return self.packed + self.scalar

    @property
    def mathematics(self) -> tuple[str, ...]:
        """The functions of the mathematical library that are called, each once."""
        return tuple(dict.fromkeys(call for call in self.calls if _MATHEMATICS.fullmatch(call)))


@dataclass(frozen=True)
class Loop:
    """A loop with floating-point work of its own."""

    function: str
    innermost: bool
    mix: InstructionCounts
    dependency_chain: int
    """How many of its operations wait for one another in each turn: what a turn takes at least, in latencies."""


@dataclass(frozen=True)
class Assembly:
    """Of all functions that a kernel consists of."""

    whole: InstructionCounts
    functions: dict[str, int]
    """Name → how many versions of it there are."""
    loops: tuple[Loop, ...]
    """Of the largest version of each function."""


def read(text: str) -> Assembly:
    """Parse the assembly of a Numba function and all that is linked to it; what Numba puts around is left out."""
    versions: dict[str, list[list[_Block]]] = {}
    for name, blocks in _functions(text):
        if not _NOT_THE_KERNELS.match(name):
            versions.setdefault(readable(name), []).append(blocks)
    everything = [
        line for several in versions.values() for blocks in several for block in blocks for line in block.body
    ]
    largest = {name: max(several, key=_size) for name, several in versions.items()}
    loops = [loop for name, blocks in largest.items() for loop in _loops(name, blocks)]
    return Assembly(mix(everything), {name: len(several) for name, several in versions.items()}, tuple(loops))


def _size(blocks: Sequence[_Block]) -> int:
    return sum(len(block.body) for block in blocks)


def mix(instructions: Sequence[Instruction]) -> InstructionCounts:
    """Count."""
    counted: Counter[str] = Counter()
    for one in instructions:
        counted.update(kind for kind in _COUNTED if getattr(one, kind))
    packed = [one.vector for one in instructions if one.packed]
    return InstructionCounts(
        instructions=len(instructions),
        packed=counted["packed"],
        scalar=counted["arithmetic"] - counted["packed"],
        fmas=counted["fma"],
        divisions=counted["division"],
        gathers=counted["gather"],
        loads=counted["load"],
        stores=counted["store"],
        prefetches=counted["prefetch"],
        vector=max(packed, key=REGISTERS.index, default=""),
        calls=tuple(readable(one.call) for one in instructions if one.call),
    )


_COUNTED = ("arithmetic", "packed", "fma", "division", "gather", "load", "store", "prefetch")


def readable(symbol: str) -> str:
    """`kernels.numba_loops.gradient` of Numba's mangled name; any other name as it is."""
    rest, parts = symbol.removeprefix("_").removeprefix("_ZN").removeprefix("ZN"), []
    if rest == symbol:
        return symbol
    while found := re.match(r"\d+", rest):
        start, length = found.end(), int(found[0])
        parts.append(rest[start : start + length])
        rest = rest[start + length :]
    named = ".".join(parts).replace("_3c", "<").replace("_3e", ">")
    plain = re.sub(r"<\w+>\.?|_0x[0-9a-f]+", "", named).replace("..", ".").strip(".")
    return plain if parts else symbol


# -- blocks and loops --


@dataclass(frozen=True)
class _Block:
    """Instructions that are run one after another."""

    labels: tuple[str, ...]
    body: tuple[Instruction, ...]


def _functions(text: str) -> Iterator[tuple[str, list[_Block]]]:
    """Each symbol with its blocks; data has none."""
    dialect = dialect_of(text)
    name, blocks, labels, body = "", list[_Block](), list[str](), list[Instruction]()
    symbols: dict[str, str] = {}
    for raw in text.splitlines():
        line = dialect.comment.sub("", raw).rstrip()
        label = re.match(r'("[^"]*"|[^\s:]+):', line)
        if body and (label or body[-1].target or body[-1].ends):
            blocks.append(_Block(tuple(labels), tuple(body)))
            labels, body = [], []
        if label:
            if _LOCAL.fullmatch(label[1]):
                labels.append(label[1])
            else:
                if blocks:
                    yield name, blocks
                name, blocks, labels, symbols = label[1], [], [], {}
            continue
        words = line.split(None, 1)
        if words and line[:1].isspace() and not words[0].startswith("."):
            body.append(dialect.read(words[0], _operands(words[1] if len(words) > 1 else ""), symbols))
    if body:
        blocks.append(_Block(tuple(labels), tuple(body)))
    if blocks:
        yield name, blocks


def _operands(text: str) -> tuple[str, ...]:
    """Apart at the commas that are in no brackets."""
    return tuple(part.strip() for part in re.split(r",(?![^(\[{]*[)\]}])", text) if part.strip())


def _loops(function: str, blocks: Sequence[_Block]) -> Iterator[Loop]:
    places = {label: place for place, block in enumerate(blocks) for label in block.labels}
    after = [list(_successors(place, blocks, places)) for place in range(len(blocks))]
    found = _natural_loops(after)
    for header, members in sorted(found.items()):
        inner = [other for start, other in found.items() if start != header and other < members]
        own = members - set().union(*inner)
        body = [one for place in sorted(own) for one in blocks[place].body]
        counted = mix(body)
        if counted.arithmetic or counted.mathematics:
            yield Loop(function, not inner, counted, 0 if inner or counted.calls else dependency_chain(body))


def _successors(place: int, blocks: Sequence[_Block], places: dict[str, int]) -> Iterator[int]:
    last = blocks[place].body[-1]
    if last.target in places:
        yield places[last.target]
    if not last.ends and place + 1 < len(blocks):
        yield place + 1


def _natural_loops(after: Sequence[Sequence[int]]) -> dict[int, set[int]]:
    """Header → the blocks of its loop. Sets of blocks are the bits of an integer."""
    before: list[list[int]] = [[] for _ in after]
    for place, successors in enumerate(after):
        for successor in successors:
            before[successor].append(place)
    everything = (1 << len(after)) - 1
    dominators = [1, *([everything] * (len(after) - 1))]
    changed = True
    while changed:
        changed = False
        for place in range(1, len(after)):
            common = everything
            for earlier in before[place]:
                common &= dominators[earlier]
            if (new := common | 1 << place) != dominators[place]:
                dominators[place], changed = new, True
    loops: dict[int, set[int]] = {}
    for place, successors in enumerate(after):
        for header in successors:
            if dominators[place] >> header & 1:
                loops.setdefault(header, {header}).update(_reaching(place, header, before))
    return loops


def _reaching(place: int, header: int, before: Sequence[Sequence[int]]) -> set[int]:
    """The blocks from which one comes to this one, not by way of the header."""
    found, waiting = {header}, [place]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += before[one]
    return found


def dependency_chain(body: Iterable[Instruction]) -> int:
    """By how much the longest chain of operations grows in one more turn. What goes through memory is not seen."""
    body, depth, lengths = list(body), dict[str, int](), [0]
    for _turn in range(3):  # the first sees what comes before the loop as ready
        for one in body:
            longest = max((depth.get(register, 0) for register in one.reads), default=0) + one.arithmetic
            for register in one.writes:
                depth[register] = longest
        lengths.append(max(depth.values(), default=0))
    return lengths[-1] - lengths[-2]
