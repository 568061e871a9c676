"""Lists, a page at a time or as one stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from aiop.client.calls import Calls
from aiop.client.decode import decode
from aiop.client.effects import Emit, Flow, Request, Stream
from aiop.client.results.result import Page

__all__ = ["every", "page"]

T = TypeVar("T")

_LARGEST = 1000


def page(
    calls: Calls, path: str, key: str, kind: type[T], *, limit: int | None, offset: int, query: Mapping[str, Any]
) -> Flow[Page[T]]:
    """Read one page; its rows are under ``key``."""

    def parse(body: Mapping[str, Any]) -> Page[T]:
        rows = tuple(decode(kind, row) for row in body[key])
        return Page(items=rows, total=body["total"], limit=body["limit"], offset=body["offset"], raw=body)

    window = {"limit": limit, "offset": offset or None}
    return calls.read(Request("GET", path, query={**query, **window}), parse)


def every(calls: Calls, path: str, key: str, kind: type[T], *, ident: str, query: Mapping[str, Any]) -> Stream[T]:
    """Emit all rows, page after page.

    A row that slides to the next page because of newer ones before it is emitted once; ``ident`` names the field
    by which it is known again.
    """
    offset = 0
    before: set[Any] = set()
    while True:
        found = yield from page(calls, path, key, kind, limit=_LARGEST, offset=offset, query=query)
        for row in found.items:
            if getattr(row, ident) not in before:
                yield Emit(row)
        offset += len(found.items)
        before = {getattr(row, ident) for row in found.items}
        if not found.items or offset >= found.total:
            return
