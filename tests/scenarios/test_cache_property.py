"""Never a stale result: whatever changes between two runs, each step gives what a run would give, and a result is taken
exactly if everything that the step depends on was as it is now in a run that has completed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aiop.engines.fake import FakeWorld
from aiop.runtime.clock import SystemClock
from pipeline_lab import pipeline_lab

FEW = st.sampled_from(["1", "2", "3"])


@dataclass(frozen=True)
class State:
    """All that may change. ``code`` is the exit code of step ``a``."""

    a: str = "1"
    b: str = "1"
    other: str = "1"
    image: str = "1"
    word: str = "1"
    variable: str = "1"
    value: str = "1"
    file: str = "1"
    output: str = "1"
    user: str = "1"
    code: str = "0"

    @property
    def document(self) -> dict[str, Any]:
        """``a`` sees one file and makes another; ``b`` sees all of the source and that; ``c`` sees what they made."""
        return {
            "name": "p",
            "inputs": {"value": {"type": "string"}},
            "steps": [
                {
                    "id": "a",
                    "sources": ["a.txt"],
                    "container": {
                        "image": "first",
                        "environment": {"VARIABLE": self.variable},
                        "script": f"cat a.txt > a.out; echo {self.word} $VARIABLE; cat a.txt; exit {self.code}",
                    },
                    "continue_on_error": True,
                },
                {
                    "id": "b",
                    "depends_on": ["a"],
                    "inputs": {"given": "${inputs.value}"},
                    "outputs": {"named": {"default": self.output}},
                    "container": {
                        "image": "second",
                        "user": self.user,
                        "files": {"/etc/extra": self.file},
                        "script": "cat a.out; cat b.txt; echo $INPUT_GIVEN; cat /etc/extra; cat b.txt > b.out",
                    },
                },
                {
                    "id": "c",
                    "depends_on": ["b"],
                    "sources": [],
                    "container": {"image": "second", "script": "cat a.out; cat b.out; echo ${steps.b.outputs.named}"},
                },
            ],
        }

    @property
    def depends(self) -> dict[str, tuple[str, ...]]:
        """All that the result of each step depends on."""
        a = (self.a, self.image, self.word, self.variable, self.code)
        b = (self.a, self.b, self.other, self.value, self.file, self.output, self.user)
        return {"a": a, "b": b, "c": (self.a, self.b, self.output)}

    @property
    def results(self) -> dict[str, str]:
        """What each step prints."""
        return {
            "a": f"{self.word} {self.variable}\n{self.a}",
            "b": f"{self.a}{self.b}{self.value}\n{self.file}",
            "c": f"{self.a}{self.b}{self.output}",
        }


@dataclass
class Memory:
    """What has completed so far, by step."""

    seen: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: {"a": set(), "b": set(), "c": set()})

    def check(self, state: State, found: dict[str, Any]) -> None:
        """Compare a run with what is known, and learn from it."""
        for step, depends in state.depends.items():
            shown = found["steps"][step]
            assert shown["outputs"]["result"] == state.results[step], step
            fails = step == "a" and state.code != "0"
            assert shown["status"] == ("failed" if fails else "completed")
            cache = found["caches"][step]
            assert (cache["cache"] == "hit") == (depends in self.seen[step]), (step, cache)
            assert shown.get("cached", False) == (cache["cache"] == "hit")
            if not fails:
                self.seen[step].add(depends)


fields = [name for name in State.__dataclass_fields__ if name != "code"]
changes = st.one_of(
    st.tuples(st.sampled_from(fields), FEW),
    st.tuples(st.just("code"), st.sampled_from(["0", "0", "7"])),
)


@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would run the service for minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(changes, min_size=0, max_size=2), min_size=3, max_size=9))
def test_no_result_is_stale_and_none_is_made_twice(script: list[list[tuple[str, str]]]) -> None:
    asyncio.run(play(script))


@pytest.mark.parametrize("name", fields)
def test_each_single_change_is_seen_by_what_depends_on_it_and_by_nothing_else(name: str) -> None:
    asyncio.run(play([[], [], [(name, "2")], [(name, "2")], [(name, "1")]]))


async def play(script: list[list[tuple[str, str]]]) -> None:
    state, memory = State(), Memory()
    world = FakeWorld(clock=SystemClock())
    with TemporaryDirectory() as directory, patch("aiop.engines.fake.FakeWorld", return_value=world):
        async with pipeline_lab(Path(directory)) as lab, asyncio.timeout(120):
            for step in script:
                state = replace(state, **dict(step))
                world.images = {"first": f"sha256:{state.image}"}
                lab.change({"a.txt": state.a, "b.txt": state.b, "docs/other.txt": state.other})
                await lab.define(state.document)
                memory.check(state, await lab.run(inputs={"value": state.value}))
