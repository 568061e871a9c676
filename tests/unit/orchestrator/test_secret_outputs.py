"""What a step declares as a sensitive output is hidden everywhere, in the log of the step itself too, crash or not."""

import json

import pytest

from aiop.engines.fake import FakeWorld, Script
from aiop.model.records import Stream
from aiop.model.state import StepStatus
from memory_store import MemoryStore
from unit.orchestrator.test_replay import NOW, E, Process, TurningClock

TOKEN = "made-in-a-step-7f3a"
DOCUMENT = {
    "name": "secret",
    "steps": [
        {
            "id": "makes",
            "outputs": {"token": {"sensitive": True}},
            "retries": 1,
            "container": {"image": "i"},
        },
        {
            "id": "gets",
            "depends_on": ["makes"],
            "inputs": {"token": "${steps.makes.outputs.token}"},
            "container": {"image": "i"},
        },
    ],
}


def world(*, first_exit_code=0):
    """Both steps print the token; the first one writes it to its outputs, in each attempt."""

    def behaviour(key, _run):
        text = f"{key.step} has {TOKEN}\n".encode()
        output = tuple((stream, part) for stream in (Stream.STDOUT, Stream.STDERR) for part in (text[:14], text[14:]))
        makes = key.step == "makes"
        return Script(
            output=output,
            output_file=f"token={TOKEN}\n".encode() if makes else None,
            exit_code=first_exit_code if makes and key.attempt == 1 else 0,
        )

    return FakeWorld(behaviour, clock=TurningClock())


def stored(store):
    """All that is stored but for what is sealed, as text."""
    row = store.executions[E]
    shown = [[step.inputs, step.outputs, step.error] for step in row["steps"].values()]
    return repr((row["summary"], shown, row["attempts"], row["events"], row["logs"]))


@pytest.mark.parametrize("first_exit_code", [0, 1])
def test_it_is_hidden_whenever_the_service_dies(first_exit_code):
    turns, ended = 1, False
    while not ended:
        store, place = MemoryStore(), world(first_exit_code=first_exit_code)
        store.add(E, json.dumps(DOCUMENT), NOW)
        ended = Process(store, place).live(turns)
        if not ended:
            assert TOKEN not in stored(store)
            assert Process(store, place).live(None)
        assert TOKEN not in stored(store)
        row = store.executions[E]
        assert {step.status for step in row["steps"].values()} == {StepStatus.COMPLETED}
        lines = [(b.step, b.attempt, line.stream, line.text) for b in row["logs"] for line in b.lines]
        attempts = [("makes", n + 1) for n in range(1 + first_exit_code)] + [("gets", 1)]
        assert sorted(lines) == sorted(
            (step, number, stream, f"{step} has ***")
            for step, number in attempts
            for stream in (Stream.STDOUT, Stream.STDERR)
        )
        turns += 1
    assert turns > 20


def test_a_container_that_is_lost_shows_nothing():
    store, place = MemoryStore(), world()
    store.add(E, json.dumps(DOCUMENT), NOW)
    turns = 1
    while not place.containers:
        assert not Process(store, place).live(turns)
        turns += 1
    [key] = place.containers
    place.lose(key)
    assert Process(store, place).live(None)
    row = store.executions[E]
    texts = [line.text for batch in row["logs"] for line in batch.lines if batch.step == "makes"]
    assert TOKEN not in stored(store)
    assert "makes has ***" in texts
