"""What a command has left in an image without a shell, asked of the engine file by file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.engines.dagger.wrapping import AIOP_OUTPUT, OUTPUT_FILE_LIMIT, Left
from aiop.model.run import OUTPUT_LIMIT, OutputFile

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["left_in"]


async def left_in(container: Container, paths: Mapping[str, str], directory: Path) -> Left:
    """Return the exit code and what exists of the outputs; a size is looked at before anything is fetched."""
    outputs: dict[str, OutputFile] = {}
    for number, (name, path) in enumerate(paths.items()):
        if (output := await _output(container, path, directory / f"output{number}", limit=OUTPUT_LIMIT)) is not None:
            outputs[name] = output
    file = await _output(container, AIOP_OUTPUT, directory / "output", limit=OUTPUT_FILE_LIMIT)
    return Left(await container.exit_code(), output_file=file, outputs=outputs)


async def _output(container: Container, path: str, place: Path, *, limit: int) -> OutputFile | None:
    from dagger import ExistsType

    if not await container.exists(path):
        return None
    if not await container.exists(path, expected_type=ExistsType.REGULAR_TYPE):
        return OutputFile(None, f"{path} is no regular file")
    file = container.file(path)
    if await file.size() > limit:
        return OutputFile(None, f"{path} is larger than {limit} bytes")
    await file.export(str(place))
    return OutputFile(await asyncio.to_thread(place.read_bytes))
