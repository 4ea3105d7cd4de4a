"""Makes text from files and exceptions safe to store and to show."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?|\x9b[0-?]*[ -/]*[@-~]")
"""ECMA-48 control sequences (CSI), terminal commands (OSC, up to BEL or ST), and other escape sequences."""
_LONGEST_LINE = 500
"""Six lines of a terminal."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""The Unicode categories of characters that control, reorder or are unassigned; never of visible ones."""


def printable(text: str) -> str:
    """The text without escape sequences and invisible characters; line ends and tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    kept = (
        " " if character in "\t\n\r\u2028\u2029" else character
        for character in _ESCAPE.sub("", text)
        if character in "\t\n\r\u2028\u2029" or unicodedata.category(character) not in _INVISIBLE
    )
    return "".join(kept)


def one_line(text: str) -> str:
    """The text in one printable line, of at most 500 characters. What a kernel raises may have any length."""
    kept = printable(text[: 10 * _LONGEST_LINE]).strip()  # 10: what is not printable is no part of the line
    whole = len(text) <= 10 * _LONGEST_LINE and len(kept) <= _LONGEST_LINE
    return kept if whole else f"{kept[: _LONGEST_LINE - 1]}…"


def all_printable(value: Any) -> Any:
    """A JSON value with every string, keys too, made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): all_printable(part) for key, part in value.items()}
    return [all_printable(part) for part in value] if isinstance(value, (list, tuple)) else value


def strip_all_paths(value: Any) -> Any:
    """A JSON value with the paths in every string replaced; keys stay."""
    if isinstance(value, str):
        return strip_paths(value)
    if isinstance(value, dict):
        return {key: strip_all_paths(part) for key, part in value.items()}
    return [strip_all_paths(part) for part in value] if isinstance(value, (list, tuple)) else value


def strip_paths(text: str) -> str:
    """The text with each path of a file replaced by the file's name, and each other path by `(path)`.

    Reasons quote exceptions, and settings name folders; a path may contain a person's name.
    """
    return _PATH.sub(lambda path: name[0] if (name := _FILE_NAME.search(path[0])) else "(path)", text)


_QUOTED = r"(?<=')~?\w*/[^']*(?=')|(?<=\")~?\w*/[^\"]*(?=\")"
_NAMED = r"/[\w.~@+-][^\s'\",:)\]>`]*"  # a slash that is neither a division nor part of a URL
_PATH = re.compile(rf"file:/+[^\s'\"]*|{_QUOTED}|(?<![\w./~])(?:~\w*|\.\.?)?{_NAMED}|(?<=\s-[A-Za-z]){_NAMED}")
_FILE_NAME = re.compile(r"[^/]+\.\w+$")
