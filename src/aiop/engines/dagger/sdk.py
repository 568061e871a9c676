"""What is used of the SDK beyond its public interface, all in one place: a new release may change it.

The public way to a session gives neither its port, at which live output is served, nor a say in what is tried again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from aiop.engines.dagger.faults import words_of
from aiop.errors import EngineUnavailable

if TYPE_CHECKING:
    from dagger import CacheVolume, Client, Directory

__all__ = ["connected", "download_cli", "remembered"]

T = TypeVar("T", bound="CacheVolume | Directory")


@asynccontextmanager
async def connected(*, port: int, token: str) -> AsyncIterator[Client]:
    """Speak to the session at a port of this machine; raises ``EngineUnavailable`` if it does not answer.

    Nothing is tried again: what a lost session ran is gone, so it is not to be connected to once more.
    """
    from dagger import Client, DaggerError
    from dagger.client._config import ConnectConfig
    from dagger.client._session import ConnectParams, SingleConnection
    from gql.transport.exceptions import TransportError

    connection = SingleConnection(ConnectParams(port=port, session_token=token), ConnectConfig(retry=None))
    try:
        await connection.connect()
    except (DaggerError, TransportError, httpx.HTTPError, OSError) as error:
        raise EngineUnavailable(words_of(error)) from error
    try:
        yield Client.from_connection(connection)
    finally:
        await connection.close()


async def download_cli() -> str:
    """Return the path of the command line of the SDK's own version, downloaded once; raises ``EngineUnavailable``."""
    from dagger import DownloadError
    from dagger.provisioning._download import Downloader
    from dagger.provisioning._progress import Progress
    from rich.console import Console

    try:
        return str(await Downloader(progress=Progress(Console(quiet=True))))
    except (DownloadError, httpx.HTTPError, OSError) as error:
        raise EngineUnavailable(f"Dagger's command line cannot be had: {words_of(error)}") from error


async def remembered(thing: T) -> T:
    """Return the same with its id at hand; of others it is asked for by each call that they are an argument of."""
    kind: Any = type(thing)
    made = _remembering(kind)(thing._ctx)  # noqa: SLF001 - what this module is for
    made.known_id = await thing.id()
    return cast("T", made)


@cache
def _remembering(kind: Any) -> Any:
    async def known_id(self: Any) -> str:
        return str(self.known_id)

    # The name is that of the type in queries.
    return type(kind.__name__, (kind,), {"id": known_id})
