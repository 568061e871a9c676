"""``client.secrets``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiop.client.effects import Flow, Request, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.access import Secret
from aiop.client.results.result import Page

__all__ = ["Secrets"]

_PATH = "/secrets"


def _of(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


class Secrets(Resource[D]):
    """Named values for workflows. They can be set and replaced, and never read back."""

    @operation
    def put(self, name: str, value: str, *, description: str | None = None) -> Flow[Secret]:
        """Store a secret, or replace its value; without a description the one that is there stays. For admins."""
        body: dict[str, Any] = {"value": value}
        if description is not None:
            body["description"] = description
        return self._calls.ask(Request("PUT", _of(name), json=body), Secret)

    @operation
    def get(self, name: str) -> Flow[Secret]:
        """Read what may be shown of one."""
        return self._calls.ask(Request("GET", _of(name)), Secret)

    @operation
    def list(
        self, *, name: str | None = None, sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Flow[Page[Secret]]:
        """Read a page, newest first; ``name`` is a substring."""
        query = {"name": name, "sort": sort}
        return page(self._calls, _PATH, "secrets", Secret, limit=limit, offset=offset, query=query)

    @stream
    def iter(self, *, name: str | None = None, sort: str | None = None) -> Stream[Secret]:
        """Go through all secrets."""
        return every(self._calls, _PATH, "secrets", Secret, ident="name", query={"name": name, "sort": sort})

    @operation
    def delete(self, name: str) -> Flow[None]:
        """Delete one. What runs with it runs on; attempts that start later fail. For admins."""
        yield from self._calls.send(Request("DELETE", _of(name)))
