"""``/images``: the images that the embedded engine runs. Other engines keep their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiop.api.access import Admin, Viewer
from aiop.api.openapi import describe
from aiop.api.paging import Count, ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of
from aiop.api.respond import json_response
from aiop.api.schemas.images import (
    Image,
    ImageDefaults,
    ImageList,
    ImageOrigin,
    ImagePullRequest,
    ImagesImported,
    ImagesPruned,
)
from aiop.api.services import services_of
from aiop.errors import Fault, InvalidRequest
from aiop.model.images import KeptImage
from aiop.model.registry import registry_of
from aiop.model.run import Credentials
from aiop.spec import faults_of

__all__ = ["router"]

router = APIRouter(prefix="/images", tags=["images"])


class ImageParameters(ListParameters):
    """Filters and order of the list."""

    name: str | None = Field(None, max_length=255, description="Part of a name, case ignored")
    sort: str | None = sort_by("digest", "size", "used_at")


class ImportParameters(BaseModel):
    """What is to become of the archive."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        None, min_length=1, max_length=512, description="How the image is called; if the archive says it, not needed"
    )
    root: bool = Field(False, description="The archive holds a root file system, and no image")
    config: str | None = Field(
        None, max_length=65536, description='For a root file system: `ImageDefaults` as JSON, such as `{"cmd": ["sh"]}`'
    )


class PruneParameters(BaseModel):
    """How much goes."""

    model_config = ConfigDict(extra="forbid")

    keep_bytes: Count | None = Field(
        None, description="How much of the images may stay; by default `AIOP_IMAGES_LIMIT_BYTES`"
    )
    imported: bool = Field(False, description="Also what came from no registry, and cannot be had again")


@router.get("", **describe("list_images", answer=ImageList, errors=(400, 401)))
async def list_images(request: Request, _: Viewer, query: Annotated[ImageParameters, Query()]) -> Response:
    """List the images, the one used last first."""
    images = list(await services_of(request).images.list())
    if query.name is not None:
        images = [image for image in images if any(query.name.lower() in name.lower() for name in image.names)]
    if field := query.paging["sort"]:
        images.sort(key=lambda image: (getattr(image, field), image.digest), reverse=query.paging["descending"])
    page = images[query.offset : query.offset + query.limit]
    return page_response("images", [asdict(image) for image in page], len(images), query)


@router.post(
    "/pull",
    dependencies=[NoQuery],
    **describe("pull_image", answer=Image, takes=ImagePullRequest, errors=(400, 401, 403, 413)),
)
async def pull_image(request: Request, _: Admin) -> Response:
    """Get what an image's name stands for at its registry now, or take an image over from Docker."""
    body = await model_of(request, ImagePullRequest)
    images = services_of(request).images
    if body.origin is ImageOrigin.DOCKER:
        if body.credentials is not None:
            raise InvalidRequest.at("credentials", "Only a registry asks for credentials")
        return json_response(asdict(await images.take_from_docker(body.image)))
    login, credentials = body.credentials, None
    if login is not None:
        credentials = Credentials(login.registry or registry_of(body.image), login.username, login.password)
    return json_response(asdict(await images.pull(body.image, credentials)))


@router.post(
    "/import",
    **describe(
        "import_images", answer=ImagesImported, takes_bytes=True, status=HTTPStatus.OK, errors=(400, 401, 403, 413)
    ),
)
async def import_images(request: Request, _: Admin, query: Annotated[ImportParameters, Query()]) -> Response:
    """Import the archive that is the body: images as `docker save` or OCI tools write them, or a root file system."""
    images = services_of(request).images
    imported: list[KeptImage]
    if query.root:
        if query.name is None:
            raise InvalidRequest([Fault("name", "A root file system needs a name")], "Invalid parameters")
        imported = [await images.import_root(_chunks(request), query.name, _defaults(query.config).config())]
    elif query.config is not None:
        raise InvalidRequest([Fault("config", "An image has a configuration of its own")], "Invalid parameters")
    else:
        imported = list(await images.import_archive(_chunks(request), query.name))
    return json_response({"images": [asdict(image) for image in imported]})


@router.post("/prune", **describe("prune_images", answer=ImagesPruned, errors=(400, 401, 403)))
async def prune_images(request: Request, _: Admin, query: Annotated[PruneParameters, Query()]) -> Response:
    """Remove images that no attempt uses, those used least recently first, until the others fit into the limit."""
    return json_response(asdict(await services_of(request).images.prune(query.keep_bytes, imported=query.imported)))


def _defaults(text: str | None) -> ImageDefaults:
    try:
        return ImageDefaults.model_validate_json(text or "{}")
    except ValidationError as error:
        raise InvalidRequest(faults_of(error, "config"), "Invalid parameters") from None


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk
