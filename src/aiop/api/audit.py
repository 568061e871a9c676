"""``/audit``: who did what. It can be read, by admins, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from aiop.api.access import Admin
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, Moment, page_response, sort_by
from aiop.api.schemas.audit import AuditList
from aiop.api.services import services_of
from aiop.interfaces import AuditQuery
from aiop.model.audit import AuditAction, AuditEntry

__all__ = ["router"]

router = APIRouter(prefix="/audit", tags=["audit"])


class AuditParameters(ListParameters):
    """Filters and order of the list."""

    actor: str | None = Field(None, max_length=255, description="Only what this user did")
    action: AuditAction | None = Field(None, description="Only what was done like this")
    target: str | None = Field(None, max_length=255, description="Only what was done to the bearer of this id or name")
    since: Moment | None = Field(None, description="Only what was done then or later")
    until: Moment | None = Field(None, description="Only what was done before")
    sort: str | None = sort_by("at")


@router.get("", **describe("list_audit", answer=AuditList, errors=(400, 401, 403)))
async def list_audit(request: Request, _: Admin, query: Annotated[AuditParameters, Query()]) -> Response:
    """List what was done, newest first."""
    page = await services_of(request).store.audit(
        AuditQuery(
            **query.paging,
            actor=query.actor,
            action=query.action,
            target=query.target,
            since=query.since,
            until=query.until,
        )
    )
    return page_response("entries", [_view(entry) for entry in page.items], page.total, query)


def _view(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor.username,
        "token": entry.actor.token,
        "token_id": entry.actor.token_id,
        "action": entry.action,
        "target_type": entry.action.target_type,
        "target": entry.target,
        "request_id": entry.actor.request_id,
        "address": entry.actor.address,
        "detail": entry.detail,
    }
