"""How the API describes itself."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from aiop.api.access import BEARER
from aiop.api.schemas.agents import AgentChange, AgentItem, AgentList, AgentRequest
from aiop.api.schemas.auth import ApiTokenRequest, LoginForm, RefreshRequest, UserChange, UserRequest
from aiop.api.schemas.errors import Error
from aiop.api.schemas.executions import ExecuteRequest, Execution, ExecutionList, Submitted
from aiop.api.schemas.images import ImagePullRequest
from aiop.api.schemas.monitoring import Status
from aiop.api.schemas.pipelines import (
    ExecutePipelineRequest,
    Pipeline,
    PipelineChanges,
    PipelineList,
    PipelineRequest,
    SubmittedPipeline,
)
from aiop.api.schemas.secrets import SecretRequest
from aiop.api.schemas.workflows import Workflow, WorkflowList
from aiop.spec import PipelineDocument, WorkflowDocument

__all__ = ["describe", "install"]

_REF = "#/components/schemas/{model}"
_CHANGES = "WorkflowChanges"
_BODIES: tuple[type[BaseModel], ...] = (
    AgentChange,
    AgentRequest,
    ApiTokenRequest,
    ExecutePipelineRequest,
    ExecuteRequest,
    ImagePullRequest,
    LoginForm,
    PipelineChanges,
    PipelineDocument,
    PipelineRequest,
    RefreshRequest,
    SecretRequest,
    UserChange,
    UserRequest,
    WorkflowDocument,
)
_WITH_EXAMPLE: tuple[type[BaseModel], ...] = (
    AgentItem,
    AgentList,
    AgentRequest,
    Error,
    ExecutePipelineRequest,
    ExecuteRequest,
    Execution,
    ExecutionList,
    Pipeline,
    PipelineDocument,
    PipelineList,
    PipelineRequest,
    Status,
    Submitted,
    SubmittedPipeline,
    Workflow,
    WorkflowDocument,
    WorkflowList,
)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    201: {"Location": {"description": "Path of what was made", "schema": {"type": "string"}}},
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
_WHEN = {
    400: "The request was invalid",
    401: "Authentication is required",
    403: "The role of the caller is too low",
    404: "The resource was not found",
    409: "The `Idempotency-Key` was used with another request",
    413: "The body is too large",
    429: "Too many failed attempts",
    500: "An error occurred on the server",
    503: "The service cannot work now",
}


def describe(
    operation_id: str,
    *,
    answer: type[BaseModel] | None = None,
    status: int = HTTPStatus.OK,
    or_status: int | None = None,
    or_empty: bool = False,
    content: Mapping[str, Any] | None = None,
    takes: type[BaseModel] | str | None = None,
    media_type: str = "application/json",
    required: bool = True,
    takes_bytes: bool = False,
    errors: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Make the arguments with which a route is declared.

    ``answer`` (or ``content``, where it is not JSON) is that of ``status``, and of ``or_status``; ``or_empty`` says
    that there may be none (204). ``takes`` names the body, which the route reads by itself, as it does ``takes_bytes``.
    ``errors`` are those besides 500 and 503, which every route may answer.
    """
    responses: dict[int | str, dict[str, Any]] = {
        int(each): {"description": HTTPStatus(each).phrase} for each in (status, or_status) if each is not None
    }
    for success in responses.values():
        if answer is not None:
            success["model"] = answer
        if content is not None:
            success["content"] = content
    if or_empty:
        responses[HTTPStatus.NO_CONTENT] = {"description": HTTPStatus.NO_CONTENT.phrase}
    for error in (*errors, 500, 503):
        responses[error] = {"model": Error, "description": _WHEN[error]}
    for code, response in responses.items():
        if headers := _HEADERS.get(int(code)):
            response["headers"] = headers
    declared: dict[str, Any] = {
        "operation_id": operation_id,
        "status_code": int(status),
        "response_model": None,
        "responses": responses,
    }
    if takes_bytes:
        content_of_bytes = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        declared["openapi_extra"] = {"requestBody": {"required": True, "content": content_of_bytes}}
    if takes is not None:
        name = takes if isinstance(takes, str) else takes.__name__
        schema = {"$ref": _REF.format(model=name)}
        body = {"required": required, "content": {media_type: {"schema": schema}}}
        declared["openapi_extra"] = {"requestBody": body}
    return declared


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` give the whole description; it is built once."""
    app.openapi = lambda: _cached(app)  # type: ignore[method-assign]


def _cached(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = _build(app)
    return app.openapi_schema


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    components = document["components"]
    _, bodies = models_json_schema([(model, "validation") for model in _BODIES], ref_template=_REF)
    components["schemas"] |= bodies["$defs"]
    components["schemas"][_CHANGES] = _changes_of(components["schemas"][WorkflowDocument.__name__])
    for model in _WITH_EXAMPLE:
        # Pydantic sorts the fields of examples; they are to be read as they are sent.
        extra = cast("dict[str, Any]", model.model_config.get("json_schema_extra"))
        components["schemas"][model.__name__] |= extra
    # FastAPI's own answer to a fault, which this API never gives.
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"]["password"] = {
        "type": "oauth2",
        "flows": {"password": {"tokenUrl": "/auth/token", "refreshUrl": "/auth/refresh", "scopes": {}}},
    }
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            if operation.get("security"):
                operation["security"] = [{BEARER: []}, {"password": []}]
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return document


def _changes_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the body of PATCH: any of the fields."""
    changes = {name: value for name, value in schema.items() if name not in ("required", "examples")}
    return {
        **changes,
        "title": _CHANGES,
        "description": "The fields to change; those not sent stay as they are. A field that is sent is replaced whole.",
        "examples": [
            {
                "name": "Updated Workflow",
                "description": "Updated description",
                "steps": [
                    {
                        "id": "step1",
                        "name": "Updated Step 1",
                        "container": {"image": "python:3.9-slim", "command": ["python", "updated.py"]},
                    }
                ],
            }
        ],
    }
