"""Steps of a pipeline on one engine, with real artifacts."""

from dataclasses import replace
from pathlib import Path

from aiop.artifacts import LocalArtifacts
from aiop.model.artifacts import Layer
from aiop.model.ids import LayerId, SnapshotId, StepKey
from aiop.model.run import ContainerRun, Outcome
from aiop.overlay import Stack
from contract.engine.subject import Output, Subject
from trees import Shape, plant, raw

TARGET = "/workspace"


class Workshop:
    """Steps of a pipeline on one engine."""

    def __init__(self, subject: Subject, artifacts: LocalArtifacts, way: str) -> None:
        self.subject = subject
        self.artifacts = artifacts
        self.way = way
        self.source: SnapshotId | None = None

    async def start_from(self, shape: Shape) -> None:
        directory = plant(self.subject.directory / "source", shape)
        self.source = (await self.artifacts.snapshot(str(directory))).id

    async def prepare(self, key: StepKey, text: str, *below: LayerId, **more: object) -> ContainerRun:
        more.setdefault("working_dir", TARGET)
        workspace = await self.artifacts.prepare(key, source=self.source, layers=below, target=TARGET)
        return replace(self.subject.run(text, **more), workspace=workspace)

    async def step(self, text: str, *below: LayerId, **more: object) -> Layer:
        """Run a step to its end, which must be a success, and seal its layer."""
        key = self.subject.key()
        run = await self.prepare(key, text, *below, **more)
        output = Output()
        outcome = await self.run(key, run, output)
        assert outcome.succeeded, (outcome, output.pieces)
        return await self.artifacts.seal(key)

    async def run(self, key: StepKey, run: ContainerRun, output: Output | None = None) -> Outcome:
        await self.subject.engine.start(key, run, output or Output())
        outcome = await self.subject.engine.wait(key)
        await self.subject.engine.remove(key)
        return outcome

    def place(self, layer: Layer) -> Path:
        return Path(self.artifacts._layers.path(layer.id)) / "u"

    def changes(self, layer: Layer) -> dict[str, str]:
        return raw(self.place(layer))

    def shows(self, *layers: LayerId) -> Stack:
        return Stack(self.artifacts._layers.lowers(self.source, layers))
