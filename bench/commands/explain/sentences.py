"""From figures to plain words: a table of rules, each a question to the findings and a sentence. Pure.

What is said is what the figures say, and no more: whether it is why a kernel is slow, only a race can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.commands.explain.assembly import Loop
from bench.commands.explain.findings import Findings

MOST = 3
"""Sentences."""
_IN_FLIGHT = 8
"""Operations that do not wait for one another keep two units busy that have a latency of four cycles."""
_FEW_FAULTS = 4.0
"""Page faults in a call; a fault is some half a microsecond."""
_WORTH_THREADS = 2**17
"""Bytes of X: below, waking another thread takes about as long as it saves."""
_NUMBER_WORDS = {1: "one pass", 2: "two passes", 3: "three passes"}


@dataclass(frozen=True)
class Rule:
    """A sentence, and when it is said."""

    name: str
    """As in docs/explain.md, which says what to make of it."""
    when: Callable[[Findings], bool]
    text: Callable[[Findings], str]


def sentences(found: Findings) -> list[str]:
    """One to three: the first whose rules hold, in the table's order."""
    return [rule.text(found) for rule in RULES if rule.when(found)][:MOST]


def _passes(found: Findings) -> str:
    passes = found.record.passes
    if passes is None:
        return "How often it reads X is not known: it does not say."
    counted = _NUMBER_WORDS.get(int(passes), f"{passes:g} passes") if passes == int(passes) else f"{passes:g} passes"
    return f"{counted.capitalize()} over X."


def _waiting(found: Findings) -> Loop | None:
    """The scalar loop that waits most for its own sums, where no other loop adds up in vectors."""
    if any(loop.mix.packed and loop.dependency_chain for loop in found.innermost):
        return None
    scalar = [
        loop
        for loop in found.innermost
        if loop.dependency_chain and not loop.mix.packed and loop.mix.arithmetic < _IN_FLIGHT * loop.dependency_chain
    ]
    return max(scalar, key=lambda loop: loop.mix.arithmetic, default=None)


def _in_order(found: Findings) -> str:
    loop = _waiting(found)
    assert loop is not None
    share = f"{loop.dependency_chain} of {loop.mix.arithmetic} operations wait for one another"
    return f"A sum is taken number after number: in a loop {share}."


def _largest(found: Findings, *groups: str) -> tuple[int, str]:
    """Bytes and shape of the largest that XLA makes in any of these groups."""
    there = found.program.groups if found.program else {}
    return max(((there[g].largest_bytes, there[g].largest) for g in groups if g in there), default=(0, ""))


def _vectors(found: Findings) -> list[Loop]:
    return [loop for loop in found.innermost if loop.mix.packed]


def _bytes_of_x(found: Findings) -> int:
    return found.record.m * found.record.n * found.itemsize


def _busy(found: Findings) -> int | None:
    return None if found.disturbed else (found.record.seen or {}).get("busy_threads")


def _faults(found: Findings) -> float:
    return float((found.record.seen or {}).get("page_faults_per_call") or 0.0)


def _arrays(found: Findings) -> float:
    """How many arrays of m numbers its temporaries are."""
    return (found.temporary_bytes or 0) / (found.record.m * found.itemsize)


def _nanoseconds(found: Findings) -> float:
    seconds = found.record.seconds.median if found.record.seconds else 0.0
    return 1e9 * seconds / (found.record.m * found.record.n)


RULES = (
    Rule("passes", lambda _: True, _passes),
    Rule(
        "python",
        lambda found: found.record.backend == "python",
        lambda found: f"Python itself loops: about {_nanoseconds(found):.0f} ns for each number of X.",
    ),
    Rule(
        "scalar-sigmoid",
        lambda found: bool(found.mathematics),
        lambda found: f"Scalar sigmoid: a loop calls {' and '.join(found.mathematics)}, for one number at a time.",
    ),
    Rule("sum-in-order", lambda found: _waiting(found) is not None, _in_order),
    Rule(
        "no-vectors",
        lambda found: found.assembly is not None and not found.assembly.whole.packed,
        lambda _: "No instruction computes with more than one number.",
    ),
    Rule(
        "gathers",
        lambda found: found.assembly is not None and found.assembly.whole.gathers > 0,
        lambda _: "It gathers: numbers of one vector do not lie side by side in memory.",
    ),
    Rule(
        "copied-x",
        lambda found: _largest(found, "copy", "transpose")[0] >= _bytes_of_x(found),
        lambda found: f"X is written to memory once more: {_largest(found, 'copy', 'transpose')[1]} is a copy.",
    ),
    Rule(
        "copied-blocks",
        lambda found: _largest(found, "slice")[1].endswith(f",{found.record.n}]"),
        lambda found: f"Blocks of X are copied before they are used: {_largest(found, 'slice')[1]}.",
    ),
    Rule(
        "page-faults",
        lambda found: _faults(found) >= _FEW_FAULTS,
        lambda found: f"{_faults(found):.0f} page faults in each call: memory is asked for anew.",
    ),
    Rule(
        "temporaries",
        lambda found: found.record.backend != "python" and _arrays(found) >= 1,
        lambda found: f"Its temporaries are as large as {_arrays(found):.0f} arrays of m numbers.",
    ),
    Rule(
        "one-thread",
        lambda found: _busy(found) == 1 and found.record.threads > 1 and _bytes_of_x(found) >= _WORTH_THREADS,
        lambda found: f"One thread computes, of {found.record.threads} that it was given.",
    ),
    Rule(
        "vectors",
        lambda found: bool(_vectors(found)),
        lambda found: (
            f"{len(_vectors(found))} of {len(found.innermost)} innermost loops compute in vectors, "
            f"up to {found.assembly.whole.vector if found.assembly else ''} wide."
        ),
    ),
)
"""What is worth most to know first."""
