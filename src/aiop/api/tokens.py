"""``/auth/tokens``."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from aiop.api.access import Viewer
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of, uuid_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.auth import ApiTokenList, ApiTokenRequest, NewApiToken
from aiop.api.services import services_of
from aiop.interfaces import PageQuery
from aiop.model.ids import TokenId
from aiop.model.records import TokenRecord

__all__ = ["router"]

router = APIRouter(prefix="/auth/tokens", tags=["auth"])


class TokenParameters(ListParameters):
    """Order of the list."""

    sort: str | None = sort_by("name", "created_at", "expires_at")


@router.get("", **describe("list_tokens", answer=ApiTokenList, errors=(400, 401)))
async def list_tokens(request: Request, caller: Viewer, query: Annotated[TokenParameters, Query()]) -> Response:
    """List the caller's API tokens."""
    page = await services_of(request).auth.tokens.list(caller, PageQuery(**query.paging))
    return page_response("tokens", [_view(token) for token in page.items], page.total, query)


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_token",
        answer=NewApiToken,
        status=HTTPStatus.CREATED,
        takes=ApiTokenRequest,
        errors=(400, 401, 403, 413),
    ),
)
async def create_token(request: Request, caller: Viewer) -> Response:
    """Make an API token of at most the caller's role; its text is shown only here."""
    body = await model_of(request, ApiTokenRequest)
    expires_in = None if body.expires_in is None else timedelta(seconds=body.expires_in)
    token = await services_of(request).auth.tokens.create(caller, body.name, role=body.role, expires_in=expires_in)
    return json_response(
        {**_view(token.record), "token": token.text},
        status=HTTPStatus.CREATED,
        headers={"Location": f"{router.prefix}/{token.record.id}", "Cache-Control": "no-store"},
    )


@router.delete(
    "/{token_id}",
    dependencies=[NoQuery],
    **describe("revoke_token", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 404)),
)
async def revoke_token(request: Request, caller: Viewer, token_id: str) -> Response:
    """Revoke an API token of the caller; as admin, anybody's."""
    await services_of(request).auth.tokens.revoke(caller, TokenId(uuid_of(token_id, "Token")))
    return no_content()


def _view(token: TokenRecord) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
