"""The operations of the API, taken from its own description, so that a test of all of them forgets none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from aiop.api import create_app

__all__ = ["UNKNOWN", "Operation", "description", "operations"]

UNKNOWN = "123e4567-e89b-12d3-a456-426614174009"
"""The id of nothing."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    template: str
    declared: dict[str, Any]

    @property
    def path(self) -> str:
        """The path, with the id of nothing in it."""
        return re.sub(r"\{[^}]+\}", UNKNOWN, self.template)

    @property
    def open(self) -> bool:
        """Whether it asks for no token."""
        return not self.declared.get("security")

    @property
    def parameters(self) -> dict[str, Any]:
        """The query parameters by name."""
        return {each["name"]: each for each in self.declared.get("parameters", ()) if each["in"] == "query"}

    @property
    def media_type(self) -> str | None:
        """The type of the body that it takes."""
        body = self.declared.get("requestBody")
        return next(iter(body["content"])) if body else None

    def __str__(self) -> str:
        return self.id


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI document; it needs the routes only, not what they work with."""
    return create_app(cast("Any", None)).openapi()


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation."""
    return tuple(
        Operation(declared["operationId"], method.upper(), path, declared)
        for path, methods in description()["paths"].items()
        for method, declared in methods.items()
    )
