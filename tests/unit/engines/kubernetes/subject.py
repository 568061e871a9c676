"""Attempts by the adapter against a stand-in for the API server."""

import asyncio
from typing import Any
from uuid import uuid4

from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.model.agent import PodSettings
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun
from api_server import ApiServer

RUN = ContainerRun("image", command=("true",))


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.text = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def __call__(self, stream: Stream, data: bytes, at: object) -> None:
        self.text[stream] += data


def engine_on(api: ApiServer, installation: str = "here", **settings: Any) -> KubernetesEngine:
    return KubernetesEngine(
        access=ClusterAccess(kubeconfig=api.kubeconfig), installation=installation, settings=PodSettings(**settings)
    )


def a_key(step: str = "step") -> StepKey:
    return StepKey(ExecutionId(str(uuid4())), StepId(step))


def log_of(key: StepKey, *lines: str, end: str | None = "0 - n ") -> bytes:
    """A log as the API gives it, of a wrapped command."""
    texts = [f"{key.layer}b", *lines, *([f"{key.layer}r {end}"] if end is not None else [])]
    return "".join(f"2030-01-01T00:00:00.{number:09}Z {text}\n" for number, text in enumerate(texts)).encode()


async def began(api: ApiServer, engine: KubernetesEngine, key: StepKey, run: ContainerRun = RUN) -> Heard:
    """Start, and have the container run."""
    heard, name = Heard(), pod_name(key)
    starting = asyncio.create_task(engine.start(key, run, heard))
    await api.called("POST", "/pods")
    api.run(name)
    assert await starting is not None
    return heard
