"""Named secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aiop.operations.secrets import DESCRIPTION_MAX, VALUE_MAX

__all__ = ["Secret", "SecretList", "SecretRequest"]


class SecretRequest(BaseModel):
    """The value of a secret; no answer ever holds it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    value: str = Field(
        min_length=1, max_length=VALUE_MAX, repr=False, description=f"At most {VALUE_MAX} bytes in UTF-8, not blank"
    )
    description: Annotated[str, Field(max_length=DESCRIPTION_MAX)] | None = Field(
        None, description="What it is for. If it is not sent, the one that is there stays; `null` takes it away"
    )


class Secret(BaseModel):
    """What may be shown of a secret."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime | None = Field(description="When the value was replaced last")
    created_by: str = Field(description="The user who stored it first")


class SecretList(BaseModel):
    """A page of secrets."""

    model_config = ConfigDict(extra="forbid")

    secrets: list[Secret]
    total: int
    limit: int
    offset: int
