"""Whatever a worker claims within the types of its responses: the run goes on, and its file can be read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.analysis import next_launch, race as race_analysis
from bench.analysis.race import Race
from bench.analysis.race_json import race_json
from bench.host import procfs
from bench.results import run_file
from bench.results.journal import Journal
from bench.results.record import Results
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner import calibration, sweeps
from bench.runner.kernel_run import KernelRun
from bench.runner.plan import plan_launch
from bench.runner.prepare import prepare, verify_and_release
from bench.runner.quiet import SweepUsage
from bench.runner.sweeps import SweepSettings, checked_rounds, count_all_if_few, time_sweeps
from bench.worker.exit_status import OUTCOMES
from bench.worker.messages import LoadResponse, Request, Response, WorkerFailed, parse
from bench.workloads import catalog
from kernels import load
from kernels.nests import arrays_of
from tests.support.problems import TINY, inputs
from tests.support.races import samples
from tests.support.records import MACHINE, OPERATIONS
from tests.support.responses import MOST, RESPONSES, TEXTS, arrays, hostile
from tests.support.wire import received

LONGEST = 1e6
"""Seconds that every request takes: the longest timeout that a user can set."""
REQUESTS = [
    "load",
    "place",
    "compile",
    "call",
    "check",
    "calibrate",
    "warm_up",
    "round",
    "draw",
    "watched",
    "mirrored",
    "release",
]
FIELDS = sorted({name for response in RESPONSES for name in vars(response)})


class Claims:
    """Numbers and texts that are accepted: the extreme ones, and some of every magnitude."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)

    def amount(self, least: float = 0.0, most: float = MOST) -> float:
        rng = self.rng
        numbers = [least, most, 0, 1e-9, 1, 10 ** rng.uniform(-320, 16), rng.uniform(0, 1e-3), rng.randrange(2**48)]
        return min(max(rng.choice(numbers), least), most)

    def count(self) -> int:
        return self.rng.choice([0, 1, 2**48, self.rng.randrange(2**48)])

    def optional(self) -> float | None:
        return self.rng.choice([None, self.amount()])

    def boolean(self) -> bool:
        return self.rng.random() < 0.5

    def text(self) -> str:
        return self.rng.choice(TEXTS)

    def message(self, request: str) -> Response:
        """What a worker may claim in its response to the request, by the checks of the fields."""
        amount, count, optional, text, boolean = self.amount, self.count, self.optional, self.text, self.boolean
        messages: dict[str, Callable[[], Response]] = {
            "load": lambda: {
                "import_seconds": amount(), "backend": text(), "device": self.rng.choice(["cpu", text()]),
                "of": text(), "passes": optional(),
            },
            "place": lambda: {"placement_seconds": amount(), "huge_pages": self.rng.choice([None, True])},
            "compile": lambda: {
                "lower_seconds": optional(), "compile_seconds": optional(), "build_seconds": optional(),
                "from_cache": self.rng.choice([None, boolean()]), "compiles": boolean(),
            },
            "call": lambda: {"seconds": amount()},
            "calibrate": lambda: {
                "iterations": self.rng.randint(1, 3), "call_seconds": amount(0, 1e5),
                "placing_seconds": amount(0, 1e-3), "cores_used": amount(), "busy_threads": count(),
            },
            "warm_up": lambda: {"spin_seconds": amount(1e-7, 1e-3)},
            "round": lambda: {
                "seconds": amount(4e-9, LONGEST - 1), "result": "not used", "placing_seconds": amount(0, 1e-3),
                "copying_seconds": amount(), "result_wait_seconds": amount(),
                "cpu_seconds": amount(), "page_faults": count(), "switches": count(), "mutated": False,
            },
            "draw": lambda: {"placing_seconds": amount()},
            "watched": lambda: {"seconds": amount(0, LONGEST), "waited_seconds": optional()},
            "mirrored": lambda: {"seconds": amount(), "known_seconds": amount(), "result": "not used"},
            "release": lambda: {
                "compiled_again": self.rng.choice([None, count()]), "threads": count(), "peak_bytes": count(),
                "cores": [0] * self.rng.randint(0, 3),
                "pools": [{"library": text(), "threads": self.rng.choice([None, 0, 2**48])}],
            },
        }  # fmt: skip
        return messages[request]()


class Claiming:
    """A worker whose results are right and which claims what it likes. The race's clock moves with its requests."""

    pid = 1
    now = 0.0

    def __init__(self, seed: int, rubbish: dict[str, Response]) -> None:
        """rubbish: request → what it sends then, whatever that is"""
        self.claims, self.rubbish = Claims(seed), rubbish

    def suspend(self) -> None: ...

    def resume(self) -> None: ...

    def kill(self) -> None: ...

    def request(self, request: Request) -> Response:
        Claiming.now += LONGEST
        if request.name in self.rubbish:
            return self.rubbish[request.name]
        if request.name == "check":
            made = inputs(TINY)
            fields = [made.arrays[request.arguments["fields"].get(name, name)] for name in "Xy"]
            result = load("numpy").built(None)(*fields, *request.arguments["fresh"])
            return received({"result": [np.asarray(part) for part in result]})
        return self.claims.message(request.name)

    def through(self, steps: Generator[Request, Response, None]) -> None:
        """Answer all requests. Raises WorkerFailed."""
        response = None
        try:
            while True:
                response = self.request(next(steps) if response is None else steps.send(response))
        except StopIteration:
            return


class Disturbed:
    """A watch that takes any sweep for a disturbed one."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    def begin_sweep(self) -> None: ...

    def after_round(self, kernel: str) -> None: ...

    def end_sweep(self) -> SweepUsage | None:
        return self.claims.rng.choice([None, SweepUsage(0.0), SweepUsage(1.0)])

    def wait(self, seconds: float, busy: Callable[[str], None]) -> float:
        busy("compiler")
        return self.claims.amount(0.0, seconds)


def measured(worker: Claiming) -> KernelSamples:
    """The samples of one launch, as the race makes them of what the worker sends."""
    kernel_run, made, names = KernelRun(KernelSamples("ok"), form=inputs(TINY).form), inputs(TINY), {"a": "a"}
    failed: list[str] = []
    try:
        loaded = parse(LoadResponse, worker.request(Request("load", {})))
        kernel = {key: getattr(loaded, key) for key in ("backend", "device", "passes", "of")}
        cold = {"import_seconds": loaded.import_seconds}
        kernel_run.samples = replace(kernel_run.samples, kernel=kernel, cold=cold)
        worker.through(prepare(kernel_run, made, probes=(), timed=True))
        runs, workers = {"a": kernel_run}, {"a": worker}
        calibration.calibrate_all(runs, workers, {}, names, failed.append, reading=float(worker.claims.boolean()))
        if not failed:
            planned = plan_launch(runs, "a", 1.0, {}, Random(1))
            settings, watch = SweepSettings(2, [0, 1]), Disturbed(worker.claims)
            time_sweeps(runs, workers, planned, settings, Random(1), watch, failed.append)
        if not failed:
            calibration.watch_clocks(runs, workers, 1000, failed.append)
        if not failed:
            count_all_if_few(runs, planned)
            assert len(checked_rounds(runs, Random(1))["a"]) in (2, 3)
            worker.through(verify_and_release(kernel_run, made, []))
    except WorkerFailed as failure:
        kernel_run.fail(failure)
    return kernel_run.samples


def launches(claimed: list[KernelSamples]) -> list[LaunchResult]:
    """A launch for each, in which honest kernels run beside it."""
    return [
        LaunchResult(
            TINY, 2, number,
            {"numpy": of_worker, "loops": samples(1e-3), "loops-examples": samples(1e-3 * (1 + 1e-14 * number)),
             CONTROL.format("numpy"): of_worker, "(read-sum)": samples(1e-6)},
            control_of="numpy", data=inputs(TINY).digest,
        )
        for number, of_worker in enumerate(claimed)
    ]  # fmt: skip


def read_again(launch_results: list[LaunchResult], folder: Path) -> Results:
    """The results after their way through a journal and a file."""
    journaled = Journal.create(folder / "run.journal", {"plan": 1})
    for launch_result in launch_results:
        journaled.append(launch_result)
    journaled.close()
    taken, _, resumed = Journal.take_over(folder / "run.journal")
    taken.close()
    candidates = tuple(Candidate(name) for name in ("numpy", "loops", "loops-examples"))
    race = Race(catalog.named(TINY), 2, tuple(resumed), candidates)
    race_analysis.is_precise_enough(race)
    next_launch.choose_control(resumed)
    made = race_json(race, race_analysis.untrusted_races([race]))
    results = Results({"began": "2026-01-02T03:04:05+00:00"}, MACHINE, (made,), race.records, OPERATIONS)
    return run_file.read(run_file.write(folder / "run.json", {"logitbench": results.as_json()}))


@pytest.fixture(scope="module", autouse=True)
def clock() -> Generator[None, None, None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (calibration, sweeps):
            patch.setattr(module, "perf_counter", lambda: Claiming.now)
        patch.setattr(procfs, "waited", lambda _thread: Claiming.now)
        yield


seeds = st.integers(0, 2**64)


@given(st.lists(seeds, min_size=1, max_size=2))
def test_what_is_accepted_can_be_stored_and_read_again(launch_seeds: list[int]) -> None:
    claimed = [measured(Claiming(seed, {})) for seed in launch_seeds]
    for of_worker in claimed:
        assert of_worker.outcome == "ok" or of_worker.reason.startswith(("clock: ", "placed: ", "at-once: "))
    with TemporaryDirectory() as folder:
        results = read_again(launches(claimed), Path(folder))
    by_kernel = {record.kernel: record for record in results.records}
    assert by_kernel["loops"].outcome == "ok"
    failed = next((one for one in claimed if one.outcome != "ok"), None)
    assert by_kernel["numpy"].outcome == (failed.outcome if failed else "ok")
    assert (by_kernel["numpy"].seconds is None) is bool(failed)


@given(seeds, st.sampled_from(REQUESTS), st.sampled_from(FIELDS), hostile | st.lists(arrays), st.booleans())
def test_rubbish_after_any_request_is_an_outcome(
    seed: int, request: str, field: str, value: Any, otherwise_right: bool
) -> None:
    message = Claims(seed).message(request) if otherwise_right and request != "check" else {}
    of_worker = measured(Claiming(seed, {request: message | {field: value}}))
    assert of_worker.outcome in ("ok", "crashed", "wrong", *OUTCOMES)
    if of_worker.outcome == "crashed":
        assert of_worker.reason.startswith("it sent ")
    json.dumps(asdict(of_worker), allow_nan=False)
    with TemporaryDirectory() as folder:
        by_kernel = {one.kernel: one for one in read_again(launches([of_worker]), Path(folder)).records}
    assert by_kernel["loops"].outcome == "ok"
    assert by_kernel["numpy"].outcome == of_worker.outcome


numbers = st.sampled_from([0.0, 5e-324, 1e-300, 1.0, -1e308, 1.7e308, float("nan"), float("inf")]) | st.floats()


@pytest.mark.parametrize("workload", [TINY, f"{TINY}-f32", f"descend:{TINY}@steps=3", f"descend:{TINY}-f32@steps=3"])
@given(st.data())
def test_any_numbers_are_judged(workload: str, data: st.DataObject) -> None:
    """In a result of the right form, with the right start where it has one."""
    made, rng = inputs(workload), np.random.default_rng(0)
    case = data.draw(st.sampled_from([made.data, *made.probes, made.unseen]))
    start = {part.shape: part for part in map(np.asarray, arrays_of(case.fresh))}
    result = []
    for part in made.form.parts.values():
        shape = tuple(length or 1 for length in part.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            factors = rng.standard_normal(shape) if data.draw(st.booleans()) else 1.0
            array = (np.full(shape, data.draw(numbers)) * factors).astype(made.form.dtype)
        if part.by_step and data.draw(st.booleans()):
            array[0] = start.get(shape[1:], 0.5)
        result.append(array)
    checked = case.judge(made.form.require(result))
    assert checked.failure
    json.dumps(asdict(checked), allow_nan=False)
