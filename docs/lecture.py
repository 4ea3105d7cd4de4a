"""Writes docs/lecture.md: what the lecture notes say of logistic regression, each statement measured.

    python -m docs.lecture measure results/<machine>/<run>.json     # writes docs/lecture.json, and the page
    python -m docs.lecture                                          # writes the page from it, and from that run

The times come from the run, which TIMED makes. What needs no clock, ten starts and the refusal of a learning rate, is
computed by `measure` and kept in docs/lecture.json, since last digits differ from machine to machine.
"""

from __future__ import annotations

import json
import sys
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from bench.host import machine
from bench.host.checkout import CHECKOUT
from bench.report.formatting import duration, format_count, format_interval, format_significant
from bench.results import run_file
from bench.results.record import Record, Results
from bench.worker.placed_kernel import to_numpy
from bench.workloads import catalog
from kernels import load, load_operation
from kernels.contract import Inputs, Kernel
from kernels.fit.optimum import optimum_of

PAGE, FIGURES = Path(__file__).with_suffix(".md"), Path(__file__).with_suffix(".json")
CRAWLING, LONG, DIVERGING = 0.04, 7, 1000
"""Learning rates: a hundredth of 1/L on `lecture`, nearly 2/L, and one that is refused."""
KERNELS, FITS = ("loops", "numpy", "numba"), ("loops", "numpy", "numba", "numba-newton", "sklearn-newton-cholesky")
DESCENTS = ",".join(
    ("descend:lecture", f"descend:lecture@learning_rate={CRAWLING}", f"descend:lecture@learning_rate={LONG}")
)
TIMED = "pytest --benchmark --profile learn"
STARTS = 10
STARTED = ("fit:lecture", "fit:breast-cancer")


def measure(results: Path) -> None:
    """Write docs/lecture.json. results: the file of the run"""
    distances = {workload: _distances(workload) for workload in STARTED}
    document = {
        "run": results.resolve().relative_to(CHECKOUT).as_posix(),
        "machine": machine.fingerprint()["id"],
        "distances": distances,
        "costs": _costs(),
        "refused": _refusal(f"descend:lecture@learning_rate={DIVERGING}"),
    }
    FIGURES.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _distances(workload: str) -> dict[str, dict[str, float]]:
    """Kernel → the largest distance of an answer from the optimum, from ten starts, and what is allowed there."""
    operation, chosen = load_operation("fit"), catalog.named(workload)
    made, found = catalog.inputs(chosen), {}
    for name in FITS:
        kernel, rng = load(name, "fit"), np.random.default_rng(1)
        call = kernel.built(made.static)
        answers = []
        for _ in range(STARTS):
            start = operation.fresh(made, rng)
            answers.append(operation.judge(made, start, True)(_result(kernel, call, made, start)))
        assert not any(answer.failure for answer in answers), f"{name} on {workload} is wrong"
        farthest = max(answers, key=lambda answer: answer.figures["distance"])
        found[name] = {
            "distance": farthest.figures["distance"],
            "allowed": farthest.figures["allowed distance"],
            "reached": sum(answer.reached for answer in answers),
        }
    return found


def _costs() -> dict[str, list[float]]:
    """Learning rate → the cost before and after the descent with it, all from one start."""
    operation, kernel = load_operation("descend"), load("numpy", "descend")
    start, costs = None, {}
    for name, workload in zip(("safe", "crawl", "long"), DESCENTS.split(","), strict=True):
        made = catalog.inputs(catalog.named(workload))
        start = start or operation.fresh(made, np.random.default_rng(1))
        path = kernel.built(made.static)(*made.placed.values(), *start)
        costs[name] = [float(path.costs[0]), float(path.costs[-1])]
    return costs


def _result(kernel: Kernel, call: Any, made: Inputs, start: Any) -> list[np.ndarray]:
    backend = kernel.backend
    placed = [backend.asarray(part) for part in (*made.placed.values(), *start)]
    converted = to_numpy(backend, load_operation("fit").result(made), made.dtype, backend.wait(call(*placed)))
    assert not isinstance(converted, str), converted
    return converted


def _refusal(workload: str) -> str:
    """The line with which the workload is refused."""
    try:
        catalog.inputs(catalog.named(workload))
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{workload} is not refused")


TEXT = """# The lecture's statements, measured

Lecture notes on logistic regression go from one example to two for-loops, and make statements on the way. Here each
stands with a command to try it, and with what came out on `{machine}`. Times are from
{run}, made by `{timed}`. What needs no clock, distances, costs and the refusal, `python -m docs.lecture measure` has
computed ([lecture.json](lecture.json)). It also writes this page.

**A small loss means that ŷ is near y.** L = −[y log ŷ + (1 − y) log(1 − ŷ)], so for y = 1 it is −log ŷ:

| ŷ | 0.99 | 0.9 | 0.5 | 0.1 | 0.01 |
|---|--:|--:|--:|--:|--:|
| L | {losses} |

[graph.md](graph.md) sends one example through the graph and back.

**The cost J is the mean of the losses, and dw_j are accumulators over m examples.**
`python -m bench check loops --workloads lecture` compares two for-loops that add up losses and gradients with the
exact sums, on the data and on probes on which a missing example would show ([gate.md](gate.md)). The largest error is
{ulps} roundings of a sum's terms.

**J is convex, so that every start ends at one optimum.** With a penalty, F = J + λ/2 |w|² has exactly one
([fit.md](fit.md)). `pytest --benchmark --workloads fit:lecture,fit:breast-cancer` fits from new starts in every call.
From {starts} random starts, each solver reached it every time. `distance` is the farthest answer from it. `allowed`
is how far an answer with that solver's remaining gradient can be, by the smallest eigenvalue of the Hessian:

{distances}

**α is the length of a step: too small crawls, too large diverges, 1/L is safe.** L is here not the loss, but a bound
on the curvature of J ([descent.md](descent.md)). A hundred steps on `descend:lecture`, all from one start with J =
{before}, end at:

| α | J |
|---|--:|
| {crawling}, a hundredth of 1/L | {crawled} |
| {safe_rate}, which is 1/L | {safe} |
| {long}, nearly 2/L | {far} |
| (the optimum) | {least} |

α = {diverging} is refused before anything is timed: "{refused}".

    pytest --benchmark --workloads {descents}

**For-loops are slow; vectorise.** One gradient of 1,000 examples with two features
(`pytest --benchmark --workloads lecture`):

{speeds}

**The speed of an iteration decides how productive people are.** Fits of `fit:lecture` in an hour, if nothing else
took time:

{productivity}

A gradient of `numba` is {gradients} times as fast as one of `loops`, but its fit only {fits} times: with so few
examples most of a fit is SciPy's L-BFGS, in Python. `numba-newton` compiles that part too.
"""


def page(figures: dict[str, Any], results: Results) -> str:
    """The text of docs/lecture.md."""
    records = {(record.workload, record.kernel): record for record in results.records}
    loops, costs = records["lecture", "loops"], figures["costs"]
    race = next(race for race in results.races if race["workload"] == "descend:lecture")
    unpenalised = catalog.inputs(catalog.named("fit:lecture@penalty=0"))
    assert loops.error, "loops was checked"
    return TEXT.format(
        machine=figures["machine"],
        run=f"[{Path(figures['run']).name}](../{figures['run']})",
        losses=" | ".join(f"{-log(a):.3f}" for a in (0.99, 0.9, 0.5, 0.1, 0.01)),
        ulps=format_significant(loops.error.figures["ulps"]),
        distances=_distance_table(figures["distances"]),
        safe_rate=format_significant(race["details"]["learning_rate"]),
        before=f"{costs['safe'][0]:.4f}",
        safe=f"{costs['safe'][-1]:.4f}",
        crawled=f"{costs['crawl'][-1]:.4f}",
        far=f"{costs['long'][-1]:.4f}",
        least=f"{optimum_of(unpenalised).cost:.4f}",
        crawling=CRAWLING,
        long=LONG,
        diverging=DIVERGING,
        refused=figures["refused"],
        speeds=_speed_table([records["lecture", name] for name in KERNELS]),
        productivity=_productivity_table([records["fit:lecture", name] for name in FITS]),
        timed=TIMED,
        starts=STARTS,
        gradients=_times_as_fast(records, "lecture"),
        fits=_times_as_fast(records, "fit:lecture"),
        descents=DESCENTS,
    )


def _times_as_fast(records: dict[tuple[str, str], Record], workload: str) -> str:
    """`numba` over `loops`."""
    loops, numba = (records[workload, name].seconds for name in ("loops", "numba"))
    assert loops
    assert numba
    return format_significant(loops.estimate / numba.estimate)


def _distance_table(distances: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [f"| kernel | {' | '.join(f'`{workload}`: distance | allowed' for workload in distances)} |"]
    lines.append(f"|---|{'--:|--:|' * len(distances)}")
    for name in FITS:
        cells = [f"{of[name]['distance']:.1e} | {of[name]['allowed']:.1e}" for of in distances.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _speed_table(records: list[Record]) -> str:
    lines = ["| kernel | time of a gradient | times as fast as `loops` |", "|---|--:|--:|"]
    for record in records:
        assert record.seconds
        assert record.speedup
        ratio = "1" if record.kernel == "loops" else format_interval(record.speedup)
        lines.append(f"| `{record.kernel}` | {duration(record.seconds.estimate)} | {ratio} |")
    return "\n".join(lines)


def _productivity_table(records: list[Record]) -> str:
    lines = ["| solver | time of a fit | fits an hour |", "|---|--:|--:|"]
    for record in records:
        assert record.seconds
        seconds = record.seconds.estimate
        lines.append(f"| `{record.kernel}` | {duration(seconds)} | {format_count(3600 / seconds)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Measure what needs no clock, or write the page."""
    if arguments[:1] == ["measure"] and len(arguments) == 2:
        measure(Path(arguments[1]))
    elif arguments:
        sys.exit("expected nothing, or: measure results/<machine>/<run>.json")
    figures = json.loads(FIGURES.read_text())
    PAGE.write_text(page(figures, run_file.read(CHECKOUT / figures["run"])))


if __name__ == "__main__":
    main(sys.argv[1:])
