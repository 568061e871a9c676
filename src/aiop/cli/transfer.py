"""How far a transfer of bytes is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

__all__ = ["Told", "transfer"]

Told: TypeAlias = Callable[[int], None]
"""Is told how many bytes are done."""

_SHORT = 0.3
"""Seconds; what takes no longer is not worth a bar."""
_NARROW = 60


@contextmanager
def transfer(what: str, size: int | None, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Told]:
    """Show a bar on stderr for what takes a while, if somebody can see it; it leaves nothing behind.

    Without a ``size`` there is no end to be seen, only how much is done.
    """
    from aiop.cli.output import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda _: None
        return
    from rich import progress

    columns: list[progress.ProgressColumn] = [progress.TextColumn("{task.description}", markup=False)]
    columns += [progress.FileSizeColumn()] if size is None else [progress.BarColumn(None), progress.DownloadColumn()]
    if screen.width >= _NARROW:
        columns += [progress.TransferSpeedColumn(), *([progress.TimeRemainingColumn()] if size else [])]
    bar = progress.Progress(*columns, console=screen, transient=True, expand=size is not None)
    task = bar.add_task(what, total=size)
    begun = clock()

    def told(done: int) -> None:
        bar.update(task, completed=done)
        if not bar.live.is_started and clock() - begun > _SHORT:
            bar.start()

    try:
        yield told
    finally:
        bar.stop()
