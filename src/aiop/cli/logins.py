"""Sign-ins between runs: one 0600 file, with the tokens for each server and which server was chosen last."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiop.client import Tokens

__all__ = ["KeptTokens", "Logins"]


class Logins:
    """The file. Several programs may change it at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def server(self) -> str | None:
        """The server of the last login."""
        chosen = self._read().get("server")
        return chosen if isinstance(chosen, str) else None

    def load(self, server: str) -> Tokens | None:
        """Return what was kept for a server."""
        kept = self._read().get("logins", {}).get(server)
        return Tokens(kept["access_token"], kept.get("refresh_token")) if kept else None

    def asked_for(self, server: str) -> bool:
        """Whether the user signed in at this server, rather than that a sign-in was found on this machine."""
        kept = self._read().get("logins", {}).get(server)
        return bool(kept) and not kept.get("found")

    def save(self, server: str, tokens: Tokens, *, found: bool = False, choose: bool = False) -> None:
        """Keep tokens for a server; ``choose`` makes it the one that is spoken to by default."""

        def change(content: dict[str, Any]) -> None:
            kept = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token, "found": found}
            content.setdefault("logins", {})[server] = kept
            if choose:
                content["server"] = server

        self._change(change)

    def forget(self, server: str) -> bool:
        """Drop what was kept for a server; tells whether there was anything."""
        had = self.load(server) is not None

        def change(content: dict[str, Any]) -> None:
            content.get("logins", {}).pop(server, None)
            if content.get("server") == server:
                del content["server"]

        self._change(change)
        return had

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            content = self._read()
            change(content)
            # written aside, so that nobody ever reads half a file
            draft = self._file.with_suffix(f".{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(content, stream, indent=2)
            draft.replace(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._file.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class KeptTokens:
    """The tokens for one server, as the client wants them kept.

    A home that cannot be written to costs a sign-in each time, and nothing else.
    """

    def __init__(self, logins: Logins, server: str, *, found: bool = False) -> None:
        self._logins = logins
        self._server = server
        self._found = found

    def load(self) -> Tokens | None:
        """Return what is kept."""
        return self._logins.load(self._server)

    def save(self, tokens: Tokens) -> None:
        """Keep these."""
        try:
            self._logins.save(self._server, tokens, found=self._found)
        except OSError:
            return
