"""``client.images``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from aiop.client.effects import Flow, Request, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.result import Page
from aiop.client.results.service import Image, ImagesImported, ImagesPruned

__all__ = ["Images"]

_PATH = "/images"
_PATIENCE = 3600.0
"""Seconds; a registry may be slow, and says nothing meanwhile."""


def _pull(body: Mapping[str, Any]) -> Request:
    return Request("POST", f"{_PATH}/pull", json=body, repeatable=True, read_timeout=_PATIENCE)


class Images(Resource[D]):
    """The images of the embedded engine; ``InvalidState`` where no agent has it. Changes are for admins."""

    @operation
    def list(
        self, *, name: str | None = None, sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Flow[Page[Image]]:
        """Read a page, the one used last first; ``name`` is a substring, ``sort`` like ``size:desc``."""
        query = {"name": name, "sort": sort}
        return page(self._calls, _PATH, "images", Image, limit=limit, offset=offset, query=query)

    @stream
    def iter(self, *, name: str | None = None, sort: str | None = None) -> Stream[Image]:
        """Go through all images."""
        return every(self._calls, _PATH, "images", Image, ident="digest", query={"name": name, "sort": sort})

    @operation
    def pull(self, image: str, *, username: str | None = None, password: str | None = None) -> Flow[Image]:
        """Get what the name stands for at its registry now; returns once it is there."""
        body: dict[str, Any] = {"image": image}
        if username is not None:
            body["credentials"] = {"username": username, "password": password or ""}
        return self._calls.ask(_pull(body), Image)

    @operation
    def take_from_docker(self, image: str) -> Flow[Image]:
        """Copy an image of the Docker Engine of the service's machine."""
        body = {"image": image, "origin": "docker"}
        return self._calls.ask(_pull(body), Image)

    @operation
    def import_archive(
        self,
        archive: str | os.PathLike[str],
        name: str | None = None,
        *,
        root: bool = False,
        config: Mapping[str, Any] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Flow[ImagesImported]:
        """Upload an archive: of images (``docker save``, OCI), or with ``root`` of a root file system.

        A root file system needs a ``name``, and may have a ``config`` with ``entrypoint``, ``cmd``, ``env``, ``user``,
        ``working_dir``, ``volumes``, ``stop_signal`` and ``labels``. ``progress`` is told how many bytes were sent.
        """
        query = {
            "name": name,
            "root": "true" if root else None,
            "config": None if config is None else json.dumps(config),
        }
        request = Request(
            "POST",
            f"{_PATH}/import",
            query=query,
            file=os.fspath(archive),
            sent=progress,
            repeatable=True,
            read_timeout=_PATIENCE,
        )
        return self._calls.ask(request, ImagesImported)

    @operation
    def prune(self, *, keep_bytes: int | None = None, imported: bool = False) -> Flow[ImagesPruned]:
        """Remove what no attempt uses until ``keep_bytes`` are left, by default the service's limit.

        What was imported goes only with ``imported``: it cannot be pulled again.
        """
        query = {"keep_bytes": keep_bytes, "imported": "true" if imported else None}
        return self._calls.ask(Request("POST", f"{_PATH}/prune", query=query, read_timeout=_PATIENCE), ImagesPruned)
