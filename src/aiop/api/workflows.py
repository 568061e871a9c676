"""``/dagger/workflows``."""

from __future__ import annotations

import re
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aiop.api.access import Editor, Viewer
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of, raw_body, uuid_of
from aiop.api.respond import json_bytes, json_response, no_content, rfc3339
from aiop.api.schemas.executions import ExecuteRequest, Submitted
from aiop.api.schemas.workflows import Validation, Version, VersionList, Workflow, WorkflowList
from aiop.api.services import services_of
from aiop.api.submissions import IdempotencyKey, submission_of
from aiop.api.tracing import CallerTrace
from aiop.errors import NotFound
from aiop.interfaces import PageQuery, WorkflowQuery
from aiop.model.agent import LACKING, Ability, EngineType
from aiop.model.ids import WorkflowId
from aiop.model.records import WorkflowRecord
from aiop.model.state import ExecutionStatus
from aiop.operations import lacking
from aiop.spec import WorkflowDocument

__all__ = ["router"]

router = APIRouter(prefix="/dagger/workflows", tags=["workflows"])


class WorkflowParameters(ListParameters):
    """Filters and order of the list."""

    status: ExecutionStatus | None = Field(None, description="Filter workflows by status")
    name: str | None = Field(None, max_length=255, description="Part of the name, case ignored")
    sort: str | None = sort_by("id", "name", "status", "created_at", "updated_at")


@router.get("", **describe("list_workflows", answer=WorkflowList, errors=(400, 401)))
async def list_workflows(request: Request, _: Viewer, query: Annotated[WorkflowParameters, Query()]) -> Response:
    """List workflows."""
    page = await services_of(request).store.workflows(
        WorkflowQuery(**query.paging, status=query.status, name=query.name)
    )
    return page_response("workflows", [asdict(item) for item in page.items], page.total, query)


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_workflow",
        answer=Workflow,
        status=HTTPStatus.CREATED,
        takes=WorkflowDocument,
        errors=(400, 401, 403, 413),
    ),
)
async def create_workflow(request: Request, _: Editor) -> Response:
    """Create a workflow."""
    record = await services_of(request).operations.create_workflow(await raw_body(request))
    return _answer(record, status=HTTPStatus.CREATED, headers={"Location": f"{router.prefix}/{record.id}"})


class ValidationParameters(BaseModel):
    """What else to tell of a definition."""

    model_config = ConfigDict(extra="forbid")

    engine: EngineType | None = Field(
        None, description="Tell what of the definition engines of this type cannot do, and what they can"
    )


@router.post(
    "/validate",
    **describe("validate_workflow", answer=Validation, takes=WorkflowDocument, errors=(400, 401, 413)),
)
async def validate_workflow(request: Request, _: Viewer, query: Annotated[ValidationParameters, Query()]) -> Response:
    """Check a definition as creation would, and store nothing."""
    definition = await services_of(request).operations.validate(await raw_body(request))
    answer: dict[str, Any] = {"valid": True, "name": definition.name, "steps": len(definition.steps)}
    if query.engine is not None:
        lacks = LACKING.get(query.engine, frozenset())
        answer["engine"] = {
            "type": query.engine,
            "abilities": {ability.value: ability not in lacks for ability in Ability},
            "unsupported": [asdict(fault) for fault in lacking(definition, query.engine)],
        }
    return json_response(answer)


@router.get(
    "/{workflow_id}",
    dependencies=[NoQuery],
    **describe("get_workflow", answer=Workflow, errors=(400, 401, 404)),
)
async def get_workflow(request: Request, _: Viewer, workflow_id: str) -> Response:
    """Get a workflow."""
    return _answer(await services_of(request).store.workflow(_id(workflow_id)))


class VersionsParameters(ListParameters):
    """Order of the list."""

    sort: str | None = sort_by("number")


@router.get("/{workflow_id}/versions", **describe("list_versions", answer=VersionList, errors=(400, 401, 404)))
async def list_versions(
    request: Request, _: Viewer, workflow_id: str, query: Annotated[VersionsParameters, Query()]
) -> Response:
    """List the versions of the definition of a workflow; each change has made one."""
    store = services_of(request).store
    workflow = await store.workflow(_id(workflow_id))
    page = await store.versions(workflow.id, PageQuery(**query.paging))
    return page_response("versions", [asdict(item) for item in page.items], page.total, query)


@router.get(
    "/{workflow_id}/versions/{number}",
    dependencies=[NoQuery],
    **describe("get_version", answer=Version, errors=(400, 401, 404)),
)
async def get_version(request: Request, _: Viewer, workflow_id: str, number: str) -> Response:
    """Get a version of the definition of a workflow, as it was sent."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise NotFound("Version not found")
    store = services_of(request).store
    workflow = await store.workflow(_id(workflow_id))
    version = await store.version(workflow.id, int(number))
    head = json_bytes({"number": version.number, "created_at": rfc3339(version.created_at)})[:-1]
    content = b"".join((head, b',"definition":', version.document.encode(), b"}"))
    return Response(content, media_type="application/json")


@router.patch(
    "/{workflow_id}",
    dependencies=[NoQuery],
    **describe("update_workflow", answer=Workflow, takes="WorkflowChanges", errors=(400, 401, 403, 404, 413)),
)
async def update_workflow(request: Request, _: Editor, workflow_id: str) -> Response:
    """Change a workflow; executions under way keep the definition that they started with."""
    operations = services_of(request).operations
    return _answer(await operations.update_workflow(_id(workflow_id), await raw_body(request)))


@router.delete(
    "/{workflow_id}",
    dependencies=[NoQuery],
    **describe("delete_workflow", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)),
)
async def delete_workflow(request: Request, _: Editor, workflow_id: str) -> Response:
    """Delete a workflow with its executions; those under way are cancelled first."""
    await services_of(request).operations.delete_workflow(_id(workflow_id))
    return no_content()


@router.post(
    "/{workflow_id}/execute",
    dependencies=[NoQuery],
    tags=["executions"],
    **describe(
        "execute_workflow",
        answer=Submitted,
        status=HTTPStatus.CREATED,
        takes=ExecuteRequest,
        required=False,
        errors=(400, 401, 403, 404, 409, 413),
    ),
)
async def execute_workflow(
    request: Request,
    caller: Editor,
    workflow_id: str,
    trace: CallerTrace,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Execute a workflow; answers once the execution is durably stored."""
    workflow = _id(workflow_id)
    body = await model_of(request, ExecuteRequest, optional=True)
    submission = submission_of(body, trace)
    operations = services_of(request).operations
    execution = await operations.submit(workflow, submission, by=caller.username, key=idempotency_key)
    return json_response(
        {"execution_id": execution, "status": ExecutionStatus.PENDING, "workflow_id": workflow},
        status=HTTPStatus.CREATED,
        headers={"Location": f"/dagger/executions/{execution}"},
    )


def _id(text: str) -> WorkflowId:
    return WorkflowId(uuid_of(text, "Workflow"))


def _answer(record: WorkflowRecord, *, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    # Put together as text, so that the definition is answered to the letter as it was sent.
    state = {
        "status": record.status,
        "created_at": rfc3339(record.created_at),
        "updated_at": rfc3339(record.updated_at) if record.updated_at else None,
    }
    head = json_bytes({"id": record.id})[:-1]
    definition = record.document.strip()[1:-1].encode()
    content = b"".join((head, b",", definition, b",", json_bytes(state)[1:]))
    return Response(content, status_code=status, headers=headers, media_type="application/json")
