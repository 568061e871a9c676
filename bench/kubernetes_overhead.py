"""What the service adds to the pods: the same no-op pods by bare calls of the API with a watch, interleaved, medians.

    python bench/kubernetes_overhead.py --kubeconfig FILE [--rounds 5] [--namespace NAME] [--image aiop-busybox:1]

The bare side is the cheapest client there is: one connection pool and one watch; for each pod create, wait for its end,
read its log, delete. Its pods have the one container that the service's have, with the command as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from aiop.engines.kubernetes import ClusterAccess
from aiop.engines.kubernetes.client import KubernetesClient
from aiop.engines.kubernetes.watch import PodWatch
from service_process import ServiceProcess

CHAIN = 5
WIDTH = 20


class BarePods:
    """Nothing but the calls."""

    def __init__(self, kubeconfig: str, namespace: str, image: str) -> None:
        self._client = KubernetesClient(ClusterAccess(kubeconfig, namespace=namespace))
        self._watch = PodWatch(self._client, "bench=bare")
        self._image = image

    async def open(self) -> None:
        await self._watch.open()

    async def run_one(self) -> None:
        name = f"bare-{uuid4().hex[:12]}"
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [{"name": "step", "image": self._image, "command": ["true"]}],
        }
        meta = {"name": name, "labels": {"bench": "bare"}}
        made = await self._client.call(
            "POST", "pods", body={"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        )
        self._watch.note(made)
        await self._watch.until(name, lambda pod: pod is not None and pod["status"].get("phase") == "Succeeded")
        async with self._client.stream(f"pods/{name}/log", {}) as answer:
            await answer.read()
        self._deleting = asyncio.create_task(self._client.call("DELETE", f"pods/{name}"))

    async def chain(self) -> float:
        begin = time.perf_counter()
        for _ in range(CHAIN):
            await self.run_one()
        return time.perf_counter() - begin

    async def fan(self) -> float:
        begin = time.perf_counter()
        await asyncio.gather(*(self.run_one() for _ in range(WIDTH)))
        return time.perf_counter() - begin

    async def aclose(self) -> None:
        await self._watch.aclose()
        await self._client.aclose()


def documents(image: str) -> dict[str, dict[str, object]]:
    container = {"image": image, "command": ["true"]}
    chain = [
        {"id": f"s{n}", "container": container, **({"depends_on": [f"s{n - 1}"]} if n else {})} for n in range(CHAIN)
    ]
    fan = [{"id": f"s{n}", "container": container} for n in range(WIDTH)]
    return {"chain": {"name": "chain", "steps": chain}, "fan": {"name": "fan", "steps": fan}}


async def main(arguments: argparse.Namespace, kubeconfig: str) -> None:
    bare = BarePods(kubeconfig, arguments.namespace, arguments.image)
    await bare.open()
    with tempfile.TemporaryDirectory() as directory:
        service = ServiceProcess(Path(directory) / "data", engine="fake", local_agent="false")
        await service.start()
        try:
            async with service.client() as client:
                engine = {"type": "kubernetes", "kubeconfig": kubeconfig, "pods": {"namespace": arguments.namespace}}
                await client.agents.create({"name": "cluster", "engine": engine})
                ids = {
                    name: (await client.workflows.create(document)).id
                    for name, document in documents(arguments.image).items()
                }

                async def ours(name: str) -> float:
                    begin = time.perf_counter()
                    execution = (await client.workflows.execute(ids[name])).execution_id
                    ended = await client.executions.wait(execution, timeout=300)
                    assert ended.status == "completed", ended
                    return time.perf_counter() - begin

                await ours("chain")
                await bare.chain()
                for name, raw in (("chain", bare.chain), ("fan", bare.fan)):
                    pairs = []
                    for number in range(arguments.rounds):
                        # Each comes first every other time: what one leaves behind slows the next.
                        if number % 2:
                            one, other = await ours(name), await raw()
                        else:
                            other, one = await raw(), await ours(name)
                        pairs.append((other, one))
                    raws, own = (statistics.median(values) for values in zip(*pairs, strict=True))
                    ratio = statistics.median(one / other for other, one in pairs)
                    print(f"{name}: bare {raws:.2f} s, service {own:.2f} s, ratio {ratio:.3f} ({len(pairs)} pairs)")
        finally:
            await service.stop()
            await bare.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--image", default="aiop-busybox:1")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    asyncio.run(main(given, Path(given.kubeconfig).read_text()))
