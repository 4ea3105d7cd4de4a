"""From figures to plain sentences: a table of rules, each a condition on the findings and a sentence. Pure.

A sentence says what the figures say, and no more. Whether it explains a kernel's speed, only a race can show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.commands.explain.assembly import Loop
from bench.commands.explain.findings import Findings
from kernels.registry import DEFAULT_OPERATION

MOST = 3
"""Sentences."""
_IN_FLIGHT = 8
"""So many independent operations keep two units busy whose latency is four cycles."""
_FEW_FAULTS = 4.0
"""Page faults in a call; one takes about half a microsecond."""
_WORTH_THREADS = 2**17
"""Bytes of X: below, waking another thread takes about as long as it saves."""
_NUMBER_WORDS = {1.0: "One pass", 2.0: "Two passes", 3.0: "Three passes"}


@dataclass(frozen=True)
class Rule:
    """A sentence, and when it holds."""

    name: str
    """As in docs/explain.md, which says what can be done."""
    when: Callable[[Findings], bool]
    text: Callable[[Findings], str]


def sentences(findings: Findings) -> list[str]:
    """One to three: those of the first rules that hold, in the table's order."""
    return [rule.text(findings) for rule in RULES if rule.when(findings)][:MOST]


def _passes(findings: Findings) -> str:
    passes = findings.record.passes
    if passes is None:
        return "The kernel does not declare how often it reads X."
    often = f", {findings.repeats:g} times in a call" if findings.repeats > 1 else ""
    return f"{_NUMBER_WORDS.get(passes, f'{passes:g} passes')} over X{often}."


def _around(findings: Findings) -> str:
    data = findings.record.workload.rpartition(":")[2].partition("@")[0]
    kernel = f"the {DEFAULT_OPERATION} kernel {findings.record.of}"
    return f"It is Python code around {kernel}: python -m bench explain {findings.around} --workload {data}"


def _sequential_sum(findings: Findings) -> Loop | None:
    """The largest scalar loop that is limited by its own sums, if no loop adds up in vectors."""
    chains = [loop for loop in findings.innermost if loop.dependency_chain]
    if any(loop.counts.packed for loop in chains):
        return None
    limited = [loop for loop in chains if loop.counts.arithmetic < _IN_FLIGHT * loop.dependency_chain]
    return max(limited, key=lambda loop: loop.counts.arithmetic, default=None)


def _sum_in_order(findings: Findings) -> str:
    loop = _sequential_sum(findings)
    assert loop is not None
    share = f"{loop.dependency_chain} of {loop.counts.arithmetic} operations"
    return f"Sequential sum: in one loop, {share} each wait for the one before."


def _largest(findings: Findings, *names: str) -> tuple[int, str]:
    """Bytes and shape of the largest array that XLA makes in any of these groups."""
    groups = findings.program.groups if findings.program else {}
    return max(((groups[n].largest_bytes, groups[n].largest) for n in names if n in groups), default=(0, ""))


def _vectorized(findings: Findings) -> list[Loop]:
    return [loop for loop in findings.innermost if loop.counts.packed]


def _bytes_of_x(findings: Findings) -> int:
    return findings.record.m * findings.record.n * findings.itemsize


def _busy_threads(findings: Findings) -> int | None:
    return None if findings.disturbed else (findings.record.counters or {}).get("busy_threads")


def _page_faults(findings: Findings) -> float:
    return float((findings.record.counters or {}).get("page_faults_per_call") or 0.0)


def _arrays(findings: Findings) -> float:
    """The size of the temporaries, in arrays of m numbers."""
    return (findings.temporary_bytes or 0) / (findings.record.m * findings.itemsize)


def _nanoseconds(findings: Findings) -> float:
    """For each number in X, each time that the operation needs it."""
    seconds = findings.record.seconds.estimate if findings.record.seconds else 0.0
    return 1e9 * seconds / (findings.record.m * findings.record.n * findings.repeats)


RULES = (
    Rule("passes", lambda _: True, _passes),
    Rule("around", lambda findings: bool(findings.around), _around),
    Rule(
        "python",
        lambda findings: findings.record.backend == "python",
        lambda findings: f"Python itself runs the loop: about {_nanoseconds(findings):.0f} ns for each number in X.",
    ),
    Rule(
        "scalar-sigmoid",
        lambda findings: bool(findings.mathematics),
        lambda findings: (
            f"Scalar sigmoid: a loop calls {' and '.join(findings.mathematics)} for one number at a time."
        ),
    ),
    Rule("sum-in-order", lambda findings: _sequential_sum(findings) is not None, _sum_in_order),
    Rule(
        "no-vectors",
        lambda findings: findings.assembly is not None and not findings.assembly.whole.packed,
        lambda _: "No instruction computes with more than one number at a time.",
    ),
    Rule(
        "gathers",
        lambda findings: findings.assembly is not None and findings.assembly.whole.gather > 0,
        lambda _: "Gathers: the numbers of one vector are not contiguous in memory.",
    ),
    Rule(
        "copied-x",
        lambda findings: _largest(findings, "copy", "transpose")[0] >= _bytes_of_x(findings),
        lambda findings: f"X is copied in each call: {_largest(findings, 'copy', 'transpose')[1]}.",
    ),
    Rule(
        "copied-blocks",
        lambda findings: _largest(findings, "slice")[1].endswith(f",{findings.record.n}]"),
        lambda findings: f"Blocks of X are copied before they are used: {_largest(findings, 'slice')[1]}.",
    ),
    Rule(
        "page-faults",
        lambda findings: _page_faults(findings) >= _FEW_FAULTS,
        lambda findings: f"{_page_faults(findings):.0f} page faults in each call: memory is allocated anew.",
    ),
    Rule(
        "temporaries",
        lambda findings: findings.record.backend != "python" and _arrays(findings) >= 1,
        lambda findings: f"Its temporaries are as large as {_arrays(findings):.0f} arrays of m numbers.",
    ),
    Rule(
        "one-thread",
        lambda findings: (
            _busy_threads(findings) == 1 and findings.record.threads > 1 and _bytes_of_x(findings) >= _WORTH_THREADS
        ),
        lambda findings: f"Only one of its {findings.record.threads} threads computes.",
    ),
    Rule(
        "vectors",
        lambda findings: bool(_vectorized(findings)),
        lambda findings: (
            f"{len(_vectorized(findings))} of {len(findings.innermost)} innermost loops compute with vectors, "
            f"in registers up to {findings.assembly.whole.vector if findings.assembly else ''}."
        ),
    ),
)
"""The most important first."""
