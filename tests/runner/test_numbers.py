"""Numbers that a user gives: each option refuses what is no number for it, in one line that names the option."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench import __main__ as command
from bench.commands import exit_codes
from bench.plugin.assertions import baseline_run
from bench.plugin.benchmarks import Benchmarks
from bench.race import race
from bench.runner import numbers
from bench.workloads import catalog
from kernels.number_text import decimal_number, whole_number
from tests.support.options import session_for

NO_NUMBERS = (
    "", " ", "five", "²", "٣", "१", "1_000", " 5", "5 ", "5\n", "+5", "--5", "0x10", "1e", "e3", ".", "-", "inf",
    "-inf", "nan", "1e999", "-1e999", "9" * 5000, "1/2", "\x1b[31m1", "\x00", "\udcff",
)  # fmt: skip
NO_WHOLE_NUMBERS = (*NO_NUMBERS, "1.5", "1.", "1e3")
SEPARATED = tuple(text for text in NO_WHOLE_NUMBERS if text == text.strip())


def error_of(call: Callable[[str], object]) -> Callable[[str], str]:
    """The message of the error that the call raises for a text."""

    def error(text: str) -> str:
        with pytest.raises((ValueError, pytest.UsageError)) as caught:
            call(text)
        return str(caught.value)

    return error


def exit_of(*arguments: str) -> Callable[[str], str]:
    """What the command prints for a text as the value of its last argument."""

    def error(text: str) -> str:
        with redirect_stderr(StringIO()) as printed:
            assert command.main([*arguments[:-1], f"{arguments[-1]}={text}"]) == exit_codes.USAGE
        return printed.getvalue().removesuffix("\n")

    return error


def descent(**options: str) -> object:
    return session_for(workloads="descend:lecture", kernels="numpy", **options)


OPTIONS: dict[str, tuple[tuple[str, ...], Callable[[str], str]]] = {
    "--launches": (NO_WHOLE_NUMBERS, error_of(lambda text: session_for(launches=text))),
    "--timeout": (NO_NUMBERS, error_of(lambda text: session_for(timeout=text))),
    "--threads": (SEPARATED, error_of(lambda text: session_for(threads=text))),
    "steps": (NO_WHOLE_NUMBERS, error_of(lambda text: descent(steps=text))),
    "learning_rate": (NO_NUMBERS, error_of(lambda text: descent(learning_rate=text))),
    "steps of a name": (NO_WHOLE_NUMBERS, error_of(lambda text: catalog.named(f"descend:10x2@steps={text}"))),
    "--fail-if-slower RUN.json": (
        NO_NUMBERS,
        error_of(lambda text: baseline_run(f"run.json:{text}", cast(Benchmarks, None))),
    ),
    **{
        f"{name} of {' '.join(given)}": (texts, exit_of(*given, name))
        for given, name, texts in (
            (("race", "HEAD"), "--threads", NO_WHOLE_NUMBERS),
            (("race", "HEAD"), "--launches", NO_WHOLE_NUMBERS),
            (("race", "HEAD"), "--minutes", NO_NUMBERS),
            (("race", "HEAD"), "--fail-if-slower", NO_NUMBERS),
            (("selftest",), "--threads", NO_WHOLE_NUMBERS),
            (("selftest",), "--minutes", NO_NUMBERS),
        )
    },
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_text_that_is_no_number_is_refused_in_one_line(option: str) -> None:
    texts, error = OPTIONS[option]
    for text in texts:
        message = error(text)
        assert option.partition(" of ")[0] in message, text
        assert "; expected a" in message, text
        assert message.isprintable(), text
        assert len(message) < 200, text


def test_what_is_no_number_is_not_read() -> None:
    for read, texts in ((whole_number, NO_WHOLE_NUMBERS), (decimal_number, NO_NUMBERS)):
        for text in texts:
            with pytest.raises(ValueError, match="^no (whole )?number$"):
                read(text)


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("--launches", "0", "a whole number from 1 to 10,000"),
        ("--launches", "999999999999", "a whole number from 1 to 10,000"),
        ("--timeout", "0", "a number above 0, at most 1,000,000"),
        ("--timeout", "1e10", "a number above 0, at most 1,000,000"),
        ("--threads", "1,99", "a whole number from 1 to "),
        ("--minutes of selftest", "0", "a number above 0"),
        ("--threads of selftest", "99999", "a whole number from 1 to "),
        ("--minutes of race HEAD", "-1", "a number above 0"),
        ("--launches of race HEAD", "1", "a whole number from 2 to 10,000: one has no interval"),
    ],
)
def test_a_number_out_of_range_is_refused(option: str, text: str, expected: str) -> None:
    assert f"; expected {expected}" in OPTIONS[option][1](text)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read(whole: int, number: float) -> None:
    assert whole_number(str(whole)) == whole
    assert decimal_number(repr(number)) == number
    assert decimal_number(f"{number:g}") == float(f"{number:g}")


@given(st.text("0123456789.eE+-_ ²٣inf", max_size=8))
def test_no_text_is_read_as_another_number_than_it_looks_like(text: str) -> None:
    for read, python in ((whole_number, int), (decimal_number, float)):
        try:
            value = read(text)
        except ValueError:
            continue
        assert text.isascii()
        assert math.isfinite(value)
        assert value == python(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"launches": -1}, "launches is -1; expected a whole number from 1 to 10,000"),
        ({"launches": 0}, "launches is 0; expected a whole number"),
        ({"launches": 2.5}, "launches is 2.5; expected a whole number"),
        ({"launches": True}, "launches is True; expected a whole number"),
        ({"launches": "3"}, "launches is '3'; expected a whole number"),
        ({"seconds": math.nan}, "seconds is nan; expected a number from 0 to 100,000"),
        ({"seconds": math.inf}, "seconds is inf; expected a number from 0 to 100,000"),
        ({"seconds": -1}, "seconds is -1; expected a number from 0 to 100,000"),
        ({"seconds": None}, "seconds is None; expected a number from 0 to 100,000"),
        ({"threads": 0}, "threads is 0; expected a whole number from 1 to "),
        ({"threads": 99_999}, "threads is 99999; expected a whole number from 1 to "),
        ({"timeout": 0}, "timeout is 0; expected a number above 0"),
        ({"timeout": math.nan}, "timeout is nan; expected a number above 0"),
        ({"kernels": []}, "kernels is []; expected a list with at least one name"),
        ({"kernels": "numpy"}, "kernels is 'numpy'; expected a list with at least one name"),
        ({"workload": "1000000x1000000000"}, "1000000x1000000000-f64 needs about "),
    ],
)
def test_a_program_gets_the_same_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message.replace('[', '.').replace(']', '.')}"):
        race(**{"kernels": ["numpy"], "workload": "10x2", **arguments})


def test_a_number_of_numpy_is_a_number() -> None:
    assert numbers.LAUNCHES.require("launches", cast(int, np.int64(3))) == 3
    assert numbers.SECONDS.require("seconds", cast(float, np.float32(0.5))) == 0.5
