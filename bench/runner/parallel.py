"""Several workers at work at once, each taken through steps of its own: starting and checking, never timing."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from bench.worker.messages import Ended, Order, Reply
from bench.worker.process import Process, replies

Result = TypeVar("Result")


def run_concurrently(
    scripts: dict[Process, Generator[Order, Reply, Result]], at_once: int
) -> dict[Process, Result | Ended]:
    """Take each worker through its steps, so many workers at a time; what came of each."""
    results: dict[Process, Result | Ended] = {}
    queue = list(scripts)
    working: set[Process] = set()

    def go_on(process: Process, reply: Reply | None) -> None:
        try:
            step = next(scripts[process]) if reply is None else scripts[process].send(reply)
            process.send(step)
            working.add(process)
        except StopIteration as stop:
            results[process] = stop.value
        except Ended as ended:
            results[process] = ended

    while queue or working:
        while queue and len(working) < at_once:
            go_on(queue.pop(0), None)
        for process, reply in replies(list(working)):
            working.remove(process)
            if isinstance(reply, Ended):
                results[process] = reply
            else:
                go_on(process, reply)
            break  # another may begin
    return results
