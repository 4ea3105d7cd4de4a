"""An operation that the project does not have, to show that nothing but its own file knows an operation.

    from z_0 on, z ← cos(Az) + d, until |cos(Az) + d − z| ≤ 10^−digits, at most `limit` times

A is X, scaled so that the iteration contracts. Unlike a gradient it has a static description that is a tuple, fresh
arguments of two shapes in a nest, a result whose length depends on the numbers, results that do not get where they
should, and no ceiling. Its two kernels are the iteration itself, and Newton's method, which needs fewer iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.host import machine
from bench.host.checkout import CHECKOUT
from bench.report import terminal
from bench.results import run_file
from bench.results.record import Record, Results
from bench.results.samples import Candidate
from bench.runner.session import Session
from bench.runner.settings import Settings
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from kernels import Inputs, Judgement, Kernel, Operation
from kernels.backends import NUMPY
from kernels.contract import Call, Fresh, Judge, Option, Part, Probe

_CONTRACTION = 0.5
"""The spectral norm of A: since |cos'| ≤ 1, an iteration halves the distance to the only fixed point."""


def _inputs(X: np.ndarray, _y: np.ndarray, options: Mapping[str, Any]) -> Inputs:
    return Inputs({"A": X * X.dtype.type(_CONTRACTION / np.linalg.norm(X, 2))}, _static(options))


def _static(options: Mapping[str, Any]) -> tuple[int, int]:
    if options["limit"] < 1:
        raise ValueError(f"limit is {options['limit']}; expected 1 or more")
    return int(options["limit"]), int(options["digits"])


def _fresh(inputs: Inputs, rng: np.random.Generator) -> Fresh:
    A = inputs.placed["A"]
    return rng.standard_normal(len(A)).astype(A.dtype), (A.dtype.type(rng.standard_normal()),)


def _judge(inputs: Inputs, fresh: Fresh, _quick: bool) -> Judge:
    A, (_, (d,)), (limit, digits) = inputs.placed["A"], fresh, inputs.static
    fixed = np.zeros(len(A))
    for _ in range(100):
        fixed = np.cos(A @ fixed) + d

    def judge(result: Sequence[np.ndarray]) -> Judgement:
        residuals, z = result
        # a product of n terms, a cosine, a sum and a difference, for z up to 1 + |d|
        rounding = (len(A) + 8) * np.finfo(A.dtype).eps * (2 + abs(float(d)))
        residual = float(np.abs(np.cos(A @ z) + d - z).max())
        allowed = (residual + rounding) / (1 - _CONTRACTION) * np.sqrt(len(A))
        distance = float(np.abs(z - fixed).max())
        failure = (
            "" if 1 <= len(residuals) <= limit + 1 else f"{len(residuals)} residuals; expected {limit + 1} at most"
        )
        if not failure and not abs(float(residuals[-1]) - residual) <= rounding:
            failure = f"the last residual is {residual:.3g}, not {residuals[-1]:.3g}"
        if not failure and not distance <= allowed:
            failure = f"z is {distance:.3g} from the fixed point; expected {allowed:.3g} at most"
        figures = {"iterations": len(residuals) - 1.0, "residual": residual}
        reached = residual <= 10.0**-digits + rounding
        return Judgement(failure, distance / allowed, figures, reached, {"residual": residuals.tolist()})

    return judge


def _probes(inputs: Inputs) -> Sequence[Probe]:
    zero = Inputs({"A": np.zeros_like(inputs.placed["A"])}, inputs.static)
    fresh = np.ones(len(inputs.placed["A"])), (np.float64(0.25),)
    return [Probe("zero-matrix", zero, fresh, _judge(zero, fresh, False))]


COSINE = Operation(
    name="cosine",
    summary="the fixed point of a cosine",
    fields={"A": 0},
    inputs=_inputs,
    fresh=_fresh,
    result=lambda inputs: {"residuals": Part((None,)), "z": Part((len(inputs.placed["A"]),))},
    judge=_judge,
    probes=_probes,
    work=lambda _size, _static: None,
    static=_static,
    options={
        "limit": Option(60, int, "1 or more", "most iterations"),
        "digits": Option(10, int, "1 or more", "digits"),
    },
    baselines=("tests.operations.test_cosine:ITERATION",),
    figures={"iterations": "how many it took", "residual": "of the equation"},
    texts={"curve": "residual"},
)


def _solver(improved: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Any], Call]:
    def build(static: tuple[int, int]) -> Call:
        limit, digits = static

        def solve(A: np.ndarray, z: np.ndarray, shift: tuple[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            residuals = []
            while True:
                f = np.cos(A @ z) + shift[0] - z
                residuals.append(np.abs(f).max())
                if residuals[-1] <= 10.0**-digits or len(residuals) > limit:
                    return np.array(residuals), z
                z = z + improved(A, z, f)

        return solve

    return build


def _newton(A: np.ndarray, z: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.linalg.solve(np.eye(len(A)) + np.sin(A @ z)[:, None] * A, f)


ITERATION = Kernel("iteration", NUMPY, "the iteration", 1, build=_solver(lambda _A, _z, f: f), operation="cosine")
NEWTON = Kernel("newton", NUMPY, "Newton's method", 2, build=_solver(_newton), operation="cosine")
_SHORT = _solver(lambda _A, _z, f: f)
LIAR = Kernel(
    "liar",
    NUMPY,
    "claims to be done",
    1,
    build=lambda static: lambda A, z, shift: (np.zeros(1), _SHORT(static)(A, z, shift)[1] + 1e-6),
    operation="cosine",
)
GRADIENT = Kernel("gradient", NUMPY, "of another operation", 1, lambda *_: None)


def workload(limit: int = 60) -> Workload:
    options = (("limit", limit), ("digits", 10))
    name = "cosine:24x24" if limit == 60 else f"cosine:24x24@limit={limit}"
    return replace(catalog.named("24x24"), name=name, operation=f"{__name__}:COSINE", options=options)


@cache
def results(limit: int = 60) -> Results:
    """A race of the two kernels, and of one that lies."""
    candidates = [Candidate(f"{__name__}:{name}", requested=True) for name in ("ITERATION", "NEWTON", "LIAR")]
    chosen = workload(limit)
    session = Session(candidates, [chosen], Settings(seconds=0.2, launches=2, ceilings=True))
    session.choose([(chosen.name, candidate.name) for candidate in candidates])
    session.run()
    return session.results()


def record(kernel: str, limit: int = 60) -> Record:
    return next(one for one in results(limit).records if one.kernel == f"test_cosine:{kernel}")


def test_it_is_checked_and_raced() -> None:
    iteration, newton = record("ITERATION"), record("NEWTON")
    assert (iteration.outcome, iteration.reason) == (newton.outcome, newton.reason) == ("ok", "")
    assert iteration.id == f"cosine/24x24/test_cosine:ITERATION/{iteration.threads}"
    assert iteration.operation == "cosine"
    assert iteration.reached
    assert newton.reached
    assert newton.speedup is not None
    assert newton.speedup.baseline == "test_cosine:ITERATION"
    assert newton.error is not None
    assert iteration.error is not None
    assert newton.error.figures["iterations"] < iteration.error.figures["iterations"]
    assert newton.cold.build_seconds is not None
    assert newton.work is newton.ceiling is newton.gigabytes_per_second is None
    assert len(newton.curves["residual"]) > 2


def test_what_is_wrong_is_found() -> None:
    liar = record("LIAR")
    assert liar.outcome == "wrong"
    assert "the last residual is" in liar.reason
    assert liar.seconds is None


def test_what_does_not_get_there_is_timed_and_in_no_ratio() -> None:
    iteration, newton = record("ITERATION", 5), record("NEWTON", 5)
    assert iteration.outcome == newton.outcome == "ok"
    assert (iteration.reached, newton.reached) == (False, True)
    assert iteration.seconds is not None
    assert newton.speedup is None  # its baseline did not get there
    assert iteration.speedup is None


def test_a_kernel_of_another_operation_is_refused() -> None:
    session = Session([Candidate(f"{__name__}:GRADIENT", requested=True)], [workload()], Settings(seconds=0))
    session.choose([(workload().name, "test_cosine:GRADIENT")], baselines=False)
    session.run()
    (refused,) = session.results().records
    assert refused.outcome == "raised"
    assert "is a kernel of the operation 'gradient'; expected one of 'cosine'" in refused.reason


@pytest.mark.parametrize("limit", [60, 5])
def test_it_is_recorded_and_read_again(limit: int, tmp_path: Path) -> None:
    document = {"logitbench": results(limit).as_json()}
    read = run_file.read(run_file.write(tmp_path / "run.json", document))
    assert [one.kernel for one in read.records] == [one.kernel for one in results(limit).records]
    assert read.operations["cosine"]["figures"]["iterations"] == "how many it took"
    assert read.records[1].reached is results(limit).records[1].reached
    assert read.machine["id"] == machine.identity()


@pytest.mark.parametrize("width", [80, 120])
def test_it_is_in_the_table(width: int) -> None:
    out = StringIO()
    terminal.summary(Console(file=out, width=width), results())
    text = out.getvalue()
    assert "cosine:24x24: 24 × 24 float64 C" in text
    assert "iterations" in text
    assert "how many it took" in text
    assert "of ceiling" not in text
    assert "GB/s" not in text
    assert "test_cosine:NEWTON" in text
    out = StringIO()
    terminal.summary(Console(file=out, width=width), results(5))
    assert "test_cosine:ITERATION" in out.getvalue()
    assert "speedup is not" in " ".join(out.getvalue().split())


def test_it_is_on_the_page() -> None:
    pytest.importorskip("altair", reason="Altair is not installed: pip install '.[report]'")
    from bench.report.page.run_page import run_page, sections

    page = run_page(results())
    assert "cosine:24x24" in page
    assert "test_cosine:NEWTON" in page
    curves = next(section for section in sections(results()) if section.name == "curves")
    assert "residual" in curves.heading.lower()
    assert {row["kernel"] for row in curves.rows} == {"test_cosine:ITERATION", "test_cosine:NEWTON"}


def test_nothing_else_mentions_it() -> None:
    for folder in ("bench", "kernels"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            assert "cosine" not in path.read_text().lower().replace("cosines of the indices", ""), path
