"""``/auth``: sessions, and who one is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from aiop.api.access import Viewer
from aiop.api.openapi import describe
from aiop.api.requests import FORM, NoQuery, form_of, model_of
from aiop.api.respond import json_response
from aiop.api.schemas.auth import LoginForm, Me, RefreshRequest, Session
from aiop.api.services import services_of
from aiop.auth import Session as Tokens

__all__ = ["router"]

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post(
    "/token",
    dependencies=[NoQuery],
    **describe(
        "create_session",
        answer=Session,
        takes=LoginForm,
        media_type=FORM,
        errors=(400, 401, 413, 429),
    ),
)
async def create_session(request: Request) -> Response:
    """Sign in with a password."""
    form = await form_of(request, LoginForm)
    address = request.client.host if request.client else ""
    return _answer(await services_of(request).auth.login(form.username, form.password, address=address))


@router.post(
    "/refresh",
    dependencies=[NoQuery],
    **describe("refresh_session", answer=Session, takes=RefreshRequest, errors=(400, 401, 413)),
)
async def refresh_session(request: Request) -> Response:
    """Exchange a refresh token for new tokens; it serves once."""
    body = await model_of(request, RefreshRequest)
    return _answer(await services_of(request).auth.refresh(body.refresh_token))


@router.get("/me", dependencies=[NoQuery], **describe("get_me", answer=Me, errors=(400, 401)))
async def get_me(caller: Viewer) -> Response:
    """Tell who the caller is."""
    return json_response({"username": caller.username, "role": caller.role})


def _answer(session: Tokens) -> Response:
    body = {
        "access_token": session.access_token,
        "token_type": "bearer",
        "expires_in": int(session.expires_in.total_seconds()),
        "refresh_token": session.refresh_token,
    }
    return json_response(body, headers={"Cache-Control": "no-store"})
