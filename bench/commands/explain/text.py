"""The findings as text for a terminal of 80 columns."""

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
from kernels import load_operation

_MOST_LOOPS = 12
"""So that everything fits a screen of 40 lines; a fused kernel has about thirty."""
_ARRAY = re.compile(r"Array\((\w+), (\d), '(\w)', (True|False), aligned=True\)")
"""How Numba writes the type of an argument: number, axes, order, and whether it is read-only, as most are here."""
_WIDTHS = {"xmm": "16 bytes", "v": "16 bytes", "z": "SVE", "ymm": "32 bytes", "zmm": "64 bytes"}


def show(console: Console, findings: Findings) -> None:
    """Print them, the sentences last."""
    record = findings.record
    threads = f"{record.threads} thread{'s' if record.threads > 1 else ''}"
    size = f"{record.m:,} × {record.n:,} {record.dtype} {record.order}, {threads}"
    console.print(Text(f"{record.kernel} on {record.workload}: {size}", style="bold"))
    if record.error:
        figures = [f"{format_significant(value)} {name}" for name, value in record.error.figures.items()]
        if record.error.bound_fraction is not None:
            figures.append(f"{format_significant(record.error.bound_fraction, 2)} of the bound")
        console.print(Text(f"  agrees with the reference: {', '.join(figures)}"))
    _section(console, "compiled by Numba", list(_numba(findings)))
    if loops := _largest_loops(findings):
        console.print(_table(loops))
        hidden = len(findings.innermost) - sum(loop.innermost for loop in loops)
        console.print(Text("  chain: operations that depend on each other from one iteration to the next"))
        if hidden:
            console.print(Text(f"  smaller innermost loops not shown: {hidden}"))
    _section(console, "compiled by XLA", list(_xla(findings)))
    _section(console, "during its calls", list(_calls(findings)))
    console.print()
    for sentence in sentences(findings):
        console.print(Text(sentence, style="bold"))


def _section(console: Console, heading: str, lines: Sequence[str]) -> None:
    if lines:
        console.print()
        console.print(Text(heading, style="bold"))
        for line in lines:
            console.print(Text(fill(line, console.width, initial_indent="  ", subsequent_indent="    ")))


def _numba(findings: Findings) -> Iterator[str]:
    if findings.assembly is None:
        return
    for signature in findings.signatures:
        arguments, _, result = _ARRAY.sub(_array, signature).partition(" -> ")
        yield f"arguments: {arguments}"
        yield f"result: {result}"
    whole, functions = findings.assembly.whole, findings.assembly.functions
    versions = sum(functions.values())
    yield f"functions: {len(functions)}, compiled versions: {versions}, instructions: {whole.instructions:,}"
    widest = f", registers up to {whole.vector} ({_WIDTHS[whole.vector]})" if whole.vector else ""
    yield f"floating-point: {whole.packed} packed, {whole.scalar} scalar{widest}"
    yield f"fused multiply-adds: {whole.fma}, divisions: {whole.division}, gathers: {whole.gather}"
    yield f"calls of the math library: {', '.join(whole.mathematics) or 'none'}"


def _array(argument: re.Match[str]) -> str:
    number, axes, order, read_only = argument.groups()
    return f"array({number}, {axes}d, {order}{'' if read_only == 'True' else ', writable'})"


def _largest_loops(findings: Findings) -> list[Loop]:
    """Of the innermost loops and those that call the math library, the ones with most work, in the code's order."""
    loops = [loop for loop in findings.loops if loop.innermost or loop.counts.mathematics]
    by_work = sorted(loops, key=lambda loop: (not loop.counts.mathematics, -loop.counts.arithmetic))[:_MOST_LOOPS]
    return [loop for loop in loops if loop in by_work][:_MOST_LOOPS]


def _table(loops: Sequence[Loop]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("loop in", no_wrap=True, max_width=20)
    for heading in ("instr.", "packed", "scalar", "fma", "div", "loads", "fetch", "chain"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("vectors", no_wrap=True)
    for loop in loops:
        counts = loop.counts
        numbers = (
            counts.instructions, counts.packed, counts.scalar, counts.fma, counts.division, counts.load,
            counts.prefetch, loop.dependency_chain,
        )  # fmt: skip
        vectors = ", ".join(counts.mathematics) or counts.vector or "SCALAR"
        table.add_row(loop.function.rpartition(".")[2], *map(str, numbers), vectors)
    return table


def _xla(findings: Findings) -> Iterator[str]:
    if findings.program is None:
        return
    yield f"steps: {findings.program.steps}; {findings.program.reads_of_x} of them read X, or an array as large"
    for name, group in findings.program.groups.items():
        yield f"{name}: {group.count}" + (f", largest result {group.largest}" if "while" not in name else "")
    if findings.flops:
        yield f"floating-point operations, counted by XLA: {format_si(findings.flops).replace(' ', '')}"


def _calls(findings: Findings) -> Iterator[str]:
    record, counters = findings.record, findings.record.counters or {}
    passes = "not declared" if record.passes is None else f"{record.passes:g}, as it declares"
    least = f"; a call moves at least {_bytes(record.bytes_per_call)}" if record.bytes_per_call else ""
    often = f", {findings.repeats:g} times in a call" if findings.repeats > 1 else ""
    yield f"passes over X: {passes}{often}{least}"
    if findings.temporary_bytes is not None:
        yield f"temporaries: at most {_bytes(findings.temporary_bytes)} in a call"
    yield f"threads that computed: {counters.get('busy_threads')}; cores busy: {counters.get('cores_used')}"
    if findings.disturbed:
        yield f"other processes used {findings.taken:.0%} of a core meanwhile: repeat it when nothing else runs"
    yield f"page faults: {format_significant(counters.get('page_faults_per_call') or 0.0)} in a call"
    for blas in findings.blas:
        built = f" for {blas['built_for']}" if blas["built_for"] else ""
        of = f" of {blas['of']}" if blas["of"] else ""
        yield f"BLAS{of}: {blas['name']} {blas['version']}{built}, threads: {blas['threads']}"
    if record.seconds and record.gigabytes_per_second:
        rate = format_significant(record.gigabytes_per_second, 2)
        yield f"{duration(record.seconds.estimate)} per call, {rate} GB/s (one launch, no race: for orientation only)"
        if what := load_operation(record.operation).texts.get("bytes"):
            yield f"GB/s: {what}"


def _bytes(number: float) -> str:
    return f"{format_si(number)}B" if number >= 1000 else f"{number:.0f} B"
