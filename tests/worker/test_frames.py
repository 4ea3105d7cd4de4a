"""Frames on the socket: any messages in any pieces, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.worker.frames import Frames, ProtocolError, array, encode


def test_messages_in_pieces_of_any_size() -> None:
    messages: list[dict[str, Any]] = [{"a": 1}, {"w": np.arange(3, dtype=np.float32), "text": "σ"}]
    stream = b"".join(map(encode, messages))
    for size in (1, 7, len(stream)):
        frames, received = Frames(), []
        for start in range(0, len(stream), size):
            frames.feed(stream[start : start + size])
            while (message := frames.next()) is not None:
                received.append(message)
        assert received[0] == messages[0]
        np.testing.assert_array_equal(array(received[1]["w"]), messages[1]["w"])


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02no", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x04\xff\xfe\xfd\xfc"]
)
def test_invalid_frames(data: bytes) -> None:
    frames = Frames()
    frames.feed(data)
    with pytest.raises(ProtocolError):
        frames.next()


@pytest.mark.parametrize(
    "packed",
    [
        1,
        "a",
        {},
        {"dtype": "object"},
        {"dtype": "float64", "shape": [2], "bytes": "AAAA"},
        {"dtype": "float64", "shape": 1},
    ],
)
def test_invalid_arrays(packed: Any) -> None:
    with pytest.raises(ProtocolError):
        array(packed)
