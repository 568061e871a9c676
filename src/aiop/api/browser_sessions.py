"""``/auth/session``: sessions of browsers. The refresh token is a cookie that no script can read."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response

from aiop.api.openapi import describe
from aiop.api.requests import FORM, NoQuery, form_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.auth import BrowserSession, LoginForm
from aiop.api.services import services_of
from aiop.auth import Principal
from aiop.auth import Session as Tokens
from aiop.errors import Forbidden, Unauthenticated

__all__ = ["COOKIE", "router"]

COOKIE = "aiop_session"

_PATH = "/auth/session"


async def _same_origin(request: Request) -> None:
    """Refuse what a page from elsewhere makes a browser send: it could sign somebody in as another.

    A browser says by ``Sec-Fetch-Site`` where the page is from, on plain HTTP only by ``Origin``; other programs say
    neither.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise Forbidden("A page of another site may not do this")


router = APIRouter(prefix=_PATH, tags=["auth"], dependencies=[Depends(_same_origin)])


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_browser_session",
        answer=BrowserSession,
        takes=LoginForm,
        media_type=FORM,
        errors=(400, 401, 403, 413, 429),
    ),
)
async def create_browser_session(request: Request) -> Response:
    """Sign in with a password, in a browser: the refresh token is set as a cookie."""
    form = await form_of(request, LoginForm)
    auth = services_of(request).auth
    address = request.client.host if request.client else ""
    begun = await auth.login(form.username, form.password, address=address)
    principal, tokens = await auth.resume(begun.refresh_token)
    answer = _answer(principal, tokens)
    answer.set_cookie(
        COOKIE,
        tokens.refresh_token,
        max_age=int(auth.refresh_ttl.total_seconds()),
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post(
    "/token",
    dependencies=[NoQuery],
    **describe("create_browser_token", answer=BrowserSession, or_empty=True, errors=(400, 403)),
)
async def create_browser_token(request: Request) -> Response:
    """Get another access token for the session of the cookie; nothing if there is none, or it has ended."""
    token = request.cookies.get(COOKIE)
    if not token:
        return no_content()
    try:
        principal, tokens = await services_of(request).auth.resume(token)
    except Unauthenticated:
        return no_content()
    return _answer(principal, tokens)


@router.delete(
    "",
    dependencies=[NoQuery],
    **describe("delete_browser_session", status=HTTPStatus.NO_CONTENT, errors=(400, 403)),
)
async def delete_browser_session(request: Request) -> Response:
    """Sign out: the session of the cookie ends, if there is one."""
    if token := request.cookies.get(COOKIE):
        await services_of(request).auth.logout(token)
    answer = no_content()
    answer.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="strict")
    return answer


def _answer(principal: Principal, tokens: Tokens) -> Response:
    body = {
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": int(tokens.expires_in.total_seconds()),
        "username": principal.username,
        "role": principal.role,
    }
    return json_response(body, headers={"Cache-Control": "no-store"})
