"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aiop.model.audit import AuditAction, TargetType

__all__ = ["AuditItem", "AuditList"]


class AuditItem(BaseModel):
    """One thing that was done. It cannot be changed."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(json_schema_extra={"format": "uuid"})
    at: datetime
    actor: str | None = Field(description="The user; null for the service itself, and for a sign-in that failed")
    token: str | None = Field(description="Name of the API token that was shown; null for a session")
    token_id: str | None = Field(json_schema_extra={"format": "uuid"})
    action: AuditAction
    target_type: TargetType
    target: str | None = Field(description="Id or name of what was acted on; null for a user who does not exist")
    request_id: str | None = Field(description="As in `X-Request-ID` of the answer")
    address: str | None = Field(description="From where the request came, as the server sees it")
    detail: dict[str, Any] = Field(description="What else is worth knowing; depends on the action")


class AuditList(BaseModel):
    """A page of the audit log."""

    model_config = ConfigDict(extra="forbid")

    entries: list[AuditItem]
    total: int
    limit: int
    offset: int
