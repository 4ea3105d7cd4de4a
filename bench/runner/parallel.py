"""Several workers at work at once, each taken through its own steps: for starting and checking, never for timing."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from bench.worker.messages import Request, Response, WorkerFailed
from bench.worker.process import WorkerProcess, as_completed

Result = TypeVar("Result")


def run_concurrently(
    scripts: dict[WorkerProcess, Generator[Request, Response, Result]], at_once: int
) -> dict[WorkerProcess, Result | WorkerFailed]:
    """Run each worker's script, at most `at_once` at a time; returns what it returns, or how its worker failed.

    A script yields a request for its worker and is sent the response.
    """
    results: dict[WorkerProcess, Result | WorkerFailed] = {}
    queue = list(scripts)
    working: set[WorkerProcess] = set()

    def advance(worker: WorkerProcess, response: Response | None) -> None:
        try:
            request = next(scripts[worker]) if response is None else scripts[worker].send(response)
            worker.send(request)
            working.add(worker)
        except StopIteration as stop:
            results[worker] = stop.value
        except WorkerFailed as failure:
            results[worker] = failure

    while queue or working:
        while queue and len(working) < at_once:
            advance(queue.pop(0), None)
        for worker, response in as_completed(list(working)):
            working.remove(worker)
            if isinstance(response, WorkerFailed):
                results[worker] = response
            else:
                advance(worker, response)
            break  # another worker may start now
    return results
