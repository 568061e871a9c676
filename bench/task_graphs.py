"""Graphs of short steps that benchmarks run, each by whoever can run one step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Graph", "Task", "chain", "fan_out", "replayed", "threes"]

FACTOR = 1000
"""By how much the steps of a recorded run are shortened."""


@dataclass(frozen=True)
class Task:
    """A step that does nothing, and then sleeps."""

    id: str
    parents: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def command(self) -> list[str]:
        return ["sh", "-c", f"true; sleep {self.seconds:.3f}"] if self.seconds else ["true"]


@dataclass(frozen=True)
class Graph:
    """Tasks in an order in which none comes before its parents; ``copies`` of the whole are run at once.

    ``width`` is how many of the tasks whoever runs them by himself should have under way at once, for each core.
    """

    name: str
    tasks: tuple[Task, ...]
    copies: int = 1
    width: int = 4

    @property
    def steps(self) -> int:
        return len(self.tasks) * self.copies

    def document(self, image: str, network: str) -> dict[str, object]:
        steps = [
            {
                "id": task.id,
                "container": {"image": image, "command": task.command, "network": network},
                "depends_on": list(task.parents),
            }
            for task in self.tasks
        ]
        return {"name": self.name, "steps": steps}

    async def run(self, one: Callable[[Task], Awaitable[None]], limit: int) -> None:
        """Run each task by ``one`` as soon as its parents have ended, at most ``limit`` at once."""
        places = asyncio.Semaphore(limit)
        await asyncio.gather(*(self._copy(one, places) for _ in range(self.copies)))

    async def _copy(self, one: Callable[[Task], Awaitable[None]], places: asyncio.Semaphore) -> None:
        ended = {task.id: asyncio.Event() for task in self.tasks}

        async def go(task: Task) -> None:
            for parent in task.parents:
                await ended[parent].wait()
            async with places:
                await one(task)
            ended[task.id].set()

        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(go(task))


def chain(length: int = 20, copies: int = 1, name: str = "chain of 20") -> Graph:
    ids = [f"s{number}" for number in range(length)]
    return Graph(name, tuple(Task(own, (ids[n - 1],) if n else ()) for n, own in enumerate(ids)), copies)


def fan_out(width: int = 40) -> Graph:
    middle = tuple(f"m{number}" for number in range(width))
    tasks = (Task("first"), *(Task(own, ("first",)) for own in middle), Task("last", middle))
    return Graph(f"1-{width}-1", tasks)


def threes() -> Graph:
    return chain(3, copies=20, name="20 x 3 at once")


def replayed(path: Path) -> Graph:
    """Read a run in the format of WfCommons; its steps sleep for their time over ``FACTOR``."""
    workflow = json.loads(path.read_text())["workflow"]
    seconds = {task["id"]: task["runtimeInSeconds"] / FACTOR for task in workflow["execution"]["tasks"]}
    left = {task["id"]: tuple(task["parents"]) for task in workflow["specification"]["tasks"]}
    names = {given: f"t{number}" for number, given in enumerate(left)}
    tasks: list[Task] = []
    placed: set[str] = set()
    while left:
        ready = [given for given, parents in left.items() if placed.issuperset(parents)]
        for given in ready:
            parents = tuple(names[parent] for parent in left.pop(given))
            tasks.append(Task(names[given], parents, round(seconds.get(given, 0.0), 3)))
        placed.update(ready)
    return Graph(path.stem.partition("-")[0], tuple(tasks), width=16)
