"""From a compiler's assembly to loops: which of them compute with floating-point numbers, and with what instructions.

LLVM says in comments to which loop a block belongs, if it is asked for verbose assembly. The instructions of a loop
are its own: those of loops inside it are not counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.commands.explain.instructions import REGISTERS, Instruction, dialect_of

_LOCAL = re.compile(r"\.?L\w+")
_NOT_THE_KERNELS = re.compile(r'_?(cfunc\.|_ZN7cpython|NRT_|__gufunc__\.|\.|")')
"""What Numba adds to a function: its entry from Python, reference counts, constants."""
_MATHEMATICS = re.compile(r"(?:exp|exp2|expm1|log|log1p|log2|tanh|pow|fabs|ldexp|frexp|fmod|scalbn)[fl]?|__svml_\w+")
_LABEL = re.compile(r'("[^"]*"|[^\s:]+):')
_LOOP_HEADER = re.compile(r"=> *This (Inner )?Loop Header")
_IN_LOOP = re.compile(r"in Loop: Header=(\w+)")


@dataclass(frozen=True)
class InstructionCounts:
    """How many instructions of which kind; the kinds are explained at `Instruction`."""

    instructions: int
    packed: int
    scalar: int
    fma: int
    division: int
    gather: int
    load: int
    prefetch: int
    vector: str
    """The widest register of a packed instruction; empty if there is none."""
    calls: tuple[str, ...]

    @property
    def arithmetic(self) -> int:
        """Instructions that compute with floating-point numbers."""
        return self.packed + self.scalar

    @property
    def mathematics(self) -> tuple[str, ...]:
        """The functions of the math library that are called, each once."""
        return tuple(dict.fromkeys(call for call in self.calls if _MATHEMATICS.fullmatch(call)))


def count(instructions: Sequence[Instruction]) -> InstructionCounts:
    """Count the instructions of each kind."""
    counts = Counter(kind for instruction in instructions for kind in instruction.kinds)
    return InstructionCounts(
        instructions=len(instructions),
        packed=counts["packed"],
        scalar=counts["scalar"],
        fma=counts["fma"],
        division=counts["division"],
        gather=counts["gather"],
        load=counts["load"],
        prefetch=counts["prefetch"],
        vector=max((i.vector for i in instructions if i.vector), key=REGISTERS.index, default=""),
        calls=tuple(readable(i.call) for i in instructions if i.call),
    )


@dataclass(frozen=True)
class Loop:
    """A loop that itself computes with floating-point numbers."""

    function: str
    innermost: bool
    counts: InstructionCounts
    dependency_chain: int
    """How many of its operations depend on each other from one iteration to the next: the least time of an iteration,
    in latencies."""


@dataclass(frozen=True)
class Assembly:
    """All functions that a kernel consists of."""

    whole: InstructionCounts
    functions: dict[str, int]
    """Name → how many compiled versions there are."""
    loops: tuple[Loop, ...]
    """Of the largest version of each function."""


def read(text: str) -> Assembly:
    """Parse the assembly of a Numba function and of all that is linked to it, without what Numba adds."""
    versions: dict[str, list[_Function]] = {}
    for function in _functions(text):
        if function.body and not _NOT_THE_KERNELS.match(function.symbol):
            versions.setdefault(readable(function.symbol), []).append(function)
    everything = [instruction for name in versions for function in versions[name] for instruction in function.body]
    loops = [loop for name in versions for loop in _loops(name, max(versions[name], key=lambda each: len(each.body)))]
    return Assembly(count(everything), {name: len(versions[name]) for name in versions}, tuple(loops))


def readable(symbol: str) -> str:
    """`kernels.gradient.numba_loops.gradient` from Numba's mangled name; any other name is returned as it is."""
    rest, parts = symbol.removeprefix("_").removeprefix("_ZN").removeprefix("ZN"), []
    if rest == symbol:
        return symbol
    while length := re.match(r"\d+", rest):
        end = length.end() + int(length[0])
        parts.append(rest[length.end() : end])
        rest = rest[end:]
    name = ".".join(parts).replace("_3c", "<").replace("_3e", ">")
    plain = re.sub(r"<\w+>\.?|_0x[0-9a-f]+", "", name).replace("..", ".").strip(".")
    return plain if parts else symbol


@dataclass
class _Function:
    symbol: str
    body: list[Instruction] = field(default_factory=list)
    loops: dict[str, list[Instruction]] = field(default_factory=dict)
    """Label of a loop's first block → the loop's own instructions."""
    headers: dict[str, bool] = field(default_factory=dict)
    """These labels in the order of the code → whether the loop is innermost."""


def _functions(text: str) -> Iterator[_Function]:
    """Each symbol with its instructions; data has none."""
    dialect = dialect_of(text)
    function, block, symbols = _Function(""), "", dict[str, str]()
    loop: list[Instruction] = []
    for line in text.splitlines():
        code, comment, *_ = (*dialect.comment.split(line, 1), "")
        label = _LABEL.match(code)
        if label and not _LOCAL.fullmatch(label[1]):
            yield function
            function, symbols = _Function(label[1]), {}
        if label or comment.lstrip("# ").startswith("%bb."):  # a block, reached by a jump or from the one before
            block, loop = label[1].lstrip(".L") if label else "", []
        if header := _LOOP_HEADER.search(comment):
            function.headers[block] = bool(header[1])
            loop = function.loops.setdefault(block, [])
        elif member := _IN_LOOP.search(comment):
            loop = function.loops.setdefault(member[1], [])
        words = code.split(None, 1)
        if words and code[0].isspace() and not words[0].startswith("."):
            instruction = dialect.read(words[0], _operands(*words[1:]), symbols)
            function.body.append(instruction)
            loop.append(instruction)
    yield function


def _operands(text: str = "") -> list[str]:
    """Separated by the commas outside brackets."""
    return [part.strip() for part in re.split(r",(?![^(\[{]*[)\]}])", text) if part.strip()]


def _loops(name: str, function: _Function) -> Iterator[Loop]:
    for header, innermost in function.headers.items():
        body = function.loops[header]
        counts = count(body)
        if counts.arithmetic or counts.mathematics:
            chain = dependency_chain(body) if innermost and not counts.calls else 0
            yield Loop(name, innermost, counts, chain)


def dependency_chain(body: Iterable[Instruction]) -> int:
    """By how much one more iteration extends the longest chain of operations, without dependencies through memory."""
    body, depth, lengths = list(body), dict[str, int](), [0]
    for _iteration in range(3):  # in the first, all that was computed before the loop is ready
        for instruction in body:
            longest = max((depth.get(register, 0) for register in instruction.reads), default=0)
            for register in instruction.writes:
                depth[register] = longest + instruction.arithmetic
        lengths.append(max(depth.values(), default=0))
    return lengths[-1] - lengths[-2]
