"""Exceptions become answers here, and only here."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from aiop.api.respond import json_response
from aiop.errors import (
    AiopError,
    EngineUnavailable,
    Fault,
    Forbidden,
    IdempotencyConflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    RequestError,
    StorageUnavailable,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from aiop.spec import faults_from

__all__ = ["STATUS", "error_response", "install", "internal_error"]

STATUS: Mapping[type[AiopError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    InvalidState: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    EngineUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The table. An error that is not in it is a fault of ours: 500."""

_RETRY_SECONDS = 5
_AWAY = "The database is not available; try again later"
_DISK_FULL = "The disk of the database is full: nothing can be stored until there is space again"


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the body that all errors have."""
    body = {"status": int(status), "code": code, "message": message, "details": details or {}}
    return json_response(body, status=status, headers=headers)


def internal_error(request_id: str) -> Response:
    """Answer an unexpected exception: with the id under which it was logged, and nothing else of it."""
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "An error occurred on the server",
        details={"request_id": request_id},
    )


def install(app: FastAPI) -> None:
    """Make the application answer every error that it raises with the one body."""
    for kind in STATUS:
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_error(_: Request, error: Exception) -> Response:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    details: dict[str, Any] = {}
    headers: dict[str, str] = {}
    match error:
        case InvalidRequest():
            details["errors"] = [{"field": fault.field, "message": fault.message} for fault in error.faults]
        case Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case TooManyRequests():
            headers["Retry-After"] = str(error.retry_after)
        case StorageUnavailable():
            headers["Retry-After"] = str(_RETRY_SECONDS)
            # The exception's own words may name files and tables.
            message = _DISK_FULL if error.full else _AWAY
            return error_response(status, "storage_unavailable", message, headers=headers)
        case EngineUnavailable():
            headers["Retry-After"] = str(_RETRY_SECONDS)
            return error_response(status, "engine_unavailable", str(error), headers=headers)
    return error_response(status, cast("RequestError", error).code, str(error), details=details, headers=headers)


async def _on_parameters(request: Request, error: Exception) -> Response:
    found = cast("RequestValidationError", error).errors()
    faults = faults_from([{**item, "loc": tuple(item["loc"])[1:]} for item in found])
    known = [Fault(fault.field, fault.message.replace("Unknown field", "Unknown parameter")) for fault in faults]
    return await _on_error(request, InvalidRequest(known, "Invalid parameters"))


async def _on_http(request: Request, error: Exception) -> Response:
    status = cast("HTTPException", error).status_code
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return _on_method(request)
    if status == HTTPStatus.NOT_FOUND:
        return error_response(status, NotFound.code, "No such path")
    return error_response(status, InvalidRequest.code, HTTPStatus(status).phrase)


def _on_method(request: Request) -> Response:
    methods = _methods_at(request)
    allow = {"Allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=allow)
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return error_response(status, "method_not_allowed", f"{request.method} is not allowed here", headers=allow)


def _methods_at(request: Request) -> set[str]:
    # A path has a route for each method, and the router's exception knows of one route only. What matches first gives
    # the path: ``/validate`` is no workflow's id.
    routes = list(iter_route_contexts(request.app.routes))
    # Not ``request.url``: that one is put together from what the client says, and ends at a ``?`` in the path.
    path = next(route.path for route in routes if route.path_regex.match(request.scope["path"]))
    methods = {method for route in routes if route.path == path for method in route.methods or ()}
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
