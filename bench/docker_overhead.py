"""What the service adds to the containers: the same no-op containers by the raw Docker API, interleaved, medians.

    python bench/docker_overhead.py [--rounds 5] [--network none|default]

The raw side is the cheapest client there is: one connection pool, create, start, wait, delete. For the chain it works
in sequence; for the fan-out it runs
``--width`` containers at the concurrency that suits Docker best (4 for a core).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from service_process import ServiceProcess

CHAIN = 20


class RawDocker:
    """Nothing but the calls."""

    def __init__(self, endpoint: str, image: str, network: str, *, parent: str = "") -> None:
        """``parent`` is the control group of the containers, if it is not the engine's own."""
        self._session = aiohttp.ClientSession(
            "http://docker", connector=aiohttp.UnixConnector(endpoint.removeprefix("unix://"), limit=64)
        )
        self._body = {
            "Image": image,
            "NetworkDisabled": network == "none",
            "HostConfig": {"LogConfig": {"Type": "local"}, "CgroupParent": parent},
        }

    async def _call(self, method: str, path: str, **options: object) -> bytes:
        async with self._session.request(method, "/v1.41" + path, **options) as answer:
            body = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(body.decode())
            return body

    async def run_one(self, command: Sequence[str] = ("true",)) -> None:
        body = {**self._body, "Cmd": command}
        container = json.loads(await self._call("POST", "/containers/create", json=body))["Id"]
        await self._call("POST", f"/containers/{container}/start")
        await self._call("POST", f"/containers/{container}/wait?condition=not-running")
        await self._call("DELETE", f"/containers/{container}?v=1")

    async def chain(self, length: int) -> float:
        begin = time.perf_counter()
        for _ in range(length):
            await self.run_one()
        return time.perf_counter() - begin

    async def fan_out(self, width: int, concurrency: int) -> float:
        bound = asyncio.Semaphore(concurrency)

        async def bounded() -> None:
            async with bound:
                await self.run_one()

        begin = time.perf_counter()
        await self.run_one()
        await asyncio.gather(*(bounded() for _ in range(width)))
        await self.run_one()
        return time.perf_counter() - begin

    async def aclose(self) -> None:
        await self._session.close()


def step(name: str, network: str, image: str, *needs: str) -> dict[str, object]:
    container = {"image": image, "command": ["true"], "network": network}
    return {"id": name, "container": container, "depends_on": list(needs)}


def chain_document(length: int, network: str, image: str) -> dict[str, object]:
    steps = [step("s0", network, image)]
    steps += [step(f"s{n}", network, image, f"s{n - 1}") for n in range(1, length)]
    return {"name": f"chain-{length}", "steps": steps}


def fan_document(width: int, network: str, image: str) -> dict[str, object]:
    middle = [f"m{n}" for n in range(width)]
    steps = [step("first", network, image), *(step(name, network, image, "first") for name in middle)]
    return {"name": f"fan-{width}", "steps": [*steps, step("last", network, image, *middle)]}


async def timed_execution(client: object, workflow: str) -> float:
    begin = time.perf_counter()
    ended = await client.run_and_wait(workflow)
    if ended.status != "completed":
        raise RuntimeError(f"{ended.status}: {ended.error}")
    return time.perf_counter() - begin


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=40)
    parser.add_argument("--network", choices=["none", "default"], default="none")
    parser.add_argument("--image", default=os.environ.get("AIOP_BENCH_IMAGE", "aiop-busybox:1"))
    options = parser.parse_args()
    endpoint = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    raw = RawDocker(endpoint, options.image, options.network)
    best = 4 * (os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as directory:
        service = ServiceProcess(Path(directory) / "data", docker_endpoint=endpoint)
        await service.start()
        try:
            async with service.client() as client:
                chain = (await client.workflows.create(chain_document(CHAIN, options.network, options.image))).id
                fan = (await client.workflows.create(fan_document(options.width, options.network, options.image))).id
                await raw.chain(2)
                await timed_execution(client, fan)
                ratios: dict[str, list[float]] = {"chain": [], "fan-out": []}
                for number in range(options.rounds):
                    pairs = {}
                    for name in ("chain", "fan-out") if number % 2 == 0 else ("fan-out", "chain"):
                        if name == "chain":
                            pairs[name] = await raw.chain(CHAIN), await timed_execution(client, chain)
                        else:
                            pairs[name] = await raw.fan_out(options.width, best), await timed_execution(client, fan)
                        ratios[name].append(pairs[name][1] / pairs[name][0])
                    print(
                        f"round {number + 1}: "
                        + "   ".join(f"{n}: raw {a:.2f} s, aiop {b:.2f} s, x{b / a:.3f}" for n, (a, b) in pairs.items())
                    )
                for name, values in ratios.items():
                    median = statistics.median(values)
                    print(f"{name}, network {options.network}: median ratio to the raw API {median:.3f}")
        finally:
            await service.stop()
            await raw.aclose()


if __name__ == "__main__":
    asyncio.run(main())
