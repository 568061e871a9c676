"""Inputs of an execution: what the workflow declares against what was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiop.errors import Fault, InvalidRequest
from aiop.model.definition import ABSENT, Definition, InputDeclaration, JsonValue
from aiop.spec.faults import REQUIRED, unknown_name
from aiop.spec.paths import join
from aiop.spec.schema import FIELD_NAME

__all__ = ["CheckedInputs", "check_inputs", "type_fault"]

_NAME = re.compile(FIELD_NAME)


@dataclass(frozen=True, slots=True)
class CheckedInputs:
    """The values that an execution starts with, and the names of those that nobody may read."""

    values: dict[str, JsonValue]
    sensitive: frozenset[str]


def check_inputs(
    definition: Definition,
    given: Mapping[str, JsonValue],
    *,
    defaults: Mapping[str, JsonValue] | None = None,
    prefix: str = "inputs",
) -> CheckedInputs:
    """Settle the inputs: what was given, else the declaration's default, else ``defaults`` (``workflow_defaults``).

    With a declaration, names outside it are faults, but for those in ``defaults``, which are there for many workflows;
    without one any name will do. Raises ``InvalidRequest`` with every fault.
    """
    faults = [
        Fault(join(prefix, name), "Input names have letters, digits, `_` and `-`, and begin with no digit")
        for name in given
        if not _NAME.fullmatch(name)
    ]
    values = {name: value for name, value in (defaults or {}).items() if _NAME.fullmatch(name)}
    declared = definition.inputs
    if declared is not None:
        faults.extend(
            Fault(join(prefix, name), unknown_name("input", name, declared)) for name in given if name not in declared
        )
        values.update((name, it.default) for name, it in declared.items() if it.default is not ABSENT)
    values.update(given)
    for name, declaration in (declared or {}).items():
        fault = _fault_of(declaration, values)
        if fault is not None:
            faults.append(Fault(join(prefix, name), fault))
    if faults:
        raise InvalidRequest(faults)
    sensitive = frozenset(name for name, it in (declared or {}).items() if it.sensitive)
    return CheckedInputs(values, sensitive)


def _fault_of(declaration: InputDeclaration, values: Mapping[str, JsonValue]) -> str | None:
    if declaration.name not in values:
        return REQUIRED if declaration.required else None
    return type_fault(values[declaration.name], declaration.type)


def type_fault(value: JsonValue, expected: str | None) -> str | None:
    """Say what is wrong if ``value`` is not of the JSON Schema type ``expected`` (``None`` takes any)."""
    fits = {
        None: True,
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "integer": (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer()),
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
    }[expected]
    return None if fits else f"Must be of type {expected}"
