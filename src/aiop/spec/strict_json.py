"""JSON text in, values out, with everything refused that two parsers could read in two ways."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from aiop.errors import InvalidRequest
from aiop.model.definition import JsonValue
from aiop.spec.paths import BODY, join

__all__ = ["MAX_DEPTH", "parse_json"]

MAX_DEPTH = 100
"""Deepest nesting of lists and objects that is read; what comes after may recurse over the values."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_BRACKET = re.compile(r"[\[{]")


def parse_json(body: bytes) -> JsonValue:
    """Parse one JSON document; integers keep all their digits and objects their order.

    Raises ``InvalidRequest`` for text that is not UTF-8 or not JSON, duplicate keys, ``NaN`` and ``Infinity``, numbers
    beyond what a double holds, lone surrogates, and nesting deeper than ``MAX_DEPTH``.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest.at(BODY, f"Not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        message = f"Not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidRequest.at(BODY, message) from None
    except RecursionError:
        raise _too_deep(BODY) from None
    _check_nesting(text, value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidRequest.at(BODY, f"Duplicate key {json.dumps(key[:100])}")
            seen.add(key)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest.at(BODY, f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidRequest.at(BODY, f"The number {text[:40]} is too large")
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # the interpreter's limit on digits
        raise InvalidRequest.at(BODY, f"The number {text[:40]}... has too many digits") from None


def _check_nesting(text: str, value: JsonValue) -> None:
    """Look into the values only if the text gives cause to."""
    surrogates = _SURROGATE_ESCAPE.search(text) is not None
    deep = sum(1 for _ in zip(range(MAX_DEPTH + 1), _BRACKET.finditer(text), strict=False)) > MAX_DEPTH
    if not (surrogates or deep):
        return
    stack: list[tuple[str, Any, int]] = [("", value, 0)] if isinstance(value, str | dict | list) else []
    while stack:
        path, item, depth = stack.pop()
        if isinstance(item, str):
            if surrogates:
                _check_text(path, item)
        elif depth == MAX_DEPTH:
            raise _too_deep(BODY)
        else:
            stack.extend((join(path, part), child, depth + 1) for part, child in _children(path, item, surrogates))


def _children(path: str, item: dict[str, Any] | list[Any], surrogates: bool) -> Iterator[tuple[str | int, Any]]:
    pairs: Iterator[tuple[str | int, Any]]
    if isinstance(item, list):
        pairs = iter(enumerate(item))
    else:
        if surrogates:
            for key in item:
                _check_text(path, key)
        pairs = iter(item.items())
    return ((part, child) for part, child in pairs if isinstance(child, str | dict | list))


def _check_text(path: str, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRequest.at(path or BODY, "Holds half of a surrogate pair, which is no character") from None


def _too_deep(path: str) -> InvalidRequest:
    return InvalidRequest.at(path, f"Nested deeper than {MAX_DEPTH} levels")
