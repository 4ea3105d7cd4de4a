"""Text from elsewhere, fit to be kept and shown: names and reasons may hold whatever a file or an exception did."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?|\x9b[0-?]*[ -/]*[@-~]")
"""ECMA-48's control sequences (CSI), a terminal's commands (OSC, up to BEL or ST), and other escapes."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of what steers, reorders or cannot be written: never of what is read."""


def printable(text: str) -> str:
    """The text without escape sequences and without characters that are not seen; line ends become spaces."""
    if text.isascii() and text.isprintable():
        return text
    kept = (
        " " if character in "\t\n\r\u2028\u2029" else character
        for character in _ESCAPE.sub("", text)
        if character in "\t\n\r\u2028\u2029" or unicodedata.category(character) not in _INVISIBLE
    )
    return "".join(kept)


def all_printable(value: Any) -> Any:
    """Every text in JSON's dicts and lists made printable, keys too."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): all_printable(part) for key, part in value.items()}
    return [all_printable(part) for part in value] if isinstance(value, (list, tuple)) else value


def all_without_folders(value: Any) -> Any:
    """Every text in JSON's dicts and lists without folders."""
    if isinstance(value, str):
        return strip_paths(value)
    if isinstance(value, dict):
        return {key: all_without_folders(part) for key, part in value.items()}
    return [all_without_folders(part) for part in value] if isinstance(value, (list, tuple)) else value


def strip_paths(text: str) -> str:
    """The text with a file's name in the place of its path, and `(path)` in that of any other.

    Reasons quote exceptions and settings name folders, and those may tell who somebody is.
    """
    return _PATH.sub(lambda found: name[0] if (name := _FILE_NAME.search(found[0])) else "(path)", text)


_QUOTED = r"(?<=')~?\w*/[^']*(?=')|(?<=\")~?\w*/[^\"]*(?=\")"
_NAMED = r"/[\w.~@+-][^\s'\",:)\]>`]*"  # a slash that is no division and not a URL's
_PATH = re.compile(rf"file:/+[^\s'\"]*|{_QUOTED}|(?<![\w./~])(?:~\w*|\.\.?)?{_NAMED}|(?<=\s-[A-Za-z]){_NAMED}")
_FILE_NAME = re.compile(r"[^/]+\.\w+$")
