"""One line of assembly: what it computes, which registers it uses, what it calls. x86 as LLVM writes it, and aarch64.

Only the mnemonics that compiled kernels consist of are known. Any other line counts as an instruction, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

REGISTERS = ("xmm", "v", "z", "ymm", "zmm")
"""Vector registers in ascending width: 16 bytes (xmm, NEON's v), the machine's own (SVE's z), 32, 64."""


@dataclass(frozen=True)
class Instruction:
    """What one line does."""

    kinds: frozenset[str] = frozenset()
    """packed or scalar: floating-point arithmetic on several numbers, or on one; fma, division; load: floating-point
    numbers come from memory, gather: from scattered addresses; prefetch."""
    vector: str = ""
    """The widest register of a packed one."""
    reads: tuple[str, ...] = ()
    """The numbers of the floating-point registers that its result depends on."""
    writes: tuple[str, ...] = ()
    call: str = ""
    """The function that it calls; `?` if that is unknown."""

    @property
    def arithmetic(self) -> bool:
        """Whether it computes with floating-point numbers."""
        return not self.kinds.isdisjoint(("packed", "scalar"))


@dataclass(frozen=True)
class Dialect:
    """How an architecture's assembly is written."""

    comment: re.Pattern[str]
    """What begins a comment."""
    read: Callable[[str, list[str], dict[str, str]], Instruction]
    """(mnemonic, operands, symbols) → instruction. `symbols` maps a register to the function whose address it holds;
    `read` updates it."""


def dialect_of(text: str) -> Dialect:
    """x86 writes a percent sign before a register; aarch64 has it in comments only."""
    return X86 if re.search(r"%(r[a-ds][xip]|[xyz]mm\d)", text) else AARCH64


def _matching(kinds: Mapping[str, str], mnemonic: str) -> set[str]:
    return {kind for kind, pattern in kinds.items() if re.fullmatch(pattern, mnemonic)}


_X86_ARITHMETIC = r"(v?(h?add|h?sub|addsub|mul|div|sqrt|min|max|dp)|vfn?m(add|sub)\w*(132|213|231))"
_X86_KINDS = {
    "packed": _X86_ARITHMETIC + "p[sd]",
    "scalar": _X86_ARITHMETIC + "s[sd]",
    "fma": r"vfn?m(add|sub)\w+",
    "division": r"v?div[ps][sd]",
    "gather": r"vp?gather\w+",
    "prefetch": r"prefetch\w+",
}
_X86_READS_DESTINATION = re.compile(r"vfn?m|vp?blend|vp?gather|vpermi2|vpermt2|vpternlog")
_X86_SYMBOL = re.compile(r"\$([A-Za-z_.$][\w.$]*)")


def _x86(mnemonic: str, operands: list[str], symbols: dict[str, str]) -> Instruction:
    *sources, target = operands or [""]
    if mnemonic.startswith("call"):
        return Instruction(call=symbols.get(target[1:], "?") if target[0] == "*" else target.partition("@")[0])
    if target.startswith("%r"):
        named = mnemonic.startswith("movabs") and _X86_SYMBOL.fullmatch(operands[0])
        symbols[target] = named[1] if named else "?"
    kinds = _matching(_X86_KINDS, mnemonic)
    widths = re.findall(r"%([xyz]mm)\d", " ".join(operands))
    if widths and "(" in " ".join(sources):
        kinds.add("load")
    two_operands = not mnemonic.startswith("v") and kinds & {"packed", "scalar"}
    masked = "{%k" in target and "{z}" not in target
    if two_operands or masked or _X86_READS_DESTINATION.match(mnemonic):
        sources = operands
    if re.match(r"v?p?(xor|sub)", mnemonic) and len(set(operands)) == 1:
        sources = []  # a register and itself: zero, whatever it held
    return Instruction(
        frozenset(kinds),
        vector=max(widths, key=REGISTERS.index) if "packed" in kinds else "",
        reads=tuple(re.findall(r"%[xyz]mm(\d+)", " ".join(sources))),
        writes=() if "(" in target else tuple(re.findall(r"%[xyz]mm(\d+)", target)),
    )


_ARM_FMA = r"f(n?madd|n?msub|mla|mls|n?mad|n?msb|nmla|nmls)"
_ARM_KINDS = {
    "scalar": rf"{_ARM_FMA}|f(add|sub|mul|div|sqrt|max|min|maxnm|minnm|nmul|addp|mulx|abd|addv|adda|divr)",
    "fma": _ARM_FMA,
    "division": "fdivr?",
    "prefetch": r"prf\w+",
}
_ARM_READS_DESTINATION = re.compile(r"fn?ml[as]|fn?mad|fn?msb|bsl|bi[tf]|ins|fcadd")
_ARM_SYMBOL = re.compile(r"#?:\w+:([A-Za-z_][\w.]*)|([A-Za-z_][\w.]*)@\w+")
_ARM_REGISTER = re.compile(r"\b([bhsdqvz])(\d+)\b")


def _aarch64(mnemonic: str, operands: list[str], symbols: dict[str, str]) -> Instruction:
    first, *others = operands or [""]
    rest = ", ".join(others)
    if mnemonic in ("bl", "blr"):
        return Instruction(call=first.lstrip("_") if mnemonic == "bl" else symbols.get(first, "?"))
    if named := _ARM_SYMBOL.search(rest):
        symbols[first] = (named[1] or named[2]).lstrip("_")
    elif not re.search(rf"movk|cmp|st[rp]|\b{re.escape(first)}\b", f"{mnemonic} {rest}"):
        symbols.pop(first, None)  # it no longer holds, nor completes, an address
    mnemonic, dot, _ = mnemonic.partition(".")  # macOS: `fmul.2d v0, v1, v2` for `fmul v0.2d, v1.2d, v2.2d`
    kinds = _matching(_ARM_KINDS, mnemonic)
    # an operand in brackets is an address, unless it is a lane: v0.d[1]
    values = [operand for operand in operands if "[" not in operand or re.match(r"\{?\s*v\d", operand)]
    registers = [_ARM_REGISTER.findall(operand) for operand in values]
    numbers = [number for operand in registers for _, number in operand]
    classes = {kind for operand in registers for kind, _ in operand}
    vector = "" if "scalar" not in kinds else "z" if "z" in classes else "v" if "v" in classes or dot else ""
    if vector:
        kinds = kinds - {"scalar"} | {"packed"}
    load, store = mnemonic.startswith("ld"), mnemonic.startswith("st")
    if load and numbers:
        kinds.add("load")
    if load and re.search(r"\[[^\]]*\bz\d+\.", rest):
        kinds.add("gather")
    targets = [number for _, number in registers[0]] if registers else []
    reads = numbers if store or _ARM_READS_DESTINATION.fullmatch(mnemonic) else numbers[len(targets) :]
    return Instruction(
        frozenset(kinds),
        vector,
        reads=() if load else tuple(reads),
        writes=() if store else tuple(numbers if load else targets),
    )


X86 = Dialect(re.compile("#"), _x86)
AARCH64 = Dialect(re.compile("//|;"), _aarch64)
