"""What a step costs on the embedded engine, against bare `crun run` of the same bundles and against the raw Docker API.

    python bench/oci_overhead.py [--rounds 5] [--docker] [--wfinstances DIRECTORY] [--only NAME ...]

Graphs of no-ops: a chain, a fan-out, 20 executions at once; and with `--wfinstances` recorded runs of WfCommons, whose
steps do nothing and then sleep for their time over 1000. All contenders run each graph in turns; figures are medians,
and the ratios are medians over the rounds. Processor time is that of everything: the service, the shells beside it, the
runtime and the containers; dockerd, containerd and the shims; on the bare side the making of bundles and mounts too.
Docker takes its time, so `--docker` runs it on graphs of up to 60 steps, with a daemon of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from contenders import Bare, Contender, Docker, Service
from processor_time import Group
from task_graphs import Graph, chain, fan_out, replayed, threes

from aiop.engines.oci.images import ImageStore
from aiop.runtime.clock import SystemClock
from docker_engine import private_engine
from example_images import provide_images
from oci_lab import forget, put_image
from service_process import ServiceProcess

IMAGE = "busybox:1"
ENGINE = Path(__file__).resolve().parent.parent / "var/engine"
DOCKER_STEPS = 60
Figures = dict[str, list[tuple[float, float]]]
"""By contender: for each round seconds and processor seconds of one step."""


async def contenders(stack: AsyncExitStack, place: Path, *, docker: bool) -> Sequence[Contender]:
    """Make all of them ready."""
    data = place / "data"
    data.mkdir(mode=0o700)
    images = ImageStore(data / "images", SystemClock())
    await images.open()
    stack.push_async_callback(images.aclose)
    await put_image(images, IMAGE)
    bare = Bare(place / "bare", images, IMAGE)
    await bare.open()
    service = ServiceProcess(data, engine="oci", max_concurrent_executions="20")
    await service.start()
    stack.callback(forget, data)
    stack.push_async_callback(service.stop)
    own = stack.enter_context(group("bench-aiop"))
    own.take(service.pid)
    client = await stack.enter_async_context(service.client())
    found: list[Contender] = [bare]
    found += [Service(service, client, IMAGE, network=network, group=own) for network in ("none", "default")]
    if docker:
        daemon, containers = (stack.enter_context(group(f"bench-{part}")) for part in ("dockerd", "docker"))
        # Born in the group, so that all of its threads and children are in it.
        daemon.take(os.getpid())
        endpoint = stack.enter_context(private_engine(ENGINE))
        Group("").take(os.getpid())
        provide_images(endpoint)
        for network in ("none", "default"):
            found.append(raw := Docker(endpoint, IMAGE, network=network, daemon=daemon, containers=containers))
            stack.push_async_callback(raw.aclose)
    return found


@contextmanager
def group(name: str) -> Iterator[Group]:
    made = Group(f"{name}-{os.getpid()}")
    try:
        yield made
    finally:
        made.close()


async def measure(graph: Graph, sides: Sequence[Contender], figures: Figures, turn: int) -> None:
    """Have each of them run the graph once, in an order that turns."""
    first = turn % len(sides)
    for side in (*sides[first:], *sides[:first]):
        before = side.used()
        seconds = await side.run(graph)
        figures[side.name].append((seconds / graph.steps, (side.used() - before) / graph.steps))


def show(graph: Graph, figures: Figures) -> None:
    print(f"\n{graph.name}, {graph.steps} steps, each:")
    own = figures["aiop"]
    for name, rows in figures.items():
        wall, used = (statistics.median(column) for column in zip(*rows, strict=True))
        line = f"  {name:<20} {wall * 1000:7.1f} ms, {1 / wall:6.1f} a second, processor time {used * 1000:6.1f} ms"
        if name != "aiop":
            ratios = [
                [mine / theirs for mine, theirs in zip(*pair, strict=True)] for pair in zip(own, rows, strict=True)
            ]
            walls, useds = (statistics.median(column) for column in zip(*ratios, strict=True))
            line += f"; aiop takes {walls:.2f} of the time, {useds:.2f} of the processor"
        print(line, flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docker", action="store_true", help="against Docker too")
    parser.add_argument("--wfinstances", type=Path, help="a directory of recorded runs")
    parser.add_argument("--only", nargs="+", help="names of graphs, or their beginnings")
    parser.add_argument("--directory", type=Path, help="where containers are made; a file system with a journal")
    options = parser.parse_args()
    if (task := asyncio.current_task()) is not None:
        # Also what it has started is to end.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    graphs = [chain(), fan_out(), threes()]
    graphs += [replayed(path) for path in sorted(options.wfinstances.glob("*.json"))] if options.wfinstances else []
    if options.only:
        graphs = [graph for graph in graphs if graph.name.startswith(tuple(options.only))]
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.directory)))
        sides = await contenders(stack, place, docker=options.docker)
        for side in sides:
            await side.run(fan_out(4))
        for graph in graphs:
            taking_part = [side for side in sides if graph.steps <= DOCKER_STEPS or not isinstance(side, Docker)]
            figures: Figures = {side.name: [] for side in taking_part}
            for number in range(options.rounds):
                await measure(graph, taking_part, figures, number)
            show(graph, figures)


if __name__ == "__main__":
    asyncio.run(main())
