"""Definitions by version. A version is immutable, so what was made of it once is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiop.interfaces import ReadStore
from aiop.model.definition import Definition
from aiop.model.ids import StepId, VersionId
from aiop.operations.cache import WeightedCache
from aiop.spec import load_definition

__all__ = ["Definitions", "StepOutline", "off_loop_if_large"]

T = TypeVar("T")

_CAPACITY = 50_000
_LARGE = 64 * 1024


@dataclass(frozen=True, slots=True)
class StepOutline:
    """As much of a step as answers need."""

    id: StepId
    name: str
    depends_on: tuple[StepId, ...] = ()


class Definitions:
    """Reads definitions; holds those used last, up to some ten thousand steps in all."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store
        self._loaded: WeightedCache[VersionId, Definition] = WeightedCache(_CAPACITY)
        self._outlines: WeightedCache[VersionId, Sequence[StepOutline]] = WeightedCache(_CAPACITY)

    async def load(self, version: VersionId, document: str) -> Definition:
        """Return the checked definition of a version whose text the caller has at hand."""
        definition = self._loaded.get(version)
        if definition is None:
            definition = await off_loop_if_large(len(document), lambda: load_definition(document))
            self._loaded.put(version, definition, len(definition.steps))
        return definition

    async def outline(self, version: VersionId) -> Sequence[StepOutline]:
        """Return the steps in the order written; raises ``NotFound``.

        Nothing is checked: a definition that rules made later forbid can still be shown.
        """
        outline = self._outlines.get(version)
        if outline is None:
            outline = _outline_of(await self._store.document(version))
            self._outlines.put(version, outline, len(outline))
        return outline

    async def document(self, version: VersionId) -> Mapping[str, Any]:
        """Return a definition as it was sent; raises ``NotFound``."""
        text = await self._store.document(version)
        document: Mapping[str, Any] = await off_loop_if_large(len(text), lambda: json.loads(text))
        return document


async def off_loop_if_large(size: int, work: Callable[[], T]) -> T:
    """Do the work in a thread if it is on much text, so that other requests do not wait for it."""
    return work() if size < _LARGE else await asyncio.to_thread(work)


def _outline_of(document: str) -> Sequence[StepOutline]:
    return tuple(
        StepOutline(StepId(step["id"]), step.get("name") or step["id"], tuple(step.get("depends_on") or ()))
        for step in json.loads(document)["steps"]
    )
