"""The one body of all errors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Error", "ErrorDetails", "FieldError"]


class FieldError(BaseModel):
    """One thing that is wrong."""

    field: str = Field(description="Dotted path of the field or name of the parameter; `body` for the whole")
    message: str


class ErrorDetails(BaseModel):
    """What else is known."""

    model_config = ConfigDict(extra="allow")

    errors: list[FieldError] = Field(default_factory=list, description="With `invalid_request`: everything wrong")
    request_id: str = Field(default="", description="With `internal_error`: names the request in the service's log")


_EXAMPLE: dict[str, Any] = {
    "status": 400,
    "code": "invalid_request",
    "message": "Invalid request body",
    "details": {"errors": [{"field": "name", "message": "Field is required"}]},
}


class Error(BaseModel):
    """An error; `code` is stable and meant for programs, `message` for people."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    status: int
    code: str
    message: str
    details: ErrorDetails
