"""What all results have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

__all__ = ["Json", "Page", "Result"]

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Result:
    """An answer; ``raw`` holds it whole."""

    raw: Json = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Page(Result, Generic[T]):
    """One page of a list; ``total`` counts all that the filters let through."""

    items: Sequence[T]
    total: int
    limit: int
    offset: int
