"""Start, adopt, wait, stop, remove: what may be repeated, and what is found again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aiop.errors import StepLost
from aiop.interfaces import holding
from aiop.model.run import ContainerRun
from aiop.model.state import Reason
from contract.engine.subject import GRACE, Output, Subject, needs, needs_real_containers


@pytest.mark.parametrize("code", [0, 1, 2, 125, 126, 127, 137, 143, 255])
async def test_the_exit_code_is_that_of_the_command(subject: Subject, code: int) -> None:
    outcome = await subject.outcome(subject.run(f"exit {code}"))
    assert outcome.exit_code == code
    assert outcome.reason is (Reason.EXIT_CODE if code else None)
    assert outcome.succeeded is (code == 0)


async def test_times_and_image_are_told(subject: Subject) -> None:
    key, before = subject.key(), datetime.now(UTC)
    started_at = await subject.engine.start(key, subject.run("true"), Output())
    outcome = await subject.engine.wait(key)
    assert started_at is not None
    assert outcome.started_at == started_at
    assert outcome.finished_at is not None
    assert before <= started_at <= outcome.finished_at <= datetime.now(UTC) + timedelta(seconds=1)
    assert outcome.image_digest is not None
    assert outcome.image_digest.startswith("sha256:")


async def test_a_second_start_takes_up_what_runs(subject: Subject) -> None:
    needs(subject, "reattach")
    run, release = subject.gated(before="once")
    key, output = subject.key(), Output()
    first = await subject.engine.start(key, run, Output())
    again = subject.restarted()
    assert await again.start(key, run, output) == first
    release()
    assert (await again.wait(key)).exit_code == 0
    assert output.stdout == b"once"


async def test_a_second_start_takes_up_what_has_ended(subject: Subject) -> None:
    needs(subject, "reattach")
    key, run, output = subject.key(), subject.run("echo once; exit 3"), Output()
    await subject.engine.start(key, run, Output())
    first = await subject.engine.wait(key)
    again = subject.restarted()
    await again.start(key, run, output)
    assert (await again.wait(key)).exit_code == first.exit_code == 3
    assert output.stdout == b"once\n"


async def test_a_start_that_was_cancelled_can_be_repeated(subject: Subject) -> None:
    key, run = subject.key(), subject.run("exit 4")
    starting = asyncio.create_task(subject.engine.start(key, run, Output()))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await subject.engine.start(key, run, Output())
    assert (await subject.engine.wait(key)).exit_code == 4


async def test_nothing_is_made_until_the_execution_is_known_to_be_ours(subject: Subject) -> None:
    asked, ours = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        asked.set()
        await ours.wait()

    with holding(held):
        running = asyncio.create_task(subject.outcome(subject.run("exit 4")))
    asking = asyncio.create_task(asked.wait())
    await asyncio.wait([running, asking], return_when=asyncio.FIRST_COMPLETED)
    assert not running.done()
    assert subject.keys[-1] not in await subject.engine.attempts()
    ours.set()
    assert (await running).exit_code == 4


async def test_what_runs_can_be_adopted_after_a_restart(subject: Subject) -> None:
    needs(subject, "reattach")
    run, release = subject.gated(before="before\n", after="after\n", code=5)
    key, output = subject.key(), Output()
    started_at = await subject.engine.start(key, run, Output())
    await subject.engine.aclose()
    adopting = subject.restarted()
    assert await adopting.adopt(key, run, output) == started_at
    waiting = asyncio.create_task(adopting.wait(key))
    await output.shows(b"before\n")
    assert not waiting.done()
    release()
    assert (await waiting).exit_code == 5
    assert output.stdout == b"before\nafter\n"


async def test_what_has_ended_can_be_adopted_after_a_restart(subject: Subject) -> None:
    needs(subject, "reattach")
    run = subject.run("echo out; echo err >&2; echo name=value >> $AIOP_OUTPUT; exit 6")
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, Output())
    await subject.engine.wait(key)
    await subject.engine.aclose()
    adopting = subject.restarted()
    await adopting.adopt(key, run, output)
    outcome = await adopting.wait(key)
    assert (outcome.exit_code, output.stdout, output.stderr) == (6, b"out\n", b"err\n")
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"name=value\n"


async def test_adopting_again_gives_the_output_from_its_beginning(subject: Subject) -> None:
    run, release = subject.gated(before="one\n", after="two")
    key, first, second = subject.key(), Output(), Output()
    await subject.engine.start(key, run, first)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await first.shows(b"one\n")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await subject.engine.adopt(key, run, second)
    release()
    await subject.engine.wait(key)
    assert second.stdout.rstrip(b"\n") == b"one\ntwo"


async def test_what_is_not_there_cannot_be_adopted(subject: Subject) -> None:
    with pytest.raises(StepLost):
        await subject.engine.adopt(subject.key(), subject.run("true"), Output())


async def test_cancelling_the_wait_leaves_the_container_running(subject: Subject) -> None:
    run, release = subject.gated(before="x\n", code=7)
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"x\n")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release()
    assert (await subject.engine.wait(key)).exit_code == 7
    assert output.stdout == b"x\n"


async def test_a_container_that_vanishes_is_a_lost_step(subject: Subject) -> None:
    needs(subject, "reattach")
    run, _ = subject.gated(before="x\n")
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"x")
    await subject.restarted().remove(key)
    with pytest.raises(StepLost):
        await waiting


async def test_stop_sends_term(subject: Subject) -> None:
    needs(subject, "graceful_stop")
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run("echo up; sleep infinity"), output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"up")
    await subject.engine.stop(key, grace=timedelta(seconds=60))
    outcome = await waiting
    assert (outcome.exit_code, outcome.reason) == (143, Reason.EXIT_CODE)


async def test_stop_kills_after_the_grace(subject: Subject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run("trap '' TERM; echo up; sleep infinity"), output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"up")
    await subject.engine.stop(key, grace=GRACE)
    assert (await waiting).exit_code == 137


async def test_stop_returns_once_the_container_has_ended(subject: Subject) -> None:
    key = subject.key()
    await subject.engine.start(key, subject.run("sleep infinity"), Output())
    await subject.engine.stop(key, grace=GRACE)
    async with asyncio.timeout(5):
        assert (await subject.engine.wait(key)).exit_code in (143, 137)


async def test_what_was_stopped_before_a_restart_is_not_lost_after_it(subject: Subject) -> None:
    needs(subject, "reattach")
    key, run = subject.key(), subject.run("sleep infinity")
    await subject.engine.start(key, run, Output())
    await subject.engine.stop(key, grace=GRACE)
    await subject.engine.aclose()
    adopting = subject.restarted()
    await adopting.adopt(key, run, Output())
    assert (await adopting.wait(key)).exit_code in (143, 137)


async def test_stopping_what_is_not_there_or_has_ended_does_nothing(subject: Subject) -> None:
    key = subject.key()
    await subject.engine.stop(key, grace=GRACE)
    await subject.engine.start(key, subject.run("exit 8"), Output())
    first = await subject.engine.wait(key)
    await subject.engine.stop(key, grace=GRACE)
    assert first.exit_code == 8


async def test_remove_ends_and_removes_and_may_be_repeated(subject: Subject) -> None:
    needs(subject, "reattach")
    key = subject.key()
    await subject.engine.start(key, subject.run("sleep infinity"), Output())
    sweeping = subject.restarted()
    assert key in await sweeping.attempts()
    await sweeping.remove(key)
    assert key not in await sweeping.attempts()
    await sweeping.remove(key)


async def test_attempts_in_every_state_are_listed_with_their_keys(subject: Subject) -> None:
    running, ended = subject.key("running-step_1"), subject.key("ended")
    await subject.engine.start(running, subject.run("sleep infinity"), Output())
    await subject.engine.start(ended, subject.run("true"), Output())
    await subject.engine.wait(ended)
    assert {running, ended} <= set(await subject.engine.attempts())


async def test_many_run_at_once_each_with_its_own_output(subject: Subject) -> None:
    async def one(number: int) -> tuple[int | None, bytes]:
        output = Output()
        outcome = await subject.outcome(subject.run(f"echo {number}; exit {number}"), output)
        return outcome.exit_code, output.stdout

    results = await asyncio.gather(*(one(number) for number in range(8)))
    assert results == [(number, b"%d\n" % number) for number in range(8)]


async def test_a_command_that_does_not_exist_could_not_be_started(subject: Subject) -> None:
    needs_real_containers(subject, "it has no file system in which a command could be missing")
    key = subject.key()
    await subject.engine.start(key, ContainerRun(subject.image, command=("/no/such/command",)), Output())
    outcome = await subject.engine.wait(key)
    assert (outcome.exit_code, outcome.reason) == (127, Reason.START_FAILED)
    assert "/no/such/command" in (outcome.error or "")


async def test_the_engine_tells_who_it_is(subject: Subject) -> None:
    info = await subject.engine.check()
    assert info.type
    assert info.version
