"""``/dagger/sources``: sources that are uploaded, for pipelines whose files are on another machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from aiop.api.access import Editor, Viewer
from aiop.api.openapi import describe
from aiop.api.requests import NoQuery, uuid_of
from aiop.api.respond import json_response
from aiop.api.schemas.pipelines import Source
from aiop.api.services import services_of
from aiop.model.artifacts import Snapshot
from aiop.model.ids import UploadId

__all__ = ["router"]

router = APIRouter(prefix="/dagger/sources", tags=["pipelines"])


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "upload_source",
        answer=Source,
        status=HTTPStatus.CREATED,
        takes_bytes=True,
        errors=(400, 401, 403, 413),
    ),
)
async def upload_source(request: Request, _: Editor) -> Response:
    """Upload an archive (`.tar`, compressed or not, or `.zip`) as a source: the body is the archive itself."""
    upload, snapshot = await services_of(request).pipelines.upload(_chunks(request))
    return json_response(
        _view(upload, snapshot), status=HTTPStatus.CREATED, headers={"Location": f"{router.prefix}/{upload}"}
    )


@router.get("/{source_id}", dependencies=[NoQuery], **describe("get_source", answer=Source, errors=(400, 401, 404)))
async def get_source(request: Request, _: Viewer, source_id: str) -> Response:
    """Get an uploaded source. One that no pipeline names is removed some time after its last use."""
    upload = UploadId(uuid_of(source_id, "Source"))
    return json_response(_view(upload, await services_of(request).pipelines.uploaded(upload)))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _view(upload: UploadId, snapshot: Snapshot) -> dict[str, Any]:
    return {"id": upload, "source_directory": f"source:{upload}", "files": snapshot.files, "size": snapshot.size}
