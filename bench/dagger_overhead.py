"""What the service adds to commands on a Dagger Engine: the same commands by the bare SDK, interleaved, medians.

    python bench/dagger_overhead.py [--rounds 30] [--chains 3]

Needs the engine, the command line and the image that the environment names for the tests (docs/how-to/dagger.md). The
bare side asks for what the service must know too: exit code, stdout and stderr apart; and once more for stdout alone.
Chains are run by the whole service, and in sequence by the bare SDK.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import dagger

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from aiop.engines.dagger import DaggerEngine
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import ContainerRun
from dagger_lab import DaggerLab, DaggerMissing
from service_process import ServiceProcess

LENGTH = 10
ENVIRONMENT = {f"VARIABLE_{number}": f"value {number}" for number in range(8)}
Side = Callable[[], Awaitable[None]]


class Bare:
    """The SDK, as its users use it."""

    def __init__(self, client: dagger.Client, image: str) -> None:
        self._client = client
        self._image = image

    def _command(self) -> dagger.Container:
        container = self._client.container().from_(self._image)
        for name, value in ENVIRONMENT.items():
            container = container.with_env_variable(name, value)
        # The last argument makes the call unlike any other: it is to run.
        return container.with_exec(["sh", "-c", "echo hello", str(uuid4())], expect=dagger.ReturnType.ANY)

    async def facts(self) -> None:
        command = self._command()
        assert await command.exit_code() == 0
        assert (await command.stdout(), await command.stderr()) == ("hello\n", "")

    async def stdout(self) -> None:
        assert await self._command().stdout() == "hello\n"

    async def chain(self) -> None:
        for _ in range(LENGTH):
            await self.facts()


class Adapter:
    """The engine of the service, without the service."""

    def __init__(self, engine: DaggerEngine, image: str) -> None:
        self._engine = engine
        self._run = ContainerRun(image, command=("sh", "-c", "echo hello"), environment=ENVIRONMENT)
        self._removals: set[asyncio.Task[None]] = set()

    async def once(self) -> None:
        key, output = StepKey(ExecutionId(str(uuid4())), StepId("step")), bytearray()
        await self._engine.start(key, self._run, lambda _stream, data, _at: output.extend(data))
        assert (await self._engine.wait(key)).succeeded
        assert output == b"hello\n"
        # As the service does, beside what comes next.
        removal = asyncio.create_task(self._engine.remove(key))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)


async def measured(sides: dict[str, Side], rounds: int) -> dict[str, list[float]]:
    """Run each side once a round, in an order that turns; returns seconds."""
    for side in sides.values():
        await side()
    taken: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            begin = time.perf_counter()
            await sides[name]()
            taken[name].append(time.perf_counter() - begin)
    return taken


def show(title: str, taken: dict[str, list[float]], own: str) -> None:
    print(title)
    for name, seconds in taken.items():
        ratio = statistics.median(mine / other for mine, other in zip(taken[own], seconds, strict=True))
        compared = "" if name == own else f"   {own} takes {ratio:.2f} of it"
        print(f"  {name:<28} {statistics.median(seconds) * 1000:7.1f} ms{compared}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--chains", type=int, default=3)
    options = parser.parse_args()
    try:
        lab = DaggerLab.find()
    except DaggerMissing as why:
        print(f"skipped: {why}")
        return
    with tempfile.TemporaryDirectory() as place:
        retry = dagger.Retry(connect=True, execute=False)
        async with dagger.Connection(dagger.Config(retry=retry)) as client:
            bare = Bare(client, await client.container().from_(lab.image).image_ref())
            engine = DaggerEngine(endpoint=lab.endpoint, scratch=Path(place) / "scratch")
            sides = {"bare: code, stdout, stderr": bare.facts, "bare: stdout": bare.stdout}
            own = "aiop's engine"
            show("One command", await measured({**sides, own: Adapter(engine, lab.image).once}, options.rounds), own)
            await engine.aclose()
            if options.chains:
                await chains(lab, bare, Path(place), options.chains)


async def chains(lab: DaggerLab, bare: Bare, place: Path, rounds: int) -> None:
    service = ServiceProcess(place / "data", engine="dagger", dagger_endpoint=lab.endpoint)
    await service.start()
    try:
        async with service.client() as client:
            container = {"image": lab.image, "environment": ENVIRONMENT, "command": ["sh", "-c", "echo hello"]}
            steps = [
                {"id": f"step{number}", "container": container, "depends_on": [f"step{number - 1}"] if number else []}
                for number in range(LENGTH)
            ]
            workflow = await client.workflows.create({"name": "chain", "steps": steps})

            async def own() -> None:
                execution = await client.workflows.execute(workflow.id)
                assert (await client.executions.wait(execution.execution_id)).succeeded

            taken = await measured({"bare: code, stdout, stderr": bare.chain, "aiop": own}, rounds)
            show(f"A chain of {LENGTH}", taken, "aiop")
    finally:
        await service.stop()


if __name__ == "__main__":
    asyncio.run(main())
