"""Texts from kernels and files, made safe to show: printable, in one line, of limited length."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given, strategies as st

from bench.host.sanitize import one_line
from bench.results.samples import KernelSamples
from kernels.failures import error_line

HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\x00\u202e\udcff\u2028" + "x" * 10**7


@given(st.text(max_size=50), st.integers(1, 400))
@example("\x1b[2J\n", 2000)
@example(HOSTILE, 1)
def test_a_line_is_printable_and_short_and_stays_as_it_is(text: str, times: int) -> None:
    line = one_line(text * times)
    assert len(line) <= 500
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert one_line(line) == line
    line.encode()


def test_a_short_printable_text_is_kept_and_a_longer_one_ends_with_a_mark() -> None:
    assert one_line("data: dw[3] is 2, not 1 (5× the bound)") == "data: dw[3] is 2, not 1 (5× the bound)"
    assert one_line("x" * 500) == "x" * 500
    assert one_line("x" * 501) == "x" * 499 + "…"
    assert one_line("\x00" * 10**5 + "x") == "…"


def test_no_reason_is_longer_or_stranger_than_a_line() -> None:
    """Whether a worker sent it, or a journal of an unfinished run holds it."""
    reason = KernelSamples("raised", HOSTILE).reason
    assert reason == f"red  {'x' * 494}…"
    assert reason == one_line(reason)


def test_a_worker_sends_no_message_of_any_length() -> None:
    assert len(error_line(RuntimeError("x" * 10**7))) < 20_000
