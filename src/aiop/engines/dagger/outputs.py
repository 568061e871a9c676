"""Declared outputs of an image without a shell, asked of the engine one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.model.run import OUTPUT_LIMIT, OutputFile

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["outputs_of"]


async def outputs_of(container: Container, paths: Mapping[str, str], directory: Path) -> dict[str, OutputFile]:
    """Return those that exist; the size is looked at before anything is fetched."""
    found: dict[str, OutputFile] = {}
    for number, (name, path) in enumerate(paths.items()):
        if (output := await _output(container, path, directory / f"output{number}")) is not None:
            found[name] = output
    return found


async def _output(container: Container, path: str, place: Path) -> OutputFile | None:
    from dagger import ExistsType

    if not await container.exists(path):
        return None
    if not await container.exists(path, expected_type=ExistsType.REGULAR_TYPE):
        return OutputFile(None, f"{path} is no regular file")
    file = container.file(path)
    if await file.size() > OUTPUT_LIMIT:
        return OutputFile(None, f"{path} is larger than {OUTPUT_LIMIT} bytes")
    await file.export(str(place))
    return OutputFile(await asyncio.to_thread(place.read_bytes))
