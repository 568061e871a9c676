"""Documents in, definitions out."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from aiop.errors import Fault, InvalidRequest
from aiop.model.definition import Definition
from aiop.spec.faults import faults_of
from aiop.spec.lint import lint
from aiop.spec.merging import definition_of
from aiop.spec.paths import BODY
from aiop.spec.schema import WorkflowDocument
from aiop.spec.strict_json import parse_json

__all__ = ["MAX_FAULTS", "check_definition", "load_definition"]

MAX_FAULTS = 1000
"""So many faults are named; one more says how many others there are."""


def check_definition(document: Any) -> Definition:
    """Check a workflow document; raises ``InvalidRequest`` with every fault at once, and nothing else.

    ``document`` is a value as ``parse_json`` gives it; it is not changed.
    """
    if not isinstance(document, dict):
        raise InvalidRequest.at(BODY, "Must be an object")
    faults: list[Fault] = []
    parsed: WorkflowDocument | None = None
    try:
        parsed = WorkflowDocument.model_validate(document)
    except ValidationError as error:
        faults.extend(faults_of(error, document=WorkflowDocument))
    faults.extend(lint(document))
    if faults or parsed is None:
        raise InvalidRequest(_bounded(list(dict.fromkeys(faults))))
    return definition_of(parsed)


def load_definition(document: str) -> Definition:
    """Read a stored definition's JSON text; raises ``InvalidRequest`` if this version would not take it any more."""
    return check_definition(parse_json(document.encode("utf-8", "surrogatepass")))


def _bounded(faults: list[Fault]) -> list[Fault]:
    if len(faults) <= MAX_FAULTS:
        return faults
    return [*faults[:MAX_FAULTS], Fault(BODY, f"And {len(faults) - MAX_FAULTS} more faults")]
