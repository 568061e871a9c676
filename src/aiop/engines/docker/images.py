"""Pulling images: once for many waiters, and with credentials only to the registry that they are for."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from aiodocker import Docker, DockerError

from aiop.engines.docker.client import DockerClient, transient, translated
from aiop.errors import EngineUnavailable, ImageRefused, RegistryUnavailable
from aiop.interfaces import explained, image_pull
from aiop.model.definition import PullPolicy
from aiop.model.registry import HUB, registry_of
from aiop.model.run import Credentials

__all__ = ["Images", "repository_of"]

_DIGESTS_KEPT = 1000

_NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|timeout|deadline exceeded|connection (refused|reset)|broken pipe"
    r"|\bEOF\b|network is unreachable|no route to host|server misbehaving|toomanyrequests"
    r"|unexpected HTTP status: 5|50[0234] |proxyconnect"
)
"""What the engine says if the registry could not be asked, or could not answer now."""


class Images:
    """Pulls under way, and digests of what was seen."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._pulls: dict[tuple[str, Credentials | None], asyncio.Task[None]] = {}
        self._digests: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def pull(self, image: str, credentials: Credentials | None) -> None:
        """Pull, or wait for the same pull that is under way; a cancelled waiter does not end it for the others.

        Raises ``ImageRefused``, ``RegistryUnavailable``, ``EngineUnavailable``.
        """
        if credentials is not None and not credentials.are_for(registry_of(image)):
            credentials = None
        wanted = (image, credentials)
        task = self._pulls.get(wanted)
        if task is None:
            task = asyncio.create_task(_pull(self._client.docker, image, credentials))
            self._pulls[wanted] = task
            task.add_done_callback(lambda done: self._forget(wanted, done))
        await explained(asyncio.shield(task), image_pull(image))

    async def digest(self, image: str, image_id: str) -> str:
        """Return the digest under which the registry knows the image, else its id; raises ``DockerError``."""
        known = self._digests.get((image, image_id))
        if known is None:
            known = self._note(image, await self._client.docker.images.inspect(image_id))
        return known

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Return ``digest`` of what the name stands for now, pulled if it must be; raises as ``pull`` does.

        The engine is asked each time: somebody else may have given the name to another image.
        """
        if pull is PullPolicy.ALWAYS:
            await self.pull(image, credentials)
        with translated():
            for pulled in (False, True):
                try:
                    return self._note(image, await self._client.docker.images.inspect(image))
                except DockerError as error:
                    if error.status != 404:
                        raise
                    if pulled or pull is PullPolicy.ALWAYS:
                        raise EngineUnavailable(f"{image} was removed as soon as it was pulled") from error
                await self.pull(image, credentials)
        raise AssertionError("the loop returns or raises")

    def _note(self, image: str, found: Mapping[str, Any]) -> str:
        wanted = repository_of(image)
        digests = [entry.rpartition("@") for entry in found.get("RepoDigests") or ()]
        known = next((digest for name, _, digest in digests if repository_of(name) == wanted), str(found["Id"]))
        self._digests[image, str(found["Id"])] = known
        if len(self._digests) > _DIGESTS_KEPT:
            self._digests.popitem(last=False)
        return known

    async def aclose(self) -> None:
        """Give up the pulls under way."""
        pulls = list(self._pulls.values())
        for task in pulls:
            task.cancel()
        await asyncio.gather(*pulls, return_exceptions=True)

    def _forget(self, wanted: tuple[str, Credentials | None], task: asyncio.Task[None]) -> None:
        del self._pulls[wanted]
        if not task.cancelled():
            # Every waiter may be gone: the fault was theirs to see, nobody is left to be told.
            task.exception()


def repository_of(image: str) -> str:
    """Return the name without tag and digest, in the shortest form: ``python`` for ``docker.io/library/python:3.9``."""
    name = image.partition("@")[0]
    directory, slash, last = name.rpartition("/")
    name = f"{directory}{slash}{last.partition(':')[0]}"
    return name.removeprefix(f"{HUB}/").removeprefix("library/")


async def _pull(docker: Docker, image: str, credentials: Credentials | None) -> None:
    auth = None
    if credentials is not None:
        auth = {"username": credentials.username, "password": credentials.password}
        if registry_of(image) == HUB and not image.startswith(f"{HUB}/"):
            # aiodocker wants to see the host that credentials are for.
            image = f"{HUB}/{image}"
    with translated():
        try:
            async for _ in docker.images.pull(image, auth=auth, stream=True):
                pass
        except DockerError as error:
            words = _without(credentials, error.message)
            if _NETWORK.search(words):
                raise RegistryUnavailable(words) from None
            if transient(error):
                raise EngineUnavailable(words) from None
            raise ImageRefused(words) from None


def _without(credentials: Credentials | None, words: str) -> str:
    if credentials is not None:
        for secret in (credentials.password, credentials.username):
            words = words.replace(secret, "***") if secret else words
    return words
