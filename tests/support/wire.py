"""Messages as the other end of a connection decodes them, without a connection."""

from __future__ import annotations

from typing import Any

from bench.worker.frames import Frames, encode


def received(message: dict[str, Any]) -> dict[str, Any]:
    """The message after its way through a frame: tuples are lists, arrays are packed."""
    frames = Frames()
    frames.feed(encode(message))
    decoded = frames.next()
    assert decoded is not None
    return decoded
