"""``client.workflows``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiop.client.effects import Flow, Request, Stream
from aiop.client.errors import InvalidRequest
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.definitions import Submission, Validation, Version, Workflow
from aiop.client.results.result import Json, Page
from aiop.model.state import ExecutionStatus

__all__ = ["Workflows"]


_PATH = "/dagger/workflows"


def _of(workflow: str) -> str:
    return f"{_PATH}/{quote(workflow, safe='')}"


class Workflows(Resource[D]):
    """Stored workflow definitions. A document is a mapping as the API takes it."""

    @operation
    def create(self, document: Json) -> Flow[Workflow]:
        """Store a definition; raises ``InvalidRequest`` with every fault of it."""
        request = Request("POST", _PATH, json=document)
        return self._calls.ask(request, Workflow)

    @operation
    def get(self, workflow: str) -> Flow[Workflow]:
        """Read one by its id."""
        return self._calls.ask(Request("GET", _of(workflow)), Workflow)

    @operation
    def list(
        self,
        *,
        status: ExecutionStatus | str | None = None,
        name: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Flow[Page[Workflow]]:
        """Read a page, newest first; ``name`` is a substring, ``sort`` like ``created_at:desc``."""
        query = {"status": status, "name": name, "sort": sort}
        return page(self._calls, _PATH, "workflows", Workflow, limit=limit, offset=offset, query=query)

    @stream
    def iter(
        self, *, status: ExecutionStatus | str | None = None, name: str | None = None, sort: str | None = None
    ) -> Stream[Workflow]:
        """Go through all workflows, however many pages they fill."""
        query = {"status": status, "name": name, "sort": sort}
        return every(self._calls, _PATH, "workflows", Workflow, ident="id", query=query)

    @operation
    def update(self, workflow: str, changes: Json) -> Flow[Workflow]:
        """Change the fields that ``changes`` names; executions under way keep the version they started with."""
        request = Request("PATCH", _of(workflow), json=changes)
        return self._calls.ask(request, Workflow)

    @operation
    def versions(
        self, workflow: str, *, sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Flow[Page[Version]]:
        """Read a page of the versions of its definition, newest first; each change has made one."""
        path = f"{_of(workflow)}/versions"
        return page(self._calls, path, "versions", Version, limit=limit, offset=offset, query={"sort": sort})

    @operation
    def version(self, workflow: str, number: int) -> Flow[Version]:
        """Read a version of its definition."""
        return self._calls.ask(Request("GET", f"{_of(workflow)}/versions/{number}"), Version)

    @operation
    def delete(self, workflow: str) -> Flow[None]:
        """Delete it with its executions; those under way are cancelled first."""
        yield from self._calls.send(Request("DELETE", _of(workflow)))

    @operation
    def validate(self, document: Json) -> Flow[Validation]:
        """Check a definition without storing it."""
        try:
            yield from self._calls.send(Request("POST", f"{_PATH}/validate", json=document, repeatable=True))
        except InvalidRequest as error:
            return Validation(faults=error.faults)
        return Validation()

    @operation
    def execute(
        self,
        workflow: str,
        inputs: Json | None = None,
        *,
        container_registry: str | None = None,
        container_credentials: Mapping[str, str] | None = None,
        workflow_defaults: Json | None = None,
        requires: Sequence[str] | None = None,
        ignore_unsupported: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Submission]:
        """Start an execution; returns once it is durably accepted.

        ``requires`` are capabilities that its agent must have; ``ignore_unsupported`` lets it run also where the engine
        cannot give limits that it asks for.

        Safe to repeat: the request carries an ``Idempotency-Key``. One is made for each call; give your own to be safe
        across restarts of your program too.
        """
        given = {
            "inputs": dict(inputs or {}),
            "container_registry": container_registry,
            "container_credentials": container_credentials,
            "workflow_defaults": workflow_defaults,
            "requires": None if requires is None else list(requires),
            "ignore_unsupported": ignore_unsupported,
        }
        request = Request(
            "POST",
            f"{_of(workflow)}/execute",
            json={name: value for name, value in given.items() if value is not None},
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
            repeatable=True,
        )
        return self._calls.ask(request, Submission)
