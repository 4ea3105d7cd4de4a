"""Responses of a worker: what it sends arrives, and any other message ends the kernel, not the race."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.host.sanitize import printable
from bench.worker import messages
from bench.worker.exit_status import OUTCOMES
from bench.worker.messages import (
    CheckResponse,
    CompileResponse,
    FailureResponse,
    InspectResponse,
    LoadResponse,
    PlaceResponse,
    ReleaseResponse,
    WorkerFailed,
    parse,
    reported_failure,
)
from tests.support import responses
from tests.support.responses import MOST, RESPONSES, hostile, nested
from tests.support.wire import received

LOADED = next(response for response in RESPONSES if isinstance(response, LoadResponse))
RELEASED = next(response for response in RESPONSES if isinstance(response, ReleaseResponse))
FAILED = FailureResponse("raised", "why")
every_response = pytest.mark.parametrize("response", RESPONSES, ids=lambda response: type(response).__name__)


@every_response
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
        (LOADED, "import_seconds", True, "no number"),
        (LOADED, "import_seconds", float("nan"), "no number"),
        (LOADED, "import_seconds", float("-inf"), "no number"),
        (LOADED, "import_seconds", 10**400, "no number"),
        (LOADED, "import_seconds", [1.0], "no number"),
        (LOADED, "import_seconds", -0.5, "-0.5, which is not from 0 to 2^48,"),
        (LOADED, "import_seconds", 1e300, "1e+300, which is not from 0 to 2^48,"),
        (LOADED, "passes", float("inf"), "no number"),
        (LOADED, "passes", False, "no number"),
        (LOADED, "passes", 10**400, "no number"),
        (LOADED, "backend", 3, "no text"),
        (InspectResponse(""), "operation", 1, "no text"),
        (LOADED, "of", None, "no text"),
        (PlaceResponse(0.1, None), "huge_pages", "yes", "no boolean"),
        (CompileResponse(), "lower_seconds", {}, "no number"),
        (CompileResponse(), "from_cache", "yes", "no boolean"),
        (CompileResponse(), "build_seconds", "long", "no number"),
        (CompileResponse(), "compiles", 1, "no boolean"),
        (RELEASED, "pools", None, "no list"),
        (RELEASED, "pools", {}, "no list"),
        (RELEASED, "pools", ["openblas"], "no object"),
        (RELEASED, "pools", [{"library": 1}], "no text"),
        (RELEASED, "pools", [{"library": "openblas", "threads": float("nan")}], "no number"),
        (RELEASED, "pools", [{"library": "openblas", "threads": 0.5}], "0.5, which is no whole number,"),
        (RELEASED, "pools", [{"library": ""}] * 10_000, "a list of 10000"),
        (RELEASED, "cores", 7, "no list"),
        (RELEASED, "cores", [0, "1"], "no number"),
        (RELEASED, "cores", [True], "no number"),
        (RELEASED, "cores", "01", "no list"),
        (RELEASED, "cores", [10**6], "1000000, which is no core of this machine,"),
        (RELEASED, "peak_bytes", -1, "-1, which is not from 0 to 2^48,"),
        (CheckResponse(""), "result", None, "no list"),
        (CheckResponse(""), "result", [1.0], "no array"),
        (CheckResponse(""), "result", [{"dtype": "object"}], "an array of 'object'"),
        (CheckResponse(""), "result", [{"dtype": ["float64"]}], "an array without a dtype"),
        (CheckResponse(""), "result", [{"dtype": "float64", "shape": -1}], "an array without a shape"),
        (FAILED, "reason", ["why"], "no text"),
        (FAILED, "bad_spec", 1, "no boolean"),
    ],
)  # fmt: skip
def test_a_field_of_another_type(response: Any, field: str, value: Any, reason: str) -> None:
    message = json.loads(json.dumps(vars(response) | {field: value}))
    with pytest.raises(WorkerFailed) as failed:
        parse(type(response), message)
    assert (failed.value.outcome, failed.value.reason) == ("crashed", f"it sent {reason} for {field}")


@every_response
def test_a_missing_field(response: Any) -> None:
    for field in fields(response):
        message = received(vars(response))
        del message[field.name]
        if str(field.type).endswith("| None"):
            assert getattr(parse(type(response), message), field.name) is None
        else:
            with pytest.raises(WorkerFailed, match=f"for {field.name}"):
                parse(type(response), message)


def test_texts_are_printable_and_short() -> None:
    message = received(vars(LOADED)) | {"backend": "\x1b[31mnum\npy\ud800", "device": "c" * 10**6}
    loaded = parse(LoadResponse, message)
    assert (loaded.backend, loaded.device) == ("num py", "c" * 79 + "…")
    failure = reported_failure({"outcome": "raised", "reason": "no\x00luck " * 10**6})
    assert failure.reason.startswith("noluck noluck")
    assert len(failure.reason) == 500


@pytest.mark.parametrize("outcome", ["ok", "timeout", "", "\x1b[31mraised"])
def test_a_worker_cannot_decide_on_its_outcome(outcome: str) -> None:
    failure = reported_failure({"outcome": outcome, "reason": "why"})
    assert failure.outcome == ("raised" if outcome.endswith("raised") else "crashed")


@pytest.mark.parametrize("value", [None, 3, ["raised"], nested(400), {}, True])
def test_an_outcome_that_is_no_text(value: Any) -> None:
    failure = reported_failure({"outcome": value, "reason": "why"})
    assert (failure.outcome, failure.reason) == ("crashed", "it sent no text for outcome")


def require_typed(value: Any, hint: Any) -> None:
    """Fails unless the value is of the type and may be stored and shown."""
    if value is None:
        assert "None" in str(hint)
    elif isinstance(value, str):
        assert "str" in str(hint)
        assert printable(value) == value
        assert len(value) <= 500
    elif isinstance(value, bool):
        assert "bool" in str(hint)
    elif isinstance(value, (int, float)):
        assert ("float" if isinstance(value, float) else "int") in str(hint)
        assert 0 <= value <= MOST
    elif isinstance(value, list):
        for part in value:
            require_typed(part, "str int None" if isinstance(part, (str, int)) else hint)
    elif isinstance(value, dict):
        assert set(value) == {"library", "threads"}
        require_typed(value["library"], "str")
        require_typed(value["threads"], "int None")
    else:
        assert value.dtype in (np.float32, np.float64)


@given(st.data())
def test_any_message_is_a_response_with_its_types_or_a_failure_of_the_worker(data: st.DataObject) -> None:
    response: Any = data.draw(st.sampled_from(RESPONSES))
    message = data.draw(responses.messages(response) | st.dictionaries(responses.texts, hostile, max_size=4))
    failure: WorkerFailed | None = None
    try:
        parsed = parse(type(response), message)
    except WorkerFailed as failed:
        failure = failed
    if failure:
        assert failure.outcome == "crashed"
        assert failure.reason.rpartition(" for ")[2] in [field.name for field in fields(response)]
        assert printable(failure.reason) == failure.reason
        assert len(failure.reason) < 300
    else:
        assert type(parsed) is type(response)
        for name, hint in get_type_hints(type(parsed)).items():
            require_typed(getattr(parsed, name), hint)
        json.dumps({name: value for name, value in vars(parsed).items() if name != "result"}, allow_nan=False)


@given(responses.messages(FAILED))
def test_any_report_of_a_failure_has_an_outcome_and_a_line(message: dict[str, Any]) -> None:
    failure = reported_failure(message)
    assert failure.outcome in ("crashed", *OUTCOMES)
    assert printable(failure.reason) == failure.reason
    assert len(failure.reason) <= 500
    assert type(failure.bad_spec) is bool
