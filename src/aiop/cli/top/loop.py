"""Looks again and again, and shows what it sees."""

from __future__ import annotations

import contextlib
import json

from rich.live import Live

from aiop.cli.options import Format
from aiop.cli.output import console, put, show
from aiop.cli.text import now
from aiop.cli.top.keys import Wait, keyboard
from aiop.cli.top.load import Load, Names, as_data, look
from aiop.cli.top.view import TopView
from aiop.client import Client, ServiceUnreachable, Unavailable

__all__ = ["follow", "look_once"]

_ROWS = 30
_QUIT = frozenset("qQ\x1b\x04")
_FRAMES_PER_SECOND = 4


class _Looks:
    """Looks at one service; the newest is ``load``, the one that its rates begin at ``before``."""

    def __init__(self, client: Client, server: str) -> None:
        self._client = client
        self._server = server
        self._names = Names()
        self.before: Load | None = None
        self.load = self._look()

    def again(self) -> None:
        """Look once more; if that fails all stays as it was."""
        load = self._look()
        self.before, self.load = self.load, load

    def view(self, trouble: str | None = None) -> TopView:
        """Return the newest look as people see it."""
        return TopView(self._server, self.load, self.before, trouble=trouble)

    def _look(self) -> Load:
        return look(self._client, self._names, at=now(), rows=_ROWS)


def look_once(client: Client, server: str, interval: float, output: Format) -> None:
    """Look twice, an interval apart, and print the second look with the rates between the two."""
    looks = _Looks(client, server)
    with keyboard() as wait:
        wait(interval)
    looks.again()
    _print(looks, output, whole=True)


def follow(client: Client, server: str, interval: float, output: Format) -> None:
    """Look until the user has seen enough, who says so by q or Ctrl-C."""
    looks = _Looks(client, server)
    with contextlib.suppress(KeyboardInterrupt), keyboard() as wait:
        if output is Format.TABLE and console().is_terminal:
            _draw(looks, interval, wait)
            return
        while True:
            _print(looks, output, whole=False)
            wait(interval)
            looks.again()


def _draw(looks: _Looks, interval: float, wait: Wait) -> None:
    # Drawn anew several times between two looks, so that it fits again soon after the terminal was resized.
    with Live(looks.view(), console=console(), screen=True, refresh_per_second=_FRAMES_PER_SECOND) as live:
        while wait(interval) not in _QUIT:
            trouble = None
            try:
                looks.again()
            except (ServiceUnreachable, Unavailable) as error:
                trouble = f"No news since {looks.load.at.astimezone():%H:%M:%S}, trying again: {error}"
            live.update(looks.view(trouble))


def _print(looks: _Looks, output: Format, *, whole: bool) -> None:
    data = as_data(looks.before, looks.load)
    if output is Format.TABLE:
        put(looks.view(), *(() if whole else [""]))
    elif output is Format.JSON and not whole:
        print(json.dumps(data, ensure_ascii=False), flush=True)
    else:
        show(output, data, names=[each.id for each in looks.load.running.items], people=str)
