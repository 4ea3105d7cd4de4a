"""What the race and a worker say to each other: frames of JSON over a socket of their own.

JSON cannot carry code, so that whatever a kernel does to its worker, the race reads numbers and words and
executes nothing. Arrays travel as their bytes, and descriptors of shared memory beside the first frame.

    frame = length of the body (4 bytes, big-endian), body (UTF-8 JSON)
"""

from __future__ import annotations

import base64
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

WARMUP_SECONDS = 0.002
"""Of untimed calls before each round: what ran in between has cooled the caches. Woken after 10 ms, NumPy at 10000x32
took 772, 385, 255, 221 and 206 µs for its first calls, and 188 for the later ones."""
_LENGTH = struct.Struct(">I")
_LONGEST = 2**26
"""No honest message comes near: 64 MiB is a gradient of 6 million features."""
_DTYPES = {"float32", "float64"}


class ProtocolError(ValueError):
    """What arrived is no frame of ours."""


def encode(message: dict[str, Any]) -> bytes:
    """A frame. Arrays of float32 or float64 may stand anywhere in the message."""
    body = json.dumps(message, default=_packed).encode()
    return _LENGTH.pack(len(body)) + body


def _packed(value: object) -> dict[str, Any]:
    array = np.asarray(value)
    text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "bytes": text}


def array(packed: Any) -> np.ndarray:
    """The array that a message held. Raises Garbled."""
    if not isinstance(packed, dict):
        raise ProtocolError("an array that is none")
    if packed.get("dtype") not in _DTYPES:
        raise ProtocolError(f"an array of {packed.get('dtype')!r:.40}")
    try:
        flat = np.frombuffer(base64.b64decode(packed["bytes"], validate=True), packed["dtype"])
        return flat.reshape(packed["shape"])
    except (TypeError, ValueError, LookupError) as error:
        raise ProtocolError(f"an array that is none: {error}") from None


class Frames:
    """Collects what arrives, in whatever pieces, and gives back whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._buffer += data

    def next(self) -> dict[str, Any] | None:
        """The next whole message; None until there is one. Raises Garbled."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > _LONGEST:
            raise ProtocolError(f"a frame of {length} bytes")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise ProtocolError("a frame that is no JSON") from None
        if not isinstance(message, dict):
            raise ProtocolError("a frame that is no JSON object")
        return message


def send(end: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a whole frame. Raises OSError where nobody reads."""
    frame = memoryview(encode(message))
    sent = socket.send_fds(end, [frame], list(descriptors)) if descriptors else 0
    end.sendall(frame[sent:])


class Connection:
    """A worker's end: blocking, a message at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._frames = Frames()
        self._descriptors: list[int] = []

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next message and the descriptors that came with it. Raises EOFError at the end."""
        while (message := self._frames.next()) is None:
            data, descriptors, _, _ = socket.recv_fds(self._end, 2**16, 4)
            if not data:
                raise EOFError
            self._descriptors += descriptors
            self._frames.feed(data)
        descriptors, self._descriptors = self._descriptors, []
        return message, descriptors

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        send(self._end, message)


Response: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a worker is to do: the name of one of its methods, arguments, and a descriptor to go with them."""

    name: str
    arguments: dict[str, Any]
    descriptor: int | None = None


class WorkerFailed(Exception):  # noqa: N818 - an outcome, and not a mistake of ours
    """A worker came to an end, or its kernel to an outcome other than ok."""

    def __init__(self, outcome: str, reason: str, invalid: bool = False) -> None:
        super().__init__(outcome, reason)
        self.outcome, self.reason, self.invalid = outcome, reason, invalid
