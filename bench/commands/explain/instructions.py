"""One line of assembly: what it does to numbers, where it jumps, what it calls. x86 as LLVM writes it, and aarch64.

It knows no more of either than the words that compiled kernels are made of: a line that it does not know is an
instruction, and no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

REGISTERS = ("xmm", "v", "z", "ymm", "zmm")
"""Vector registers, by their width: 16 bytes (xmm, NEON's v), as wide as the machine (SVE's z), 32, 64."""


@dataclass(frozen=True)
class Instruction:
    """What one line does."""

    word: str
    """Its mnemonic."""
    arithmetic: bool = False
    """It computes with floating-point numbers."""
    packed: bool = False
    """With several at once."""
    fma: bool = False
    division: bool = False
    gather: bool = False
    load: bool = False
    """Of numbers, from memory; an operand in memory counts."""
    store: bool = False
    prefetch: bool = False
    vector: str = ""
    """The widest vector register that it names."""
    reads: tuple[str, ...] = ()
    """The numbers of the floating-point registers that its result depends on."""
    writes: tuple[str, ...] = ()
    call: str = ""
    """What it calls; `?` where that is not known."""
    target: str = ""
    """The label that it may jump to."""
    ends: bool = False
    """What follows is reached from elsewhere only."""


@dataclass(frozen=True)
class Dialect:
    """How an architecture writes."""

    comment: re.Pattern[str]
    read: Callable[[str, tuple[str, ...], dict[str, str]], Instruction]
    """(word, operands, register → the symbol whose address it holds, which this updates) → what it does."""


def dialect_of(text: str) -> Dialect:
    """x86 names its registers with a percent sign; aarch64 does not."""
    return X86 if re.search(r"%(r|e|[xyz]mm)\w+", text) else AARCH64


_X86_ARITHMETIC = re.compile(
    r"v?(?:h?add|h?sub|addsub|mul|div|sqrt|min|max|dp)(?P<one>[ps])[sd]|vfn?m(?:add|sub)\w*?(?:132|213|231)(?P<two>[ps])[sd]"
)
_X86_READS_DESTINATION = re.compile(r"vfn?m|vp?blend|vp?gather|vpermi2|vpermt2|vpternlog")
_X86_SYMBOL = re.compile(r"\$([A-Za-z_.$][\w.$]*)")
_X86_CLOBBERED = ("%rax", "%rcx", "%rdx", "%rsi", "%rdi", "%r8", "%r9", "%r10", "%r11")
"""By any call, on Linux and macOS."""


def _x86(word: str, operands: tuple[str, ...], symbols: dict[str, str]) -> Instruction:
    last = operands[-1] if operands else ""
    if word.startswith("call"):
        name = symbols.get(last.lstrip("*"), "?") if last.startswith("*") else last.partition("@")[0]
        for register in _X86_CLOBBERED:
            symbols.pop(register, None)
        return Instruction(word, call=name)
    if word.startswith("j"):
        return Instruction(word, target="" if last.startswith("*") else last, ends=word.startswith("jmp"))
    if word.startswith("ret") or word == "ud2":
        return Instruction(word, ends=True)
    if word.startswith("prefetch"):
        return Instruction(word, prefetch=True)
    if last.startswith("%r") and not word.startswith(("cmp", "test", "push")):
        named = _X86_SYMBOL.fullmatch(operands[0]) if word.startswith("movabs") else None
        symbols.pop(last, None)
        if named:
            symbols[last] = named[1]
    return _x86_of_numbers(word, operands)


def _x86_of_numbers(word: str, operands: tuple[str, ...]) -> Instruction:
    text = " ".join(operands)
    vector = _widest(re.findall(r"%([xyz]mm)\d", text))
    if not vector:
        return Instruction(word)
    found = _X86_ARITHMETIC.fullmatch(word)
    in_memory = [("(" in operand) for operand in operands]
    target = operands[-1]
    masked = "{%k" in target and "{z}" not in target
    sources = operands[:-1]
    if (not word.startswith("v") and found) or _X86_READS_DESTINATION.match(word) or masked:
        sources = operands
    if re.fullmatch(r"v?p?(xor|sub)\w*", word) and len(set(operands)) == 1:
        sources = ()  # a register and itself: zero, whatever it was
    packed = bool(found and "p" in (found["one"], found["two"]))
    return Instruction(
        word,
        arithmetic=bool(found),
        packed=packed,
        fma=bool(found and found["two"]),
        division=bool(found and word.lstrip("v").startswith("div")),
        gather="gather" in word,
        load=any(in_memory[:-1]) or (len(operands) == 1 and in_memory[0]),
        store=in_memory[-1],
        vector=vector,
        reads=tuple(re.findall(r"%[xyz]mm(\d+)", " ".join(sources))),
        writes=tuple(re.findall(r"%[xyz]mm(\d+)", target)) if not in_memory[-1] else (),
    )


_ARM_ARITHMETIC = re.compile(
    r"f(?:add|sub|mul|div|sqrt|max|min|maxnm|minnm|nmul|addp|mulx|abd|addv|adda|divr|n?madd|n?msub|mla|mls|n?mad|n?msb|nmla)"
)
_ARM_FMA = re.compile(r"f(?:n?madd|n?msub|mla|mls|n?mad|n?msb|nmla)")
_ARM_SYMBOL = re.compile(r"#?:\w+:([A-Za-z_][\w.]*)|([A-Za-z_][\w.]*)@\w+")
_ARM_NUMBER = re.compile(r"\b([bhsdqvz])(\d+)\b")
_ARM_CLOBBERED = tuple(f"x{number}" for number in range(18))


def _aarch64(word: str, operands: tuple[str, ...], symbols: dict[str, str]) -> Instruction:
    first, last = (operands[0], operands[-1]) if operands else ("", "")
    if word in ("bl", "blr"):
        name = first.lstrip("_") if word == "bl" else symbols.get(first, "?")
        for register in _ARM_CLOBBERED:
            symbols.pop(register, None)
        return Instruction(word, call=name)
    if word == "b" or word.startswith("b.") or word in ("cbz", "cbnz", "tbz", "tbnz"):
        return Instruction(word, target=last, ends=word == "b")
    if word in ("ret", "br", "brk", "udf"):
        return Instruction(word, ends=True)
    if word.startswith("prf"):
        return Instruction(word, prefetch=True)
    if re.fullmatch(r"x\d+", first) and not word.startswith(("cmp", "tst", "st", "ccmp")):
        if named := _ARM_SYMBOL.search(" ".join(operands)):
            symbols[first] = (named[1] or named[2]).lstrip("_")
        elif word not in ("movk", "add", "ldr"):  # which go on with the address that is there
            symbols.pop(first, None)
    return _aarch64_of_numbers(word, operands)


def _aarch64_of_numbers(word: str, operands: tuple[str, ...]) -> Instruction:
    word, _, kernel_runs = word.partition(".")  # macOS writes `fmul.2d v0, v1, v2` for `fmul v0.2d, v1.2d, v2.2d`
    outside = [operand for operand in operands if "[" not in operand or re.match(r"\{?\s*v\d", operand)]
    named = [_ARM_NUMBER.findall(operand) for operand in outside]
    if not any(named):
        return Instruction(word)
    kinds = {"v"} if kernel_runs else {kind for operand in named for kind, _ in operand}
    arithmetic = bool(_ARM_ARITHMETIC.fullmatch(word))
    loads, stores = word.startswith("ld"), word.startswith("st")
    numbers = [number for operand in named for _, number in operand]
    to = [number for _, number in named[0]]
    reads_destination = bool(re.match(r"fmla|fmls|fn?ma[ds]|fn?msb|bsl|bi[tf]|ins|fcadd", word)) and word not in (
        "fmadd", "fnmadd",
    )  # fmt: skip
    return Instruction(
        word,
        arithmetic=arithmetic,
        packed=arithmetic and bool(kinds & {"v", "z"}),
        fma=bool(_ARM_FMA.fullmatch(word)),
        division=word in ("fdiv", "fdivr"),
        gather=loads and bool(re.search(r"\[[^\]]*\bz\d+\.", " ".join(operands))),
        load=loads,
        store=stores,
        vector=_widest(["v" if kind == "q" else kind for kind in kinds]),
        reads=() if loads else tuple(numbers if reads_destination or stores else numbers[len(to) :]),
        writes=() if stores else tuple(numbers if loads else to),
    )


def _widest(named: list[str]) -> str:
    known = [name for name in named if name in REGISTERS]
    # a scalar of aarch64 is in d or s, which is the low end of a v
    return max(known, key=REGISTERS.index) if known else "v" if set(named) & set("bhsd") else ""


X86 = Dialect(re.compile(r"\s*#.*"), _x86)
AARCH64 = Dialect(re.compile(r"\s*(//|;).*"), _aarch64)
