"""Responses of a worker that may send anything: Hypothesis strategies."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from bench.worker.messages import (
    CalibrateResponse,
    CallResponse,
    CallsResponse,
    CheckResponse,
    CompileResponse,
    DrawResponse,
    FailureResponse,
    InspectResponse,
    LoadResponse,
    MirroredResponse,
    PlaceResponse,
    ReleaseResponse,
    RoundResponse,
    WarmUpResponse,
    WatchedResponse,
)

RESPONSES = [
    FailureResponse("raised", "RuntimeError: no luck", False),
    InspectResponse("descend"),
    LoadResponse(0.5, "numpy", "cpu", 2, "numpy"),
    PlaceResponse(0.1, None),
    CompileResponse(0.25, 1.5, True, 0.125, True),
    CompileResponse(),
    CallsResponse(0.01, 1e-3, 1e-5, 2e-5, 1e-3, 2e-3),
    CallResponse(1e-3),
    CheckResponse("it returned a NoneType; expected (cost, dw, db)"),
    CalibrateResponse(7, 1e-3, 1e-6, 1.5, 2),
    WarmUpResponse(2e-5),
    RoundResponse(0.01, "form", 1e-6, 1e-6, 1e-6, 0.01, 0, 3, False),
    DrawResponse(1e-6),
    WatchedResponse(0.01, None),
    MirroredResponse(0.01, 0.02, "norm is a list; expected one number"),
    ReleaseResponse(None, [{"library": "openblas", "threads": 2}], 3, [0, 1], None),
]
"""One or more of each type, as an honest worker sends it."""

MOST = 2.0**48
"""The largest number of a response."""


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


TEXTS = (
    "", "cpu", "\x1b]0;title\x07\x1b[31m", "\ud800", "a\nb\r\tc\x00", "\u202egnp", "x" * 100_000, "\u200b" * 10_000,
    "é" * 90,
)  # fmt: skip
"""With surrogates, control characters and escape sequences; and too long for a table."""
texts = st.text(st.characters()) | st.sampled_from(TEXTS)
amounts = st.one_of(
    st.sampled_from([0, 0.0, 5e-324, 1e-9, 1, MOST, 2**48]), st.floats(0, MOST), st.integers(0, 2**48)
)
"""Every number that is accepted."""
arrays = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(
            ["float32", "float64", "object", "O", "|S8", ">f8", "float16", None, [], {}, nested(400)]
        ),
        "shape": st.lists(st.integers(-3, 3) | st.sampled_from([2**31, 2**62, 2**63, 10**400, True, 0.5, None]))
        | st.sampled_from([None, 3, "ab", {}, [1] * 100, [0, 2**63], [2**40] * 4]),
        "bytes": st.sampled_from(
            ["", "AAAA", "AAAAAAAA8D8=", "=", "é", "\ud800", 3, None, [], {}, True, nested(400)]
        ),
    }
)
hostile = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        texts,
        amounts,
        arrays,
        st.sampled_from([10**400, -(10**400), 2**64, -1, -1e-300, 1e300, nested(400), {"a": nested(400)}]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value, and what Python's JSON has beside it."""


def messages(response: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Messages with the fields of a response, of which any is hostile or missing, and with other fields."""
    honest = json.loads(json.dumps(vars(response)))
    names = [field.name for field in fields(response)]
    changes = st.dictionaries(st.sampled_from(names), hostile, max_size=len(names))
    missing = st.sets(st.sampled_from(names), max_size=1)
    return st.builds(
        lambda change, less, more: {k: v for k, v in (more | honest | change).items() if k not in less},
        changes,
        missing,
        st.dictionaries(texts, hostile, max_size=1),
    )
