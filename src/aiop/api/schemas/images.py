"""Images of the embedded engine."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aiop.model.images import ImageConfig

__all__ = ["Image", "ImageDefaults", "ImageList", "ImageOrigin", "ImagePullRequest", "ImagesImported", "ImagesPruned"]

Words = Annotated[list[Annotated[str, Field(max_length=65536)]], Field(max_length=1000)]


class ImageOrigin(enum.StrEnum):
    """Where an image is taken from."""

    REGISTRY = "registry"
    DOCKER = "docker"


class RegistryLogin(BaseModel):
    """Who to be at the registry of an image; used for this call and not kept."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    registry: str | None = Field(None, max_length=255, description="That of the image if it is not sent")
    username: str = Field(min_length=1, max_length=1024, repr=False)
    password: str = Field(min_length=1, max_length=65536, repr=False)


class ImagePullRequest(BaseModel):
    """Which image is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    image: str = Field(min_length=1, max_length=512, description="As in a step's `container.image`")
    origin: ImageOrigin = Field(
        ImageOrigin.REGISTRY, strict=False, description="`docker`: the Docker Engine of the service's machine"
    )
    credentials: RegistryLogin | None = None


class ImageDefaults(BaseModel):
    """What a container of an image has unless its step says otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)

    entrypoint: Words = []
    cmd: Words = []
    env: Words = Field([], description="Of `NAME=value`")
    user: str = Field("", max_length=255)
    working_dir: str = Field("", max_length=4096)
    volumes: Words = []
    stop_signal: str | None = Field(None, max_length=32)
    labels: dict[str, str] = {}

    def config(self) -> ImageConfig:
        """Give what the model calls so."""
        return ImageConfig(
            entrypoint=tuple(self.entrypoint),
            cmd=tuple(self.cmd),
            env=tuple(self.env),
            user=self.user,
            working_dir=self.working_dir,
            volumes=tuple(self.volumes),
            stop_signal=self.stop_signal,
            labels=self.labels,
        )


class Image(BaseModel):
    """An image that is there."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="Digest of its configuration")
    digest: str = Field(description="Digest under which its registry knows it, else the id; attempts show it")
    names: list[str]
    size: int = Field(description="Bytes of its layers, of which it may share some with others")
    layers: int
    used_at: datetime
    imported: bool = Field(description="It came from no registry: only `imported` lets a clean-up remove it")
    holders: int = Field(description="Attempts that use it now; it is not removed meanwhile")


class ImageList(BaseModel):
    """A page of images."""

    model_config = ConfigDict(extra="forbid")

    images: list[Image]
    total: int
    limit: int
    offset: int


class ImagesImported(BaseModel):
    """What an archive held."""

    model_config = ConfigDict(extra="forbid")

    images: list[Image]


class ImagesPruned(BaseModel):
    """What a clean-up took away."""

    model_config = ConfigDict(extra="forbid")

    images: int
    size: int = Field(description="Bytes that are free now")
