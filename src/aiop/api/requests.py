"""Reading of requests: bodies as they were sent, ids, and parameters that nobody knows."""

from __future__ import annotations

import re
from typing import TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from aiop.api.services import services_of
from aiop.errors import Fault, InvalidRequest, NotFound, TooLarge
from aiop.spec import faults_of, parse_json
from aiop.spec.paths import BODY

__all__ = ["NoQuery", "form_of", "model_of", "raw_body", "uuid_of"]

M = TypeVar("M", bound=BaseModel)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


async def _no_query(request: Request) -> None:
    if request.scope["query_string"]:
        names = dict.fromkeys(request.query_params.keys())
        raise InvalidRequest([Fault(name, "Unknown parameter") for name in names], "Invalid parameters")


NoQuery = Depends(_no_query)
"""For routes without query parameters: whoever sends one is told, and not left with a typing error unseen."""


def uuid_of(text: str, what: str) -> str:
    """Return the id in the form in which it is stored; raises ``NotFound`` for what can be no id."""
    if not _UUID.fullmatch(text):
        raise NotFound(f"{what} not found")
    return text.lower()


async def raw_body(request: Request) -> bytes:
    """Read the body; raises ``TooLarge``, before reading if its length is announced."""
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
    body = await raw_body(request)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=32))
    except ValueError:
        raise InvalidRequest.at(BODY, "Malformed form") from None
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(faults_of(error, document=model)) from None
