"""Files of the user and of a service on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["LocalAdmin", "login_file"]


def login_file(environment: Mapping[str, str]) -> Path:
    """Where sign-ins are kept; ``AIOP_CONFIG_DIR`` moves it."""
    if chosen := environment.get("AIOP_CONFIG_DIR"):
        return Path(chosen) / "login.json"
    import platformdirs

    return Path(platformdirs.user_config_dir("aiop", appauthor=False)) / "login.json"


class LocalAdmin:
    """Finds the password of ``admin`` that a service on this machine wrote at its first start.

    Only its owner can read the file. It must not be handed to whoever happens to listen on the port: the socket has
    to belong to the owner of the file, or to root.
    """

    username = "admin"

    def __init__(self, environment: Mapping[str, str], *, sockets: Path = Path("/proc/net")) -> None:
        self._environment = environment
        self._sockets = sockets

    def password(self, port: int) -> str | None:
        """Return the password for the service on this port of this machine, if there is one that we may read."""
        for file in self._files():
            try:
                text = file.read_text(encoding="utf-8").strip()
                owner = file.stat().st_uid
            except OSError:
                continue
            listeners = self._listeners(port)
            if listeners is None or (listeners and listeners <= {owner, 0}):
                return text or None
        return None

    def _files(self) -> Iterator[Path]:
        if chosen := self._environment.get("AIOP_DATA_DIR"):
            yield Path(chosen) / "admin-password"
            return
        import platformdirs

        yield Path(platformdirs.user_data_dir("aiop", appauthor=False)) / "admin-password"
        yield Path("/var/lib/aiop/admin-password")

    def _listeners(self, port: int) -> set[int] | None:
        """Return the owners of the sockets that listen on ``port``; ``None`` where the system does not tell.

        Format of the tables: proc(5), ``/proc/net/tcp``: ``sl local_address rem_address st ... uid``.
        """
        owners: set[int] = set()
        known = False
        for table in ("tcp", "tcp6"):
            try:
                rows = (self._sockets / table).read_text().splitlines()[1:]
            except OSError:
                continue
            known = True
            for row in rows:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    owners.add(int(fields[7]))
        return owners if known else None


def environment() -> Mapping[str, str]:
    """Return the environment that the program was started in."""
    return os.environ
