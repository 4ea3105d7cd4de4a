"""What was found, as text for a terminal of 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import fill

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.commands.explain.assembly import Loop
from bench.commands.explain.findings import Findings
from bench.commands.explain.sentences import sentences
from bench.report.formatting import duration, format_si, format_significant

_MOST_LOOPS = 12
"""So that all of it fits a screen of 40 lines; a fused kernel has some thirty."""
_READ_ONLY = re.compile(r"Array\((\w+), (\d), '(\w)', True, aligned=True\)")
"""As Numba writes the type of an array that may only be read."""
_WIDTHS = {"xmm": "16 bytes", "v": "16 bytes", "z": "SVE", "ymm": "32 bytes", "zmm": "64 bytes"}


def show(console: Console, found: Findings) -> None:
    """Print it, the sentences last."""
    record = found.record
    threads = f"{record.threads} thread{'s' if record.threads > 1 else ''}"
    size = f"{record.m:,} × {record.n:,} {record.dtype} {record.order}, {threads}"
    console.print(Text(f"{record.kernel} on {record.workload}: {size}", style="bold"))
    if record.error:
        ulps, fraction = format_significant(record.error.max_ulps), format_significant(record.error.bound_fraction, 2)
        console.print(Text(f"  agrees with the reference: {ulps} ulps, {fraction} of the bound"))
    _part(console, "compiled by Numba", list(_numba(found)))
    if loops := _chosen(found):
        console.print(_table(loops))
        left = len(found.innermost) - sum(loop.innermost for loop in loops)
        console.print(Text("  waits: operations of one turn that wait for one another, at least"))
        if left:
            console.print(Text(f"  smaller innermost loops that are not shown: {left}"))
    _part(console, "compiled by XLA", list(_xla(found)))
    _part(console, "while it was called", list(_calls(found)))
    console.print()
    for sentence in sentences(found):
        console.print(Text(sentence, style="bold"))


def _part(console: Console, heading: str, lines: Sequence[str]) -> None:
    if lines:
        console.print()
        console.print(Text(heading, style="bold"))
        for line in lines:
            console.print(Text(fill(line, console.width, initial_indent="  ", subsequent_indent="    ")))


def _numba(found: Findings) -> Iterator[str]:
    if found.assembly is None:
        return
    for signature in found.signatures:
        taken, _, returned = re.sub(_READ_ONLY, r"array(\1, \2d, \3)", signature).partition(" -> ")
        yield f"for {taken}"
        yield f"it returns {returned}"
    whole, functions = found.assembly.whole, found.assembly.functions
    versions = sum(functions.values())
    yield f"functions: {len(functions)}, versions of them: {versions}; instructions: {whole.instructions:,}"
    widest = f", registers up to {whole.vector} ({_WIDTHS[whole.vector]})" if whole.vector else ""
    yield f"floating-point: {whole.packed} packed, {whole.scalar} scalar{widest}"
    yield f"{whole.fmas} fused multiply-adds, {whole.divisions} divisions, {whole.gathers} gathers"
    called = whole.mathematics
    yield f"calls of the mathematical library: {', '.join(called) or 'none'}"


def _chosen(found: Findings) -> list[Loop]:
    """Innermost loops and those that call the mathematical library: the ones with most work, in the code's order."""
    loops = (
        [loop for loop in found.assembly.loops if loop.innermost or loop.mix.mathematics] if found.assembly else []
    )
    most = sorted(loops, key=lambda loop: (not loop.mix.mathematics, -loop.mix.arithmetic))[:_MOST_LOOPS]
    return [loop for loop in loops if loop in most][:_MOST_LOOPS]


def _table(loops: Sequence[Loop]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("loop in", no_wrap=True, max_width=20)
    for heading in ("instr.", "packed", "scalar", "fma", "div", "loads", "fetch", "waits"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("vectors", no_wrap=True)
    for loop in loops:
        mix = loop.mix
        counts = (
            mix.instructions, mix.packed, mix.scalar, mix.fmas, mix.divisions, mix.loads, mix.prefetches,
            loop.dependency_chain,
        )  # fmt: skip
        what = ", ".join(mix.mathematics) or mix.vector or "SCALAR"
        table.add_row(loop.function.rpartition(".")[2], *map(str, counts), what)
    return table


def _xla(found: Findings) -> Iterator[str]:
    if found.program is None:
        return
    yield f"{found.program.steps} steps, of which {found.program.reads_of_x} read X or a copy as large"
    for name, group in found.program.groups.items():
        yield f"{name}: {group.count}" + (f", the largest makes {group.largest}" if "while" not in name else "")
    if found.flops:
        yield f"{format_si(found.flops).replace(' ', '')} floating-point operations, as XLA counts"


def _calls(found: Findings) -> Iterator[str]:
    record, seen = found.record, found.record.seen or {}
    passes = (
        "does not say how often it reads X" if record.passes is None else f"says that it reads X {record.passes:g} ×"
    )
    yield f"{passes}; one pass over X, y, w and dw is {_bytes(record.bytes_per_call)}"
    if found.temporary_bytes is not None:
        yield f"temporaries: {_bytes(found.temporary_bytes)} in a call, at the most"
    yield f"threads that computed: {seen.get('busy_threads')}; cores busy: {seen.get('cores_used')}"
    if found.disturbed:
        yield f"others used {found.taken:.0%} of a core meanwhile: do it again when nothing else runs"
    yield f"page faults: {format_significant(seen.get('page_faults_per_call') or 0.0)} a call"
    for blas in found.blas:
        built = f" for {blas['built_for']}" if blas["built_for"] else ""
        of = f" of {blas['of']}" if blas["of"] else ""
        yield f"BLAS{of}: {blas['name']} {blas['version']}{built}, threads: {blas['threads']}"
    if record.seconds and record.gigabytes_per_second:
        rate = format_significant(record.gigabytes_per_second, 2)
        yield f"{duration(record.seconds.median)} a call, {rate} GB/s (one launch, no race: for orientation only)"


def _bytes(number: float) -> str:
    return f"{format_si(number)}B" if number >= 1000 else f"{number:.0f} B"
