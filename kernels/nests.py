"""Fresh arguments as nests of tuples: mapped, and as a list of their arrays.

Separate from the types of contract.py, because these are functions, of no operation in particular.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def map_arrays(function: Callable[[Any], Any], fresh: Any) -> Any:
    """The same nest of tuples, with the function's value for each array."""
    if isinstance(fresh, tuple):
        return tuple([map_arrays(function, part) if isinstance(part, tuple) else function(part) for part in fresh])
    return function(fresh)


def arrays_of(fresh: Any) -> list[Any]:
    """The arrays of a nest of tuples and lists, in order."""
    arrays: list[Any] = []
    for part in fresh if isinstance(fresh, (tuple, list)) else [fresh]:
        if isinstance(part, (tuple, list)):
            arrays += arrays_of(part)
        else:
            arrays.append(part)
    return arrays
