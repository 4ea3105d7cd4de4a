"""Kernels that make their worker send rubbish, each in its own way."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bench.worker.frames import encode
from kernels import Kernel
from kernels.backends import NUMPY
from kernels.gradient.numpy_vectorized import gradient as correct

huge_passes = Kernel("huge-passes", NUMPY, "", 10**400, correct)
nameless_backend = Kernel("nameless", replace(NUMPY, name=3), "", None, correct)  # type: ignore[arg-type]


def _send(frame: bytes) -> None:
    """Write to every open socket: one is the connection to the race."""
    for descriptor in range(3, 1024):
        with suppress(OSError), socket.socket(fileno=descriptor) as end:
            end.sendall(frame)
            end.detach()


def _once(name: str, done: set[str] = set()) -> bool:  # noqa: B006 - the state of this module
    first = name not in done
    done.add(name)
    return first


def _changed(request: str, **changes: Any) -> None:
    """From now on, responses to the request have these values instead."""
    from bench.worker.worker import Worker

    original = getattr(Worker, request)
    setattr(Worker, request, lambda *given, **named: replace(original(*given, **named), **changes))


def cores_are_a_number(*arguments: Any) -> Any:
    if _once("cores"):
        _changed("release", cores=7)
    return correct(*arguments)


def pools_have_nan(*arguments: Any) -> Any:
    if _once("pools"):
        _changed("release", pools=[{"library": "mine", "threads": float("nan")}])
    return correct(*arguments)


def a_round_of_a_day(*arguments: Any) -> Any:
    if _once("day"):
        _changed("round", seconds=86_400.0)
    return correct(*arguments)


def answers_twice(*arguments: Any) -> Any:
    """The answer to the request, and another."""
    if _once("twice"):
        _send(2 * encode({"seconds": 1e-3}))
    return correct(*arguments)


def fails_with_a_list(*_: Any) -> Any:
    _send(encode({"outcome": "raised", "reason": ["why"] * 100_000}))
    time.sleep(60)  # the race ends it


def fails_at_length(*_: Any) -> Any:
    raise RuntimeError("\x1b[31m" + "no luck " * 10**6)
