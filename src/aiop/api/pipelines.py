"""``/dagger/pipelines``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationError

from aiop.api.access import Editor, Viewer
from aiop.api.executions import ExecutionsParameters, execution_page
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of, raw_body, uuid_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.executions import ExecutionList
from aiop.api.schemas.pipelines import (
    ExecutePipelineRequest,
    Pipeline,
    PipelineChanges,
    PipelineList,
    PipelineRequest,
    SubmittedPipeline,
)
from aiop.api.schemas.workflows import Validation
from aiop.api.services import services_of
from aiop.api.submissions import IdempotencyKey, submission_of
from aiop.api.tracing import CallerTrace
from aiop.errors import InvalidRequest
from aiop.interfaces import PipelineQuery
from aiop.model.ids import PipelineId
from aiop.model.pipelines import PipelineRecord
from aiop.model.state import ExecutionStatus
from aiop.operations import PipelineSubmission
from aiop.operations.merge import members
from aiop.spec import PipelineDocument, faults_of, parse_json

__all__ = ["router"]

router = APIRouter(prefix="/dagger/pipelines", tags=["pipelines"])

_DEFINITION = "pipeline_definition"


class PipelineParameters(ListParameters):
    """Filters and order of the list."""

    name: str | None = Field(None, max_length=255, description="Part of the name, case ignored")
    sort: str | None = sort_by("id", "name", "created_at", "updated_at")


@router.get("", **describe("list_pipelines", answer=PipelineList, errors=(400, 401)))
async def list_pipelines(request: Request, _: Viewer, query: Annotated[PipelineParameters, Query()]) -> Response:
    """List pipelines."""
    page = await services_of(request).store.pipelines(PipelineQuery(**query.paging, name=query.name))
    return page_response("pipelines", [_view(item) for item in page.items], page.total, query)


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_pipeline",
        answer=Pipeline,
        status=HTTPStatus.CREATED,
        takes=PipelineRequest,
        errors=(400, 401, 403, 413),
    ),
)
async def create_pipeline(request: Request, _: Editor) -> Response:
    """Create a pipeline."""
    fields = await _fields(request, PipelineRequest)
    record = await services_of(request).pipelines.create(fields)
    return json_response(_view(record), status=HTTPStatus.CREATED, headers={"Location": f"{router.prefix}/{record.id}"})


@router.post(
    "/validate",
    dependencies=[NoQuery],
    **describe("validate_pipeline", answer=Validation, takes=PipelineDocument, errors=(400, 401, 413)),
)
async def validate_pipeline(request: Request, _: Viewer) -> Response:
    """Check a definition as creation would check an inline one, and store nothing."""
    definition = await services_of(request).pipelines.validate(await raw_body(request))
    return json_response({"valid": True, "name": definition.name, "steps": len(definition.steps)})


@router.get(
    "/{pipeline_id}", dependencies=[NoQuery], **describe("get_pipeline", answer=Pipeline, errors=(400, 401, 404))
)
async def get_pipeline(request: Request, _: Viewer, pipeline_id: str) -> Response:
    """Get a pipeline."""
    return json_response(_view(await services_of(request).store.pipeline(_id(pipeline_id))))


@router.patch(
    "/{pipeline_id}",
    dependencies=[NoQuery],
    **describe("update_pipeline", answer=Pipeline, takes=PipelineChanges, errors=(400, 401, 403, 404, 413)),
)
async def update_pipeline(request: Request, _: Editor, pipeline_id: str) -> Response:
    """Change a pipeline; executions under way keep what they started with."""
    pipeline = _id(pipeline_id)
    fields = await _fields(request, PipelineChanges)
    return json_response(_view(await services_of(request).pipelines.update(pipeline, fields)))


@router.delete(
    "/{pipeline_id}",
    dependencies=[NoQuery],
    **describe("delete_pipeline", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)),
)
async def delete_pipeline(request: Request, _: Editor, pipeline_id: str) -> Response:
    """Delete a pipeline with its executions; those under way are cancelled first."""
    await services_of(request).pipelines.delete(_id(pipeline_id))
    return no_content()


@router.get(
    "/{pipeline_id}/executions",
    tags=["executions"],
    **describe("list_pipeline_executions", answer=ExecutionList, errors=(400, 401, 404)),
)
async def list_pipeline_executions(
    request: Request, _: Viewer, pipeline_id: str, query: Annotated[ExecutionsParameters, Query()]
) -> Response:
    """List the executions of a pipeline."""
    pipeline = _id(pipeline_id)
    await services_of(request).store.pipeline(pipeline)
    return await execution_page(request, query, pipeline=pipeline)


@router.post(
    "/{pipeline_id}/execute",
    dependencies=[NoQuery],
    tags=["executions"],
    **describe(
        "execute_pipeline",
        answer=SubmittedPipeline,
        status=HTTPStatus.CREATED,
        takes=ExecutePipelineRequest,
        required=False,
        errors=(400, 401, 403, 404, 409, 413),
    ),
)
async def execute_pipeline(
    request: Request,
    caller: Editor,
    pipeline_id: str,
    trace: CallerTrace,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Execute a pipeline on a snapshot of its source; answers once both are durably stored."""
    pipeline = _id(pipeline_id)
    body = await model_of(request, ExecutePipelineRequest, optional=True)
    submission = PipelineSubmission(
        submission_of(body, trace), source_directory=body.source_directory, skip_cache=body.skip_cache
    )
    operations = services_of(request).pipelines
    execution = await operations.submit(pipeline, submission, by=caller.username, key=idempotency_key)
    return json_response(
        {"execution_id": execution, "status": ExecutionStatus.PENDING, "pipeline_id": pipeline},
        status=HTTPStatus.CREATED,
        headers={"Location": f"/dagger/executions/{execution}"},
    )


def _id(text: str) -> PipelineId:
    return PipelineId(uuid_of(text, "Pipeline"))


async def _fields(request: Request, model: type[PipelineRequest | PipelineChanges]) -> dict[str, Any]:
    """Read the fields that were sent; the definition stays text, to be answered to the letter."""
    body = await raw_body(request)
    document = parse_json(body)
    try:
        sent = model.model_validate(document)
    except ValidationError as error:
        raise InvalidRequest(faults_of(error, document=model)) from None
    fields = sent.model_dump(include=sent.model_fields_set)
    if _DEFINITION in fields:
        del fields[_DEFINITION]
        fields["definition"] = members(body.decode())[_DEFINITION]
    return fields


def _view(pipeline: PipelineRecord) -> dict[str, Any]:
    timeout = pipeline.timeout_seconds
    return {
        "id": pipeline.id,
        "name": pipeline.name,
        "description": pipeline.description,
        "source_directory": pipeline.source_directory,
        _DEFINITION: orjson.Fragment(pipeline.definition),
        "caching_enabled": pipeline.caching_enabled,
        "timeout_seconds": timeout if timeout is None or timeout % 1 else int(timeout),
        "created_at": pipeline.created_at,
        "updated_at": pipeline.updated_at,
    }
