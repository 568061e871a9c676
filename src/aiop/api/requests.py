"""Reading of requests: bodies as they were sent, ids, and parameters that nobody knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from aiop.api.services import services_of
from aiop.errors import Fault, InvalidRequest, NotFound, TooLarge
from aiop.spec import faults_of, parse_json
from aiop.spec.paths import BODY

__all__ = ["FORM", "NoQuery", "QueryOnce", "form_of", "model_of", "raw_body", "uuid_of"]

M = TypeVar("M", bound=BaseModel)

FORM = "application/x-www-form-urlencoded"

_JSON = "application/json"
_TAKEN = {
    # The form is what curl says of ``-d`` unless it is told better; what is no JSON is refused all the same.
    _JSON: re.compile(rf"(application/([a-z0-9.-]+\+)?json|{FORM})?"),
    FORM: re.compile(f"({FORM})?"),
}
_IDENTITY = "identity"
_TWICE = "Given more than once"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


async def _no_query(request: Request) -> None:
    if request.scope["query_string"]:
        _refuse_parameters(request.query_params.keys(), "Unknown parameter")


async def _query_once(request: Request) -> None:
    if b"&" in request.scope["query_string"]:
        given = Counter(name for name, _ in request.query_params.multi_items())
        _refuse_parameters([name for name, times in given.items() if times > 1], _TWICE)


def _refuse_parameters(names: Iterable[str], why: str) -> None:
    if faults := [Fault(name, why) for name in names]:
        raise InvalidRequest(faults, "Invalid parameters")


NoQuery = Depends(_no_query)
"""For routes without query parameters: whoever sends one is told, and not left with a typing error unseen."""

QueryOnce = Depends(_query_once)
"""For all routes: of two values of one parameter, one would be ignored."""


def uuid_of(text: str, what: str) -> str:
    """Return the id in the form in which it is stored; raises ``NotFound`` for what can be no id."""
    if not _UUID.fullmatch(text):
        raise NotFound(f"{what} not found")
    return text.lower()


async def raw_body(request: Request, *, media_type: str = _JSON) -> bytes:
    """Read the body; raises ``TooLarge``, before reading if its length is announced.

    Raises ``InvalidRequest`` for what is declared to be something else than ``media_type``.
    """
    _check_declared(request.headers, media_type)
    limit = services_of(request).max_body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(f"The body is over the limit of {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The body is over the limit of {limit} bytes")
    return bytes(body)


def _check_declared(headers: Headers, media_type: str) -> None:
    faults = []
    declared = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _TAKEN[media_type].fullmatch(declared):
        faults.append(Fault("Content-Type", f"Must be {media_type}"))
    if headers.get("content-encoding", _IDENTITY).strip().lower() != _IDENTITY:
        faults.append(Fault("Content-Encoding", "Bodies are taken as they are, without any encoding"))
    if faults:
        raise InvalidRequest(faults, "Invalid headers")


async def model_of(request: Request, model: type[M], *, optional: bool = False) -> M:
    """Read a JSON body; an empty one counts as ``{}`` if it is optional. Raises ``InvalidRequest``."""
    body = await raw_body(request)
    document = {} if optional and not body else parse_json(body)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidRequest(faults_of(error, document=model)) from None


async def form_of(request: Request, model: type[M]) -> M:
    """Read a form (``application/x-www-form-urlencoded``); raises ``InvalidRequest``."""
    body = await raw_body(request, media_type=FORM)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise InvalidRequest.at(BODY, "Malformed form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):  # RFC 6749, 3.2
        given = Counter(name for name, _ in pairs)
        raise InvalidRequest([Fault(name, _TWICE) for name, times in given.items() if times > 1])
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(faults_of(error, document=model)) from None
