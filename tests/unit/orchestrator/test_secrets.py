"""Named secrets on their way into containers, and what keeps them out of everything else.

Processes are those of ``test_replay``: they may be dropped at any turn of the loop, and the next one goes on.
"""

import asyncio
import base64
import dataclasses
import itertools
import json

import pytest

from aiop.engines.fake import FakeWorld, Script
from aiop.engines.fake.script import Pause, Print
from aiop.model.records import Stream
from aiop.model.secret import packed
from aiop.model.state import Reason
from memory_store import MemoryStore
from unit.orchestrator.test_replay import NOW, E, NoVault, Process, TurningClock

FIRST, SECOND = "the-first-value", "its-successor"


class House:
    """A store, a world, and the processes that come and go in them."""

    def __init__(self, steps, behaviour=None, *, sealed=None):
        self.store, self.world = MemoryStore(), FakeWorld(behaviour, clock=TurningClock())
        document = json.dumps({"name": "w", "steps": steps})
        self.store.add(E, document, NOW, sealed=sealed and NoVault().seal(json.dumps(sealed).encode()))

    def put(self, value, name="TOKEN"):
        self.store.put_secret(name, NoVault().seal(packed(name, value)), NOW)

    def delete(self, name="TOKEN"):
        self.store.delete_secret(name, NOW)

    def live(self, turns=None):
        return Process(self.store, self.world).live(turns)

    @property
    def row(self):
        return self.store.executions[E]

    @property
    def lines(self):
        return [line.text for batch in self.row["logs"] for line in batch.lines]

    @property
    def given(self):
        return [run.environment.get("TOKEN") for run in self.world.ledger.runs.values()]

    def stored(self):
        """All that a look at the database gives; what is sealed cannot be read in it."""
        row = self.row
        parts = [row["summary"], *row["steps"].values(), *row["attempts"].values(), *row["events"], *row["logs"]]
        return json.dumps([dataclasses.asdict(part) for part in parts], default=str)


def step(token="${secrets.TOKEN}", step_id="a", **fields):
    return {"id": step_id, "container": {"image": "i", "environment": {"TOKEN": token}}, **fields}


def says(run, *, exit_code=0, late=False):
    """A container that prints what it was given, as it is and in base64; a late one once it is released."""
    value = run.environment["TOKEN"]
    text = f"{value}\n{base64.b64encode(f'u:{value}'.encode()).decode()}\n{' '.join(map(str, run.files.values()))}"
    spoken = Print(Stream.STDOUT, text.encode())
    return Script(exit_code=exit_code, acts=(Pause(), spoken) if late else (spoken,))


def test_a_value_gets_into_environment_and_files_and_nowhere_else():
    steps = [step("x ${secrets.TOKEN}"), step("${steps.a.outputs.result}", "b", depends_on=["a"])]
    steps[0]["container"]["files"] = {"/key": "${secrets.TOKEN}"}
    house = House(steps, lambda _, run: says(run))
    house.put(FIRST)

    assert house.live()

    run = next(iter(house.world.ledger.runs.values()))
    assert run.environment["TOKEN"] == f"x {FIRST}"
    assert run.files == {"/key": FIRST.encode()}
    assert FIRST in house.given[1]  # the true result goes on to the next step
    assert house.row["steps"]["b", 0].outputs["result"].startswith("x ***")
    assert "x ***" in house.lines
    assert FIRST not in house.stored()
    assert base64.b64encode(FIRST.encode()).decode()[2:-4] not in house.stored()


def test_rotation_applies_to_the_next_attempt_and_both_values_are_masked():
    def behaviour(key, run):
        house.put(SECOND)
        return says(run, exit_code=key.attempt % 2)

    house = House([step(retries=1)], behaviour)
    house.put(FIRST)

    assert house.live()

    assert house.given == [FIRST, SECOND]
    assert house.lines.count("***") == 2
    assert not {FIRST, SECOND} & set(house.lines)
    assert house.row["summary"].status == "completed"


def test_a_default_takes_the_place_of_a_secret_that_does_not_exist():
    house = House([step("${secrets.TOKEN:-none}")])

    assert house.live()

    assert house.given == ["none"]


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("${secrets.TOKEN}", "environment.TOKEN: ${secrets.TOKEN}: there is no such secret"),
        ("${secrets.TOKEN:?ask the admins}", "environment.TOKEN: ${secrets.TOKEN}: ask the admins"),
    ],
)
def test_a_secret_that_was_deleted_meanwhile_fails_the_step(token, sentence):
    house = House([step(), step(token, "b", depends_on=["a"], retries=3)], lambda *_: house.delete() or Script())
    house.put(FIRST)

    assert house.live()

    ended = house.row["steps"]["b", 0]
    assert (ended.status, ended.reason, ended.error) == ("failed", "template", sentence)
    assert house.given == [FIRST]


def test_a_value_that_the_key_does_not_open_fails_the_step():
    house = House([step()])
    house.store.put_secret("TOKEN", NoVault().seal(packed("OTHER", FIRST)), NOW)

    assert house.live()

    ended = house.row["steps"]["a", 0]
    assert (ended.status, ended.reason) == ("failed", "template")
    assert "TOKEN cannot be opened" in ended.error


def test_only_secrets_that_are_mentioned_are_opened(monkeypatch):
    opened = []
    monkeypatch.setattr(NoVault, "open", lambda _, sealed: opened.append(sealed) or sealed[::-1])
    house = House([step(), {"id": "b", "container": {"image": "i"}}])
    house.put(FIRST)
    house.put(SECOND, "OTHER")

    assert house.live()

    assert opened == [NoVault().seal(packed("TOKEN", FIRST))]


def test_a_database_that_is_away_is_waited_for():
    house = House([step()])
    house.put(FIRST)
    house.store.away = 3

    assert house.live()

    assert house.given == [FIRST]


@pytest.mark.parametrize("change", ["put", "delete"])
def test_an_adopted_container_goes_on_and_its_value_is_masked_although_it_was_changed(change):
    house = House([step()], lambda _, run: says(run, late=True))
    house.put(FIRST)
    assert not house.live(60)
    assert [attempt.status for attempt in house.row["attempts"].values()] == ["running"]

    house.put(SECOND) if change == "put" else house.delete()
    house.world.release("a")
    assert house.live()

    ended = house.row["steps"]["a", 0]
    assert (ended.status, ended.error) == ("completed", None)
    assert house.lines[0] == "***"
    assert FIRST not in house.stored()


def test_what_a_step_took_from_another_is_masked_by_the_next_process_too():
    steps = [step(), step("${steps.a.outputs.result}", "b", depends_on=["a"])]
    house = House(steps, lambda key, run: says(run, late=key.step == "b"))
    house.put(FIRST)
    assert not house.live(80)
    assert [step for step, _ in house.row["steps"]] == ["a", "b"]
    house.delete()
    house.world.release("b")

    assert house.live()

    assert house.row["summary"].status == "completed"
    assert FIRST not in house.stored()


def test_credentials_take_their_secrets_when_an_attempt_starts():
    login = {"registry": "r", "username": "u-${secrets.USER}", "password": "${secrets.TOKEN}"}

    def behaviour(key, _run):
        house.put(SECOND)
        return Script(output=((Stream.STDERR, f"denied: {FIRST}".encode()),), exit_code=key.attempt % 2)

    house = House([step("none", retries=1)], behaviour, sealed={"credentials": login})
    house.put(FIRST)
    house.put("ann", "USER")

    assert house.live()

    given = [run.credentials for run in house.world.ledger.runs.values()]
    assert [(each.username, each.password) for each in given] == [("u-ann", FIRST), ("u-ann", SECOND)]
    assert house.lines[0] == "denied: ***"


def test_credentials_whose_secret_is_gone_fail_the_step():
    login = {"registry": "r", "username": "u", "password": "${secrets.TOKEN}"}
    house = House([step("none")], sealed={"credentials": login})

    assert house.live()

    assert house.row["steps"]["a", 0].error == "container_credentials: ${secrets.TOKEN}: there is no such secret"


def test_no_value_is_ever_stored_whenever_the_process_dies_and_the_value_changes():
    """A crash at every single await point, each followed by a rotation."""
    steps = [
        step(),
        step("${steps.a.outputs.result}", "b", depends_on=["a"], retries=2),
        step("${secrets.TOKEN} again", "c", depends_on=["a"]),
    ]
    for turns in itertools.count(1):
        house = House(steps, lambda key, run: says(run, exit_code=int(key.step == "b" and key.attempt == 1)))
        house.put(FIRST)
        ended = house.live(turns)
        house.put(SECOND)
        if not ended:
            assert house.live()
        assert house.row["summary"].status == "completed"
        assert not house.world.ledger.misuses
        stored = house.stored()
        assert FIRST not in stored
        assert SECOND not in stored
        if ended:
            break
    assert turns > 20


@pytest.mark.parametrize(("first", "reason"), [("cancel", "cancelled"), ("end", "agent_deleted")])
def test_an_end_that_is_asked_for_before_the_execution_is_taken_up_comes_right_after(first, reason):
    """The next process must first read from the database what to mask."""
    house = House([step()], lambda _, run: says(run, late=True))
    house.put(FIRST)
    assert not house.live(60)

    async def ask_at_once():
        runner = await Process(house.store, house.world).runner()
        running = asyncio.create_task(runner.run())
        await asyncio.sleep(0)
        for ask in ("cancel", "end") if first == "cancel" else ("end", "cancel"):
            runner.cancel() if ask == "cancel" else runner.end(Reason.AGENT_DELETED)
        await running

    asyncio.run(ask_at_once())

    assert house.row["summary"].reason == reason
    assert house.row["steps"]["a", 0].status == "cancelled"
