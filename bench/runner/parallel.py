"""Several workers at work at once, each taken through steps of its own: starting and checking, never timing."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from bench.worker.messages import Request, Response, WorkerFailed
from bench.worker.process import WorkerProcess, as_completed

Result = TypeVar("Result")


def run_concurrently(
    scripts: dict[WorkerProcess, Generator[Request, Response, Result]], at_once: int
) -> dict[WorkerProcess, Result | WorkerFailed]:
    """Take each worker through its steps, so many workers at a time; what came of each."""
    results: dict[WorkerProcess, Result | WorkerFailed] = {}
    queue = list(scripts)
    working: set[WorkerProcess] = set()

    def go_on(process: WorkerProcess, reply: Response | None) -> None:
        try:
            step = next(scripts[process]) if reply is None else scripts[process].send(reply)
            process.send(step)
            working.add(process)
        except StopIteration as stop:
            results[process] = stop.value
        except WorkerFailed as ended:
            results[process] = ended

    while queue or working:
        while queue and len(working) < at_once:
            go_on(queue.pop(0), None)
        for process, reply in as_completed(list(working)):
            working.remove(process)
            if isinstance(reply, WorkerFailed):
                results[process] = reply
            else:
                go_on(process, reply)
            break  # another may begin
    return results
