"""What a Docker Engine can do: by its own word, and by what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiop.engines.docker.client import DockerClient

__all__ = ["Daemon", "KnownDaemon"]


@dataclass(frozen=True, slots=True)
class Daemon:
    """What a body depends on, from ``GET /info``."""

    log_driver: str
    init: bool
    bind_handover: bool
    overlay: bool
    """Whether to try workspaces as mounts."""
    workspaces: bool
    """Whether there can be any: Podman leaves the volume of one empty, and says nothing."""
    live_restore: bool
    """Whether containers live on when the engine ends."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Daemon:
        """Read the answer of the engine."""
        drivers = (info.get("Plugins") or {}).get("Log") or ()
        security = info.get("SecurityOptions") or ()
        podman = "BuildahVersion" in info
        # Under SELinux a container may not write to a directory that is not labelled for it.
        labelled = any("selinux" in option for option in security)
        return cls(
            # Both keep what was written until the container goes; local costs the engine less and rotates.
            log_driver="local" if "local" in drivers else "json-file",
            # Podman names none, though it has one: without it nobody would pass TERM on.
            init=bool(info.get("InitBinary")) or podman,
            bind_handover=not labelled,
            overlay=not labelled,
            workspaces=not podman,
            live_restore=bool(info.get("LiveRestoreEnabled")),
        )

    def as_proved(self, before: Daemon) -> Daemon:
        """Return the same without what was tried in vain before."""
        return replace(
            self,
            bind_handover=self.bind_handover and before.bind_handover,
            overlay=self.overlay and before.overlay,
        )

    def without_handover(self) -> Daemon:
        """Return the same for an engine that does not see our directories."""
        return replace(self, bind_handover=False, overlay=False)

    def without_overlay(self) -> Daemon:
        """Return the same for an engine that cannot mount our directories."""
        return replace(self, overlay=False)


class KnownDaemon:
    """Asked once, and again by ``ask``; what was tried in vain is not tried again."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._known: Daemon | None = None

    async def ask(self) -> Mapping[str, Any]:
        """Ask the engine, and return all of its answer; raises ``EngineUnavailable`` and ``EngineRefused``."""
        info = await self._client.info()
        daemon = Daemon.of(info)
        self._known = daemon.as_proved(self._known) if self._known is not None else daemon
        return info

    async def get(self) -> Daemon:
        """Return what is known; raises as ``ask`` does."""
        if self._known is None:
            self._known = Daemon.of(await self._client.info())
        return self._known

    def note(self, daemon: Daemon) -> None:
        """Take over what a trial has shown."""
        self._known = daemon
