"""Pydantic's errors in the words of the API: one ``Fault`` for each, with its dotted path."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from aiop.errors import Fault
from aiop.spec.paths import dotted

__all__ = ["REQUIRED", "faults_from", "faults_of", "unknown_field", "unknown_name"]

REQUIRED = "Field is required"

_LONGEST_NAME = 100
_MOST_COMPARED = 200

_MESSAGES = {
    "missing": REQUIRED,
    "bool_type": "Must be true or false",
    "bool_parsing": "Must be true or false",
    "int_type": "Must be an integer",
    "int_parsing": "Must be an integer",
    "int_parsing_size": "Must be an integer that is not so large",
    "int_from_float": "Must be an integer",
    "float_type": "Must be a number",
    "finite_number": "Must be a finite number",
    "list_type": "Must be a list",
    "dict_type": "Must be an object",
    "model_type": "Must be an object",
    "model_attributes_type": "Must be an object",
    "string_unicode": "Must be text of valid Unicode characters",
    "datetime_type": "Must be a time like 2025-03-01T12:00:00Z",
}


def faults_of(error: ValidationError, prefix: str = "", *, document: type[BaseModel] | None = None) -> list[Fault]:
    """Translate; with ``document``, the model that was validated, a misspelt field gets the nearest known name."""
    return faults_from(error.errors(include_url=False), prefix, document=document)


def faults_from(
    errors: Iterable[Mapping[str, Any]], prefix: str = "", *, document: type[BaseModel] | None = None
) -> list[Fault]:
    """Translate errors in the form of ``ValidationError.errors()``, which other libraries pass on as well."""
    faults = []
    for error in errors:
        location = tuple(part for part in error["loc"] if part != "[key]")
        if error["type"] == "extra_forbidden":
            known = _known_fields(document, location[:-1]) if document else ()
            message = unknown_field(str(location[-1]), known)
        else:
            message = _message(error)
        faults.append(Fault(dotted(location, prefix), message))
    return faults


def unknown_field(name: str, known: Iterable[str]) -> str:
    """Say that there is no such field, and which one may be meant."""
    return "Unknown field" + _suggestion(name, known)


def unknown_name(noun: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such input or step, and which one may be meant."""
    return f"Unknown {noun} `{name[:_LONGEST_NAME]}`" + _suggestion(name, known)


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:_LONGEST_NAME], islice(known, _MOST_COMPARED), n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def _message(error: Mapping[str, Any]) -> str:
    kind: str = error["type"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    if kind == "string_type":
        value = error.get("input")
        return "Must be a string; quote it" if isinstance(value, bool | int | float) else "Must be a string"
    if kind in ("too_short", "too_long"):
        return _length(context)
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    return _bound(kind, context) or str(error.get("msg", "Invalid value"))


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    match kind:
        case "string_too_short":
            return (
                "Must not be empty" if context["min_length"] == 1 else f"Must have {context['min_length']} characters"
            )
        case "string_too_long":
            return f"Must have at most {context['max_length']} characters"
        case "greater_than_equal":
            return f"Must be at least {context['ge']:g}"
        case "greater_than":
            return f"Must be greater than {context['gt']:g}"
        case "less_than_equal":
            return f"Must be at most {context['le']:g}"
        case "less_than":
            return f"Must be less than {context['lt']:g}"
        case "literal_error" | "enum":
            return f"Must be one of {context['expected']}".replace("'", "`")
        case "string_pattern_mismatch":
            return f"Must match {context['pattern']}"
    return None


def _length(context: Mapping[str, Any]) -> str:
    if "min_length" in context:
        return f"Must have at least {context['min_length']} item" + ("" if context["min_length"] == 1 else "s")
    return f"Must have at most {context['max_length']} items"


def _known_fields(model: Any, location: Iterable[str | int]) -> Iterable[str]:
    """Find the fields of the model at ``location``; none if the way there cannot be told."""
    here = model
    for part in location:
        here = _inner(_bare(here), part)
    here = _bare(here)
    return here.model_fields if isinstance(here, type) and issubclass(here, BaseModel) else ()


def _inner(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(annotation)
    return arguments[-1] if arguments and get_origin(annotation) in (list, dict) else None


def _bare(annotation: Any) -> Any:
    """Take off ``Annotated`` and ``| None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType, typing.Optional):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else None
    return annotation
