"""The plan of a study as it stands in its file: every number and name, so that only the same one goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class StoredPlan:
    """What a plan has beside its own fields."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From a file. Raises TypeError for the plan of another study."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()})

    def describe(self) -> dict[str, Any]:
        """As in a file."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
