"""Several workers at work at once, each taken through its own steps: for starting and checking, never for timing."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from bench.worker.messages import Request, Response, WorkerFailed
from bench.worker.process import WorkerProcess, as_completed

Result = TypeVar("Result")


def run_concurrently(
    request_generators: dict[WorkerProcess, Generator[Request, Response, Result]], at_once: int
) -> dict[WorkerProcess, Result | WorkerFailed]:
    """Run each worker's generator, at most `at_once` at a time; returns what it returns, or how its worker failed.

    A generator yields a request for its worker and is sent the response.
    """
    results: dict[WorkerProcess, Result | WorkerFailed] = {}
    queue = list(request_generators)
    working: set[WorkerProcess] = set()

    def advance(worker: WorkerProcess, response: Response | None) -> None:
        try:
            generator = request_generators[worker]
            request = next(generator) if response is None else generator.send(response)
            worker.send(request)
            working.add(worker)
        except StopIteration as stop:
            results[worker] = stop.value
        except WorkerFailed as failure:
            results[worker] = failure

    while queue or working:
        while queue and len(working) < at_once:
            advance(queue.pop(0), None)
        if not working:  # the last workers of the queue ended at once
            break
        worker, response = next(as_completed(list(working)))
        working.remove(worker)
        if isinstance(response, WorkerFailed):
            results[worker] = response
        else:
            advance(worker, response)
    return results
