"""How messages travel between the race and a worker: frames of JSON over a socket of their own.

JSON cannot carry code: whatever a kernel does to its worker, the race reads numbers and text and executes nothing.
Arrays travel as their bytes. Descriptors of shared memory travel beside the first bytes of a frame.

    frame = length of the body (4 bytes, big-endian), body (UTF-8 JSON)
"""

from __future__ import annotations

import base64
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

_LENGTH = struct.Struct(">I")
_MAX_BODY_BYTES = 2**26
"""64 MiB is a gradient of 6 million features; no honest message comes near."""
_MAX_COMMAS = 2**20
"""In a body: lists of lists need 20 times their bytes in memory. Arrays have none, and other lists are short."""
_DTYPES = ("float32", "float64")


class ProtocolError(ValueError):
    """The received bytes are not a valid frame or message."""


def encode(message: dict[str, Any]) -> bytes:
    """The message as a frame. It may contain arrays of float32 or float64 at any depth."""
    body = json.dumps(message, default=_packed).encode()
    return _LENGTH.pack(len(body)) + body


def _packed(value: object) -> dict[str, Any]:
    array = np.asarray(value)
    text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "bytes": text}


def array(packed: Any) -> np.ndarray:
    """The array that `encode` packed. Raises ProtocolError."""
    if not isinstance(packed, dict):
        raise ProtocolError("no array")
    dtype, shape = packed.get("dtype"), packed.get("shape")
    if dtype not in _DTYPES:
        # only a text is shown: a nest of lists may be too deep for repr
        raise ProtocolError(f"an array of {dtype!r:.40}" if isinstance(dtype, str) else "an array without a dtype")
    if not (isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape)):
        raise ProtocolError("an array without a shape")
    try:
        return np.frombuffer(base64.b64decode(packed["bytes"], validate=True), dtype).reshape(shape)
    except (TypeError, ValueError, LookupError) as error:
        raise ProtocolError(f"an invalid array ({str(error)[:80]})") from None


class Frames:
    """Collects received bytes, in pieces of any size, and returns whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    @property
    def pending(self) -> bool:
        """Whether there are bytes after the last message."""
        return bool(self._buffer)

    def next(self) -> dict[str, Any] | None:
        """The next whole message; None until it has arrived. Raises ProtocolError."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > _MAX_BODY_BYTES:
            raise ProtocolError(f"a frame of {length} bytes")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        if body.count(b",") > _MAX_COMMAS:
            raise ProtocolError("a frame with more lists than a message has")
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise ProtocolError("a frame that is not JSON") from None
        if not isinstance(message, dict):
            raise ProtocolError("a frame that is not a JSON object")
        return message


def send(end: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a whole frame. Raises OSError where the other end is closed."""
    frame = memoryview(encode(message))
    sent = socket.send_fds(end, [frame], list(descriptors)) if descriptors else 0
    end.sendall(frame[sent:])


class Connection:
    """A worker's end of the socket: blocking, one message at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._frames = Frames()
        self._descriptors: list[int] = []

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next message and the descriptors that came with it. Raises EOFError when the socket is closed."""
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
