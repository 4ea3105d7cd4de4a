"""Frames on the socket: any messages in any pieces, and nothing else."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.worker.frames import Frames, ProtocolError, array, encode
from tests.support import responses


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


def test_a_nest_that_is_too_deep_and_a_long_list_of_lists_are_no_messages() -> None:
    for body, reason in (
        (b'{"a":' + b"[" * 10**6, "not JSON"),
        (b'{"a":' * 10**5, "not JSON"),
        (b'{"a":' + b"1" * 10**6 + b"}", "not JSON"),
        (b'{"a":[' + b"[]," * 2**21 + b"[]]}", "more lists than a message has"),
    ):
        frames = Frames()
        frames.feed(struct.pack(">I", len(body)) + body)
        with pytest.raises(ProtocolError, match=reason):
            frames.next()


def test_a_frame_that_claims_to_be_long_is_refused_before_it_arrives() -> None:
    frames = Frames()
    frames.feed(struct.pack(">I", 2**26 + 1))
    with pytest.raises(ProtocolError, match="a frame of 67108865 bytes"):
        frames.next()


def test_bytes_after_a_message_are_pending() -> None:
    frames = Frames()
    frames.feed(encode({"a": 1}) + b"\x00")
    assert frames.next() == {"a": 1}
    assert frames.pending
    frames.feed(encode({"b": 2})[1:])
    assert frames.next() == {"b": 2}
    assert not frames.pending


bodies = st.binary(max_size=40) | st.builds(lambda value: json.dumps(value).encode(), responses.hostile)


@given(st.lists(bodies, max_size=3), st.binary(max_size=8), st.integers(1, 100))
def test_any_bytes_are_messages_or_an_error(sent: list[bytes], rest: bytes, size: int) -> None:
    stream, frames = b"".join(struct.pack(">I", len(body)) + body for body in sent) + rest, Frames()
    errors: list[str] = []
    for start in range(0, len(stream), size):
        frames.feed(stream[start : start + size])
        try:
            while not errors and (message := frames.next()) is not None:
                assert type(message) is dict
        except ProtocolError as error:
            errors.append(str(error))
    assert all(len(error) < 200 for error in errors)


@given(responses.arrays | responses.hostile)
def test_anything_is_an_array_or_an_error(packed: Any) -> None:
    try:
        received = array(packed)
    except ProtocolError as error:
        reason = str(error)
    else:
        reason = ""
        assert received.dtype in (np.float32, np.float64)
        assert list(received.shape) == packed["shape"]
    assert len(reason) < 200


@pytest.mark.parametrize(
    "packed",
    [
        1,
        "a",
        {},
        {"dtype": "object"},
        {"dtype": "float64", "shape": [2], "bytes": "AAAA"},
        {"dtype": "float64", "shape": 1},
        {"dtype": ["float64"], "shape": [1], "bytes": ""},
        {"dtype": "float64", "shape": [0, 10**400], "bytes": ""},
        {"dtype": "float64", "shape": [2**40] * 2, "bytes": ""},
        {"dtype": "float64", "shape": [1] * 100, "bytes": "AAAAAAAA8D8="},
        {"dtype": "float64", "shape": [True], "bytes": "AAAAAAAA8D8="},
        {"dtype": "float64", "shape": [-1], "bytes": "AAAAAAAA8D8="},
        {"dtype": "float64", "shape": [1], "bytes": ["AAAAAAAA8D8="]},
        {"dtype": "float64", "shape": [1], "bytes": "é"},
        {"dtype": "float64", "shape": [1]},
    ],
)
def test_invalid_arrays(packed: Any) -> None:
    with pytest.raises(ProtocolError):
        array(packed)
