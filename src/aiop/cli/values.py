"""Inputs of an execution, from the command line and from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiop.cli.exits import Exit, Failure

__all__ = ["inputs_of"]


def inputs_of(
    assignments: Sequence[str], file: Mapping[str, Any], declared: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Put the inputs together; those of the command line win over those of the file.

    ``name:=value`` is JSON. ``name=value`` is text, unless the workflow declares the input as something else and the
    value is JSON of any kind: then ``-i count=3`` means the number.
    """
    inputs = dict(file)
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator or not name.rstrip(":"):
            hint = "Write NAME=TEXT, or NAME:=JSON."
            raise Failure(Exit.USAGE, f"the input {assignment!r} is no assignment", hint=hint)
        if name.endswith(":"):
            inputs[name[:-1]] = _json(name[:-1], value)
        else:
            inputs[name] = _as_declared((declared or {}).get(name), value)
    return inputs


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        hint = f"For text, write {name}={value} (without the colon)."
        raise Failure(Exit.USAGE, f"the value of the input {name!r} is not JSON: {error}", hint=hint) from error


def _as_declared(declaration: Any, value: str) -> Any:
    kind = declaration.get("type") if isinstance(declaration, Mapping) else None
    if kind in (None, "string"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
