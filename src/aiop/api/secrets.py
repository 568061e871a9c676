"""``/secrets``: written by admins, named to editors, read by nobody."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from aiop.api.access import Admin, Editor
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.secrets import Secret, SecretList, SecretRequest
from aiop.api.services import services_of
from aiop.interfaces import SecretQuery
from aiop.spec.schema import FIELD_NAME

__all__ = ["router"]

router = APIRouter(prefix="/secrets", tags=["secrets"])


NewName = Annotated[str, Path(json_schema_extra={"pattern": FIELD_NAME})]
"""Described only: a name that cannot be is a fault among others, or is not found."""


class SecretParameters(ListParameters):
    """Filters and order of the list."""

    name: str | None = Field(None, max_length=255, description="Part of the name, case ignored")
    sort: str | None = sort_by("name", "created_at", "updated_at")


@router.get("", **describe("list_secrets", answer=SecretList, errors=(400, 401, 403)))
async def list_secrets(request: Request, _: Editor, query: Annotated[SecretParameters, Query()]) -> Response:
    """List secrets, without their values."""
    page = await services_of(request).store.secrets(SecretQuery(**query.paging, name=query.name))
    return page_response("secrets", [asdict(item) for item in page.items], page.total, query)


@router.get("/{name}", dependencies=[NoQuery], **describe("get_secret", answer=Secret, errors=(400, 401, 403, 404)))
async def get_secret(request: Request, _: Editor, name: str) -> Response:
    """Get what may be shown of a secret."""
    return json_response(asdict(await services_of(request).store.secret(name)))


@router.put(
    "/{name}",
    dependencies=[NoQuery],
    **describe(
        "put_secret",
        answer=Secret,
        or_status=HTTPStatus.CREATED,
        takes=SecretRequest,
        errors=(400, 401, 403, 413),
    ),
)
async def put_secret(request: Request, caller: Admin, name: NewName) -> Response:
    """Store a secret (201), or replace its value (200) for all attempts that start from now on."""
    body = await model_of(request, SecretRequest)
    described = "description" in body.model_fields_set
    secret, new = await services_of(request).operations.secrets.put(
        name, body.value, description=(body.description or "") if described else None, by=caller.username
    )
    if not new:
        return json_response(asdict(secret))
    headers = {"Location": f"{router.prefix}/{secret.name}"}
    return json_response(asdict(secret), status=HTTPStatus.CREATED, headers=headers)


@router.delete(
    "/{name}",
    dependencies=[NoQuery],
    **describe("delete_secret", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)),
)
async def delete_secret(request: Request, _: Admin, name: str) -> Response:
    """Delete a secret. Containers that run keep what they were given; attempts that start later fail."""
    await services_of(request).operations.secrets.delete(name)
    return no_content()
