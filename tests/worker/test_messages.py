"""Responses of a worker: what it sends arrives, and a field of another type ends the kernel, not the race."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from bench.worker import messages
from bench.worker.messages import (
    CalibrateResponse,
    CallResponse,
    CheckResponse,
    CompileResponse,
    InspectResponse,
    LoadResponse,
    PlaceResponse,
    ReleaseResponse,
    RoundResponse,
    WorkerFailed,
    parse,
)
from tests.support.wire import received

LOADED = LoadResponse(0.5, "numpy", "cpu", 2, "numpy")
RELEASED = ReleaseResponse(None, [{"library": "openblas", "threads": 2}], 3.0, [0, 1], None, 1e-6)
RESPONSES = [
    InspectResponse("descend"),
    LOADED,
    PlaceResponse(0.1, None),
    CompileResponse(0.25, 1.5, True, 0.125, True),
    CompileResponse(),
    CallResponse(1e-3),
    CheckResponse("it returned a NoneType; expected (cost, dw, db)"),
    CalibrateResponse(7, 1e-3, 1e-6, 1.5, 2.0),
    RoundResponse(0.01, "form", None, 1e-6, 1e-6, 2e-5, 0.01, 0.0, 3.0, False),
    RELEASED,
]


@pytest.mark.parametrize("response", RESPONSES, ids=lambda response: type(response).__name__)
def test_a_response_arrives_as_it_was_sent(response: Any) -> None:
    assert parse(type(response), received(vars(response))) == response


def test_every_response_is_tested() -> None:
    types = {value for name, value in vars(messages).items() if name.endswith("Response") and isinstance(value, type)}
    assert types - {dict} == {type(response) for response in RESPONSES}


def test_passes_is_stored_as_the_kernel_gives_it() -> None:
    assert isinstance(parse(LoadResponse, received(vars(LOADED))).passes, int)


def test_a_result_arrives_as_arrays() -> None:
    sent = [np.array(0.5), np.array([1.0, -2.0]), np.array(3, np.float32)]
    result = parse(CheckResponse, received(vars(CheckResponse(sent)))).result
    assert isinstance(result, list)
    for part, expected in zip(result, sent, strict=True):
        np.testing.assert_array_equal(part, expected)
        assert part.dtype == expected.dtype


@pytest.mark.parametrize(
    ("response", "field", "value", "reason"),
    [
        (LOADED, "import_seconds", "fast", "no number"),
        (LOADED, "import_seconds", None, "no number"),
        (LOADED, "import_seconds", float("nan"), "no number"),
        (LOADED, "import_seconds", float("-inf"), "no number"),
        (LOADED, "import_seconds", 10**400, "no number"),
        (LOADED, "import_seconds", [1.0], "no number"),
        (LOADED, "passes", float("inf"), "no number"),
        (LOADED, "backend", 3, "no text"),
        (InspectResponse(""), "operation", 1, "no text"),
        (LOADED, "of", None, "no text"),
        (PlaceResponse(0.1, None), "huge_pages", "yes", "no boolean"),
        (CompileResponse(), "lower_seconds", {}, "no number"),
        (CompileResponse(), "from_cache", "yes", "no boolean"),
        (CompileResponse(), "build_seconds", "long", "no number"),
        (CompileResponse(), "compiles", 1, "no boolean"),
        (RELEASED, "pools", None, "no list"),
        (RELEASED, "pools", ["openblas"], "no object"),
        (RELEASED, "cores", [0, "1"], "no number"),
        (RELEASED, "cores", "01", "no list"),
        (CheckResponse(""), "result", None, "no list"),
        (CheckResponse(""), "result", [1.0], "no array"),
        (CheckResponse(""), "result", [{"dtype": "object"}], "an array of 'object'"),
    ],
)
def test_a_field_of_another_type(response: Any, field: str, value: Any, reason: str) -> None:
    message = json.loads(json.dumps(vars(response) | {field: value}))
    with pytest.raises(WorkerFailed) as failed:
        parse(type(response), message)
    assert (failed.value.outcome, failed.value.reason) == ("crashed", f"it sent {reason} for {field}")


@pytest.mark.parametrize("response", RESPONSES, ids=lambda response: type(response).__name__)
def test_a_missing_field(response: Any) -> None:
    for field in fields(response):
        message = received(vars(response))
        del message[field.name]
        if str(field.type).endswith("| None"):
            assert getattr(parse(type(response), message), field.name) is None
        else:
            with pytest.raises(WorkerFailed, match=f"for {field.name}"):
                parse(type(response), message)
