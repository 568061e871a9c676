"""Lists: which part, in which order, and how it is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from aiop.api.respond import json_response
from aiop.spec.schema import house

__all__ = ["Count", "ListParameters", "Moment", "Paging", "page_response", "sort_by"]

_LARGEST_OFFSET = 2**63 - 1


def _digits(value: Any) -> Any:
    # Pydantic would take ``1.0`` and ``1_000`` too, which the description does not allow.
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+", value, re.ASCII):
        raise PydanticCustomError("int_parsing", "Must be an integer")
    return value


Digits = Annotated[int, BeforeValidator(_digits)]
"""A number as it stands in a query."""


Count = Annotated[int, Field(ge=0, le=_LARGEST_OFFSET), BeforeValidator(_digits)]
"""A number of things, as it stands in a query."""


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc3339(value: Any) -> Any:
    # Pydantic would take numbers, days and local times too, of which nobody can tell what moment is meant.
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise PydanticCustomError("datetime_parsing", "Must be a time like 2025-03-01T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
"""A time as it stands in a query."""


class Paging(TypedDict):
    """The keyword arguments of ``PageQuery``."""

    limit: int
    offset: int
    sort: str | None
    descending: bool


class ListParameters(BaseModel):
    """What every list takes; each list adds ``sort`` with its fields, and its filters."""

    model_config = ConfigDict(extra="forbid")

    limit: Digits = Field(20, ge=1, le=1000, description="Maximum number of items to return")
    offset: Digits = Field(0, ge=0, le=_LARGEST_OFFSET, description="Number of items to skip")

    @property
    def paging(self) -> Paging:
        """The page that is asked for."""
        field, _, direction = (getattr(self, "sort", None) or "").partition(":")
        return Paging(limit=self.limit, offset=self.offset, sort=field or None, descending=direction == "desc")


def sort_by(*fields: str) -> Any:
    """Declare the parameter ``sort`` of a list: one of these fields, alone or with its direction."""
    pattern = f"^({'|'.join(fields)})(:(asc|desc))?$"

    def in_words(value: Any) -> Any:
        # The pattern says the same to programs.
        if isinstance(value, str) and not re.fullmatch(pattern.strip("^$"), value):
            raise house(f"Must be one of {', '.join(fields)}, alone or with `:asc` or `:desc` behind it")
        return value

    field: Any = Field(None, pattern=pattern, description="`field` or `field:direction`; newest first without it")
    field.metadata.append(BeforeValidator(in_words))
    return field


def page_response(name: str, items: Sequence[Mapping[str, Any]], total: int, parameters: ListParameters) -> Response:
    """Answer with a page; ``name`` is the list's own."""
    return json_response({name: items, "total": total, "limit": parameters.limit, "offset": parameters.offset})
