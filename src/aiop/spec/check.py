"""Documents in, definitions out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from aiop.errors import InvalidRequest
from aiop.model.definition import Definition
from aiop.spec.faults import faults_of
from aiop.spec.findings import Findings
from aiop.spec.lint import lint
from aiop.spec.merging import definition_of, pipeline_of
from aiop.spec.named_outputs import lint_named_outputs
from aiop.spec.paths import BODY, dotted
from aiop.spec.pipeline_schema import PipelineDocument, PipelineStepDocument
from aiop.spec.schema import MAX_STEPS, StepDocument, WorkflowDocument
from aiop.spec.secrets import secret_uses
from aiop.spec.strict_json import parse_json
from aiop.spec.workspace_secrets import lint_workspace_secrets

__all__ = ["check_definition", "check_pipeline", "load_definition", "load_pipeline"]

W = TypeVar("W", WorkflowDocument, PipelineDocument)


def check_definition(document: Any) -> Definition:
    """Check a workflow document; raises ``InvalidRequest`` with every fault at once, and nothing else.

    ``document`` is a value as ``parse_json`` gives it; it is not changed.
    """
    if not isinstance(document, dict):
        raise InvalidRequest.at(BODY, "Must be an object")
    findings = Findings()
    parsed = _parse(document, WorkflowDocument, StepDocument, findings)
    lint(document, findings)
    findings.raise_if_any()
    return replace(definition_of(parsed), secrets=secret_uses(document))


def check_pipeline(document: Any) -> Definition:
    """Check a pipeline document, as ``check_definition`` does with one of a workflow; one without a name has none."""
    if not isinstance(document, dict):
        raise InvalidRequest.at(BODY, "Must be an object")
    findings = Findings()
    parsed = _parse(document, PipelineDocument, PipelineStepDocument, findings)
    lint(document, findings)
    lint_named_outputs(document, findings)
    lint_workspace_secrets(document, findings)
    findings.raise_if_any()
    return replace(pipeline_of(parsed), secrets=secret_uses(document))


def load_definition(document: str) -> Definition:
    """Read a stored definition's JSON text; raises ``InvalidRequest`` if this version would not take it any more."""
    return check_definition(parse_json(document.encode("utf-8", "surrogatepass")))


def load_pipeline(document: str) -> Definition:
    """Read a stored pipeline document's JSON text; raises as ``load_definition`` does."""
    return check_pipeline(parse_json(document.encode("utf-8", "surrogatepass")))


def _parse(document: dict[str, Any], kind: type[W], step_kind: type[StepDocument], findings: Findings) -> W:
    """Hold the document against the schema, step by step: Pydantic cannot be told to stop at so many errors.

    What is returned stands only if nothing was found.
    """
    # In the place of a step with faults; the number of steps must be right.
    stand_in = step_kind.model_construct(id="_")
    steps = document.get("steps")
    if isinstance(steps, list) and len(steps) <= MAX_STEPS:
        document = {**document, "steps": [stand_in] * len(steps)}
    try:
        parsed: Any = kind.model_validate(document)
    except ValidationError as error:
        findings.extend(faults_of(error, document=kind))
        parsed = kind.model_construct(name="", steps=[])
    if isinstance(steps, list) and len(steps) <= MAX_STEPS:
        parsed.steps = [_parse_step(i, step, step_kind, findings) or stand_in for i, step in enumerate(steps)]
    document_of_kind: W = parsed
    return document_of_kind


def _parse_step(index: int, step: Any, kind: type[StepDocument], findings: Findings) -> StepDocument | None:
    if findings.full:
        return None
    try:
        return kind.model_validate(step)
    except ValidationError as error:
        findings.extend(faults_of(error, dotted(("steps", index)), document=kind))
        return None
