"""``/auth/users``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from aiop.api.access import Admin
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.auth import User, UserChange, UserList, UserRequest
from aiop.api.services import services_of
from aiop.interfaces import PageQuery
from aiop.model.records import UserRecord

__all__ = ["router"]

router = APIRouter(prefix="/auth/users", tags=["auth"])


class UserParameters(ListParameters):
    """Order of the list."""

    sort: str | None = sort_by("username", "role", "created_at")


@router.get("", **describe("list_users", answer=UserList, errors=(400, 401, 403)))
async def list_users(request: Request, _: Admin, query: Annotated[UserParameters, Query()]) -> Response:
    """List users."""
    page = await services_of(request).auth.users.list(PageQuery(**query.paging))
    return page_response("users", [_view(user) for user in page.items], page.total, query)


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_user",
        answer=User,
        status=HTTPStatus.CREATED,
        takes=UserRequest,
        errors=(400, 401, 403, 413, 429),
    ),
)
async def create_user(request: Request, _: Admin) -> Response:
    """Add a user."""
    body = await model_of(request, UserRequest)
    user = await services_of(request).auth.users.create(body.username, body.password, body.role)
    location = f"{router.prefix}/{quote(user.username)}"
    return json_response(_view(user), status=HTTPStatus.CREATED, headers={"Location": location})


@router.get("/{username}", dependencies=[NoQuery], **describe("get_user", answer=User, errors=(400, 401, 403, 404)))
async def get_user(request: Request, _: Admin, username: str) -> Response:
    """Get a user."""
    return json_response(_view(await services_of(request).auth.users.get(username)))


@router.patch(
    "/{username}",
    dependencies=[NoQuery],
    **describe("update_user", answer=User, takes=UserChange, errors=(400, 401, 403, 404, 413, 429)),
)
async def update_user(request: Request, _: Admin, username: str) -> Response:
    """Change a user's password or role; what he is signed in with ends."""
    body = await model_of(request, UserChange)
    user = await services_of(request).auth.users.change(username, password=body.password, role=body.role)
    return json_response(_view(user))


@router.delete(
    "/{username}",
    dependencies=[NoQuery],
    **describe("delete_user", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)),
)
async def delete_user(request: Request, _: Admin, username: str) -> Response:
    """Delete a user with all tokens; the last admin stays."""
    await services_of(request).auth.users.delete(username)
    return no_content()


def _view(user: UserRecord) -> dict[str, Any]:
    return {
        "username": user.username,
        "role": user.role,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
