"""Images: which one a name stands for, and what must be known of it before a command can be run there."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from aiop.engines.dagger.faults import SessionLost, StartRefused, image_fault, words_of
from aiop.engines.dagger.session import Session
from aiop.engines.dagger.wrapping import SHELL
from aiop.errors import EngineUnavailable
from aiop.model.definition import PullPolicy
from aiop.model.registry import registry_of
from aiop.model.run import Credentials

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["Image", "Images"]

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Image:
    """What a name stood for when it was asked. ``reference`` names that and nothing else, for all time."""

    reference: str
    digest: str
    shell: bool
    """Whether it has a ``sh`` to run commands under."""
    entrypoint: tuple[str, ...]
    args: tuple[str, ...]

    def command(self, command: tuple[str, ...] | None, args: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the whole command, of what a run says and what the image has."""
        if command is not None:
            return (*command, *(args or ()))
        return (*self.entrypoint, *(self.args if args is None else args))


class Images:
    """Asks once for all who want the same image, and remembers: a name that is known is not looked up again.

    The registry's word for it is kept, not the image: that the engine does by itself.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Image] = OrderedDict()
        self._asked: dict[tuple[int, str, Credentials | None], asyncio.Task[Image]] = {}

    async def find(self, session: Session, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> Image:
        """Return what the name stands for; raises ``ImageRefused``, ``RegistryUnavailable``, ``EngineUnavailable``."""
        if credentials is not None and not credentials.are_for(registry_of(image)):
            credentials = None
        if pull is not PullPolicy.ALWAYS and (known := self._known.get(image)) is not None:
            self._known.move_to_end(image)
            return known
        wanted = (session.pid, image, credentials)
        task = self._asked.get(wanted)
        if task is None:
            task = asyncio.create_task(_ask(session, image, credentials))
            self._asked[wanted] = task
            task.add_done_callback(lambda done: self._note(wanted, done))
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Give up what is being asked."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, wanted: tuple[int, str, Credentials | None], task: asyncio.Task[Image]) -> None:
        del self._asked[wanted]
        # Every waiter may be gone: a fault was theirs to see, nobody is left to be told.
        if task.cancelled() or task.exception() is not None:
            return
        self._known[wanted[1]] = task.result()
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


async def _ask(session: Session, image: str, credentials: Credentials | None) -> Image:
    try:
        with session.calls():
            if credentials is None:
                return await _look(session.client.container(), image)
            registry = registry_of(image)
            # A login holds for the whole session. So there is one at a time, and it goes as soon as the image is there:
            # it is for this image and not for whoever comes next.
            async with session.login:
                password = session.client.set_secret(f"registry {registry} {uuid4()}", credentials.password)
                container = _unequalled(session.client.container())
                container = await container.with_registry_auth(registry, credentials.username, password).sync()
                try:
                    return await _look(container, image)
                finally:
                    await _unequalled(session.client.container()).without_registry_auth(registry).sync()
    except StartRefused as refusal:
        raise image_fault(words_of(refusal), credentials) from None
    except SessionLost:
        raise
    except EngineUnavailable as error:
        raise image_fault(words_of(error), credentials) from None


async def _look(container: Container, image: str) -> Image:
    reference = await _unequalled(container).from_(image).image_ref()
    # By its digest from here on: the name may come to stand for another one at any moment.
    found = container.from_(reference)
    # The question for a file has the engine pull all of it.
    shell, entrypoint, args = await asyncio.gather(found.exists(SHELL), found.entrypoint(), found.default_args())
    return Image(reference, reference.rpartition("@")[2], shell, tuple(entrypoint), tuple(args))


def _unequalled(container: Container) -> Container:
    """Return one that no other equals: an equal call would be answered from what the session has seen before."""
    return container.with_label("aiop.asked", str(uuid4()))
