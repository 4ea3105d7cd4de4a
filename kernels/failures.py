"""What went wrong, in one line: an exception, or a library that is not installed.

Separate from the registry, because workers and readers of data say it in the same way.
"""

from __future__ import annotations

_LONGEST_MESSAGE = 10_000
"""Characters of an exception's message: a worker sends it in a frame of limited size."""
_EXTRAS = {"torch": "peers", "daal4py": "onedal", "glum": "solvers"}
"""Library → the extra that installs it. The other libraries are dependencies of the project."""


def error_line(error: BaseException) -> str:
    """An exception in one line: its type, and the first line of its message."""
    try:
        message = str(error).strip().partition("\n")[0]
    except Exception:  # __str__ of a user's exception may raise, too
        message = ""
    return f"{type(error).__name__}: {message[:_LONGEST_MESSAGE]}" if message else type(error).__name__


def missing(library: str) -> str:
    """A message that a library is not installed, with the command if an extra installs it."""
    hint = f": pip install -c constraints.txt '.[{_EXTRAS[library]}]'" if library in _EXTRAS else ""
    return f"{library} is not installed{hint}"


def import_failure(error: ImportError) -> str:
    """Which library is missing, or why it could not be imported."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return missing(error.name.partition(".")[0])
    return error_line(error)
