"""What an execution of a pipeline hands out, and what the cache was for its steps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response

from aiop.api.access import Viewer
from aiop.api.executions import execution_id_of, step_of
from aiop.api.openapi import describe
from aiop.api.requests import NoQuery
from aiop.api.respond import json_response
from aiop.api.schemas.pipelines import CacheState
from aiop.api.services import services_of
from aiop.api.streaming import Streaming
from aiop.errors import ArtifactLost, NotFound
from aiop.model.artifacts import OutputKind
from aiop.model.pipelines import OutputRecord

__all__ = ["router"]

router = APIRouter(prefix="/dagger/executions/{execution_id}", tags=["executions"])

_CONTENT = {
    media_type: {"schema": {"type": "string", "format": "binary"}}
    for media_type in ("application/octet-stream", "application/gzip")
}


@router.get(
    "/outputs/{name}",
    dependencies=[NoQuery],
    **describe("get_execution_output", content=_CONTENT, errors=(400, 401, 404)),
)
async def get_execution_output(request: Request, _: Viewer, execution_id: str, name: str) -> Response:
    """Download a named output: a file as it is, a directory as `.tar.gz`. `ETag` is its SHA-256."""
    services = services_of(request)
    execution = await services.store.execution(execution_id_of(execution_id))
    outputs = await services.store.outputs(execution.id)
    found = next((each for each in outputs if each.name == name), None)
    if found is None:
        raise NotFound("Output not found")
    pieces = services.artifacts.read_output(execution.id, name)
    try:
        first = await anext(pieces, b"")
    except ArtifactLost:
        raise NotFound("The content of the output is lost") from None
    media_type = "application/octet-stream" if found.kind is OutputKind.FILE else "application/gzip"
    return Streaming(
        _all_of(first, pieces), media_type=media_type, stall=services.streams.stall, headers=_headers(found)
    )


@router.get(
    "/steps/{step}/cache",
    dependencies=[NoQuery],
    **describe("get_step_cache", answer=CacheState, errors=(400, 401, 404)),
)
async def get_step_cache(request: Request, _: Viewer, execution_id: str, step: str) -> Response:
    """Tell whether a step's result came from the cache, and if not, what has changed since the run before."""
    services = services_of(request)
    execution = await services.store.execution(execution_id_of(execution_id))
    asked = await step_of(services, execution, step)
    found = await services.pipelines.explain(execution.id, execution.pipeline_id, asked.id)
    view: dict[str, Any] = {
        "execution_id": execution.id,
        "step": asked.id,
        "cache": found.use,
        "reason": found.reason,
        "detail": found.detail,
        "key": found.key,
    }
    if found.origin is not None:
        view["from_execution"] = found.origin
    view |= {"compared_with": found.compared_with, "changed": list(found.changed)}
    return json_response(view)


async def _all_of(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    if first:
        yield first
    async for piece in rest:
        yield piece


def _headers(output: OutputRecord) -> dict[str, str]:
    file = output.name if output.kind is OutputKind.FILE else f"{output.name}.tar.gz"
    return {
        "Content-Length": str(output.size),
        "Content-Disposition": f'attachment; filename="{file}"',
        "ETag": f'"{output.sha256}"',
    }
