"""The graph of an execution, and its steps one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from aiop.api.access import Viewer
from aiop.api.execution_view import artifact_view, explain, parent, step_view
from aiop.api.executions import execution_id_of, explained, step_of
from aiop.api.openapi import describe
from aiop.api.requests import NoQuery
from aiop.api.respond import json_response
from aiop.api.schemas.steps import ExecutionGraph, StepDetail
from aiop.api.services import Services, services_of
from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord, ExecutionSummary, StepRecord
from aiop.operations import StepOutline

__all__ = ["router"]

router = APIRouter(prefix="/dagger/executions/{execution_id}", tags=["executions"])


@router.get(
    "/graph",
    dependencies=[NoQuery],
    **describe("get_execution_graph", answer=ExecutionGraph, errors=(400, 401, 404)),
)
async def get_execution_graph(request: Request, _: Viewer, execution_id: str) -> Response:
    """Get an execution as a graph, without its log and the values of its steps; the events go on from there."""
    services = services_of(request)
    found = execution_id_of(execution_id)
    # Asked before: so the state is at least as new, and what is told again changes nothing.
    last_event = await services.store.last_event(found)
    [execution] = await explained(services, [await services.store.execution(found, values=False)])
    outline = await services.operations.definitions.outline(execution.version_id)
    outputs = () if execution.pipeline_id is None else await services.store.outputs(execution.id)
    records = _records(execution)
    view: dict[str, Any] = {
        "id": execution.id,
        **parent(execution),
        "name": await _name_of(services, execution),
        "status": execution.status,
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "completed_at": execution.completed_at,
        "inputs": execution.inputs,
        "outputs": execution.outputs or {},
        "steps": [
            {**step_view(step, execution, records, single=False), "depends_on": step.depends_on} for step in outline
        ],
        "last_event": last_event,
    }
    explain(view, execution)
    if execution.pipeline_id is not None:
        view["artifacts"] = [artifact_view(output) for output in outputs]
    return json_response(view)


@router.get(
    "/steps/{step}",
    dependencies=[NoQuery],
    **describe("get_execution_step", answer=StepDetail, errors=(400, 401, 404)),
)
async def get_execution_step(request: Request, _: Viewer, execution_id: str, step: str) -> Response:
    """Get a step with its inputs, outputs and attempts, and with what it was told to do."""
    services = services_of(request)
    execution = await services.store.execution(execution_id_of(execution_id))
    found = await step_of(services, execution, step)
    document = await services.operations.definitions.document(execution.version_id)
    attempts = await services.store.attempts(execution.id, found.id)
    return json_response(
        {
            "execution_id": execution.id,
            **step_view(found, execution, _records(execution), single=True),
            "depends_on": found.depends_on,
            "attempts": [_attempt(each) for each in attempts],
            "definition": _written(document, found),
            "container_config": document.get("container_config") or {},
        }
    )


def _records(execution: ExecutionSummary) -> Mapping[StepId, StepRecord]:
    return {record.step: record for record in execution.steps if record.index == 0}


def _written(document: Mapping[str, Any], step: StepOutline) -> Any:
    return next(written for written in document["steps"] if written["id"] == step.id)


async def _name_of(services: Services, execution: ExecutionSummary) -> str | None:
    workflows = [execution.workflow_id] if execution.workflow_id is not None else []
    pipelines = [execution.pipeline_id] if execution.pipeline_id is not None else []
    names = await services.store.names(workflows, pipelines)
    return names.get(execution.workflow_id or execution.pipeline_id or "")


def _attempt(record: AttemptRecord) -> dict[str, Any]:
    return {
        "index": record.index,
        "attempt": record.attempt,
        "status": record.status,
        "ready_at": record.ready_at,
        "started_at": record.started_at,
        "completed_at": record.completed_at,
        "exit_code": record.exit_code,
        "reason": record.reason,
        "error": record.error,
        "infrastructure": record.infrastructure,
        "image_digest": record.image_digest,
        "log_bytes": record.log_bytes,
        "retry_at": record.retry_at,
    }
