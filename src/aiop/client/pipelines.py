"""``client.pipelines``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from aiop.client.effects import Flow, Request, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.definitions import Pipeline, PipelineSubmission, Source
from aiop.client.results.result import Json, Page

__all__ = ["Pipelines"]


_PATH = "/dagger/pipelines"
_SOURCES = "/dagger/sources"


def _of(pipeline: str) -> str:
    return f"{_PATH}/{quote(pipeline, safe='')}"


class Pipelines(Resource[D]):
    """Stored pipelines, and the sources that are uploaded for them. A document is a mapping as the API takes it."""

    @operation
    def create(self, document: Json) -> Flow[Pipeline]:
        """Store a pipeline: ``name``, ``source_directory`` and ``pipeline_definition`` at least."""
        return self._calls.ask(Request("POST", _PATH, json=document), Pipeline)

    @operation
    def get(self, pipeline: str) -> Flow[Pipeline]:
        """Read one by its id."""
        return self._calls.ask(Request("GET", _of(pipeline)), Pipeline)

    @operation
    def list(
        self, *, name: str | None = None, sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Flow[Page[Pipeline]]:
        """Read a page, newest first; ``name`` is a substring, ``sort`` like ``created_at:desc``."""
        query = {"name": name, "sort": sort}
        return page(self._calls, _PATH, "pipelines", Pipeline, limit=limit, offset=offset, query=query)

    @stream
    def iter(self, *, name: str | None = None, sort: str | None = None) -> Stream[Pipeline]:
        """Go through all pipelines, however many pages they fill."""
        query = {"name": name, "sort": sort}
        return every(self._calls, _PATH, "pipelines", Pipeline, ident="id", query=query)

    @operation
    def update(self, pipeline: str, changes: Json) -> Flow[Pipeline]:
        """Change the fields that ``changes`` names; executions under way keep what they started with."""
        return self._calls.ask(Request("PATCH", _of(pipeline), json=changes), Pipeline)

    @operation
    def delete(self, pipeline: str) -> Flow[None]:
        """Delete it with its executions; those under way are cancelled first."""
        yield from self._calls.send(Request("DELETE", _of(pipeline)))

    @operation
    def upload(self, archive: str | os.PathLike[str], *, progress: Callable[[int], None] | None = None) -> Flow[Source]:
        """Upload an archive (tar, compressed or not, or zip) as a source; its ``source_directory`` names it.

        ``progress`` is told how many bytes have been sent so far; after a broken connection it starts again at 0.
        A source that no pipeline names is removed some time after its last use.
        """
        request = Request("POST", _SOURCES, file=os.fspath(archive), sent=progress, repeatable=True)
        return self._calls.ask(request, Source)

    @operation
    def source(self, source: str) -> Flow[Source]:
        """Read what is known of an uploaded source; ``NotFound`` if it was removed."""
        return self._calls.ask(Request("GET", f"{_SOURCES}/{quote(source, safe='')}"), Source)

    @operation
    def execute(
        self,
        pipeline: str,
        inputs: Json | None = None,
        *,
        source_directory: str | None = None,
        skip_cache: bool = False,
        container_registry: str | None = None,
        container_credentials: Mapping[str, str] | None = None,
        workflow_defaults: Json | None = None,
        requires: Sequence[str] | None = None,
        ignore_unsupported: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[PipelineSubmission]:
        """Start an execution on a snapshot of the source; returns once both are durably stored.

        Safe to repeat, and takes ``requires`` and ``ignore_unsupported``, as ``workflows.execute`` does. Raises
        ``InvalidRequest`` with every fault of source, definition and inputs.
        """
        given = {
            "inputs": dict(inputs or {}),
            "source_directory": source_directory,
            "skip_cache": skip_cache or None,
            "container_registry": container_registry,
            "container_credentials": container_credentials,
            "workflow_defaults": workflow_defaults,
            "requires": None if requires is None else list(requires),
            "ignore_unsupported": ignore_unsupported,
        }
        request = Request(
            "POST",
            f"{_of(pipeline)}/execute",
            json={name: value for name, value in given.items() if value is not None},
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
            repeatable=True,
        )
        return self._calls.ask(request, PipelineSubmission)
