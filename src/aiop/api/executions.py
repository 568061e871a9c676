"""``/dagger/executions``, and the executions of one workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from aiop.api.access import Editor, Viewer
from aiop.api.execution_view import LOG_LIMIT, execution_view, merged_log
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, uuid_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.executions import Execution, ExecutionList
from aiop.api.services import Services, services_of
from aiop.errors import NotFound
from aiop.interfaces import ExecutionQuery
from aiop.model.ids import ExecutionId, PipelineId, WorkflowId
from aiop.model.placement import reason_to_wait
from aiop.model.records import ExecutionSummary
from aiop.model.state import ExecutionStatus
from aiop.operations import StepOutline

__all__ = [
    "ExecutionParameters",
    "ExecutionsParameters",
    "execution_id_of",
    "execution_page",
    "explained",
    "router",
    "step_of",
]

router = APIRouter(prefix="/dagger", tags=["executions"])


class ExecutionsParameters(ListParameters):
    """Filters and order of the list of one workflow or pipeline."""

    status: ExecutionStatus | None = Field(None, description="Filter executions by status")
    sort: str | None = sort_by("id", "status", "created_at", "started_at", "completed_at")


class ExecutionParameters(ExecutionsParameters):
    """Filters and order of the list of all."""

    workflow_id: str | None = Field(None, min_length=1, max_length=255, description="Filter executions by workflow")
    pipeline_id: str | None = Field(None, min_length=1, max_length=255, description="Filter executions by pipeline")

    def store_query(self) -> ExecutionQuery:
        """Say it in the words of the store."""
        return ExecutionQuery(
            **self.paging,
            workflow=None if self.workflow_id is None else WorkflowId(self.workflow_id.lower()),
            pipeline=None if self.pipeline_id is None else PipelineId(self.pipeline_id.lower()),
            status=self.status,
        )


@router.get("/executions", **describe("list_executions", answer=ExecutionList, errors=(400, 401)))
async def list_executions(request: Request, _: Viewer, query: Annotated[ExecutionParameters, Query()]) -> Response:
    """List executions of all workflows and pipelines."""
    return await _page(request, query, query.store_query())


@router.get(
    "/workflows/{workflow_id}/executions",
    **describe("list_workflow_executions", answer=ExecutionList, errors=(400, 401, 404)),
)
async def list_workflow_executions(
    request: Request, _: Viewer, workflow_id: str, query: Annotated[ExecutionsParameters, Query()]
) -> Response:
    """List the executions of a workflow."""
    workflow = WorkflowId(uuid_of(workflow_id, "Workflow"))
    await services_of(request).store.workflow(workflow)
    return await execution_page(request, query, workflow=workflow)


async def execution_page(
    request: Request,
    query: ExecutionsParameters,
    *,
    workflow: WorkflowId | None = None,
    pipeline: PipelineId | None = None,
) -> Response:
    """Answer with a page of the executions of one workflow or pipeline."""
    chosen = ExecutionQuery(**query.paging, workflow=workflow, pipeline=pipeline, status=query.status)
    return await _page(request, query, chosen)


async def _page(request: Request, query: ExecutionsParameters, chosen: ExecutionQuery) -> Response:
    services = services_of(request)
    page = await services.store.executions(chosen)
    outline = services.operations.definitions.outline
    views = [execution_view(item, await outline(item.version_id)) for item in await explained(services, page.items)]
    return page_response("executions", views, page.total, query)


@router.get(
    "/executions/{execution_id}",
    dependencies=[NoQuery],
    **describe("get_execution", answer=Execution, errors=(400, 401, 404)),
)
async def get_execution(request: Request, _: Viewer, execution_id: str) -> Response:
    """Get an execution."""
    services = services_of(request)
    [execution] = await explained(services, [await services.store.execution(execution_id_of(execution_id))])
    outline = await services.operations.definitions.outline(execution.version_id)
    tail = await services.store.log_tail(execution.id, size=LOG_LIMIT)
    outputs = () if execution.pipeline_id is None else await services.store.outputs(execution.id)
    return json_response(execution_view(execution, outline, logs=merged_log(tail), outputs=outputs))


@router.delete(
    "/executions/{execution_id}",
    dependencies=[NoQuery],
    **describe("cancel_execution", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)),
)
async def cancel_execution(request: Request, _: Editor, execution_id: str) -> Response:
    """Cancel an execution; one that has ended is `invalid_state`."""
    await services_of(request).operations.cancel(execution_id_of(execution_id))
    return no_content()


async def explained(services: Services, executions: Sequence[ExecutionSummary]) -> Sequence[ExecutionSummary]:
    """Say what those wait for that no agent has taken yet; it changes with the agents, so it is not stored."""
    if all(execution.status is not ExecutionStatus.PENDING for execution in executions):
        return executions
    agents = await services.store.all_agents()
    return [
        replace(execution, waiting=reason_to_wait(agents, execution.requires))
        if execution.status is ExecutionStatus.PENDING
        else execution
        for execution in executions
    ]


def execution_id_of(text: str) -> ExecutionId:
    """Return the id of a path; raises ``NotFound`` for what can be none."""
    return ExecutionId(uuid_of(text, "Execution"))


async def step_of(services: Services, execution: ExecutionSummary, step: str) -> StepOutline:
    """Find a step in the version of the definition that was executed; raises ``NotFound``."""
    outline = await services.operations.definitions.outline(execution.version_id)
    found = next((each for each in outline if each.id == step), None)
    if found is None:
        raise NotFound("Step not found")
    return found
