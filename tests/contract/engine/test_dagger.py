"""What only a Dagger Engine does, or does in a way of its own."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aiop.engines.dagger import DaggerEngine
from aiop.errors import EngineRefused, EngineUnavailable, OutputGap, StepLost
from aiop.model.run import ContainerRun, HostMount, VolumeMount
from aiop.model.state import Reason
from contract.engine.subject import GRACE, DaggerSubject, Output
from dagger_lab import DaggerLab

pytestmark = pytest.mark.dagger


@pytest.fixture
async def subject(dagger_lab: DaggerLab, tmp_path: Path) -> AsyncIterator[DaggerSubject]:
    made = DaggerSubject(dagger_lab, directory=tmp_path)
    yield made
    await made.aclose()


async def session_of(engine: object) -> int:
    """The process of the session that the engine has."""
    assert isinstance(engine, DaggerEngine)
    return (await engine._sessions.current()).pid


# --- output -------------------------------------------------------------------------------------------------


async def test_output_in_which_the_engine_leaves_a_gap_is_given_whole_when_asked_again(subject: DaggerSubject) -> None:
    run = subject.run(r"echo one; sleep 1; printf '\377\n'; sleep 1; echo two; sleep 1; echo three")
    key, live, whole = subject.key(), Output(), Output()
    await subject.engine.start(key, run, live)
    with pytest.raises(OutputGap):
        await subject.engine.wait(key)
    assert live.stdout.startswith(b"one\n")
    await subject.engine.adopt(key, run, whole)
    assert (await subject.engine.wait(key)).succeeded
    assert whole.stdout == b"one\n\xff\ntwo\nthree\n"


async def test_a_command_that_kills_its_shell_has_its_code_and_its_output(subject: DaggerSubject) -> None:
    output = Output()
    outcome = await subject.outcome(subject.run("echo up; sleep 1; kill -9 $PPID; sleep 1"), output)
    assert (outcome.exit_code, outcome.reason) == (137, Reason.EXIT_CODE)
    assert output.stdout == b"up\n"


# --- stopping -----------------------------------------------------------------------------------------------


async def test_what_is_stopped_before_its_command_has_begun_does_not_run(subject: DaggerSubject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run("sleep 20; echo ran"), output)
    await subject.engine.stop(key, grace=timedelta(seconds=5))
    outcome = await subject.engine.wait(key)
    assert (outcome.exit_code, outcome.reason, output.stdout) == (143, Reason.EXIT_CODE, b"")


async def test_a_user_without_rights_can_be_stopped(subject: DaggerSubject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(
        key, subject.run("trap 'echo bye; exit 9' TERM; echo up; sleep 60 & wait", user="1000"), output
    )
    await output.shows(b"up\n")
    await subject.engine.stop(key, grace=timedelta(seconds=20))
    assert ((await subject.engine.wait(key)).exit_code, output.stdout) == (9, b"up\nbye\n")


async def test_what_ignores_the_request_is_killed_with_all_that_it_has_started(subject: DaggerSubject) -> None:
    mount = VolumeMount(f"aiop-stop-{uuid4()}", "/kept", read_only=False)
    beside = "(while true; do date +%s%N >/kept/new; mv /kept/new /kept/alive; sleep 0.02; done) &"
    text = f"trap '' TERM; {beside} echo x=1 >$AIOP_OUTPUT; echo up; wait"
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run(text, mounts=(mount,)), output)
    await output.shows(b"up\n")
    await subject.engine.stop(key, grace=GRACE)
    outcome = await subject.engine.wait(key)
    assert outcome.output_file is not None
    assert (outcome.exit_code, outcome.output_file.content) == (137, b"x=1\n")
    look = Output()
    await subject.outcome(subject.run("cat /kept/alive; sleep 1; cat /kept/alive", mounts=(mount,)), look)
    before, after = look.stdout.split()
    assert before == after


async def test_those_that_are_stopped_at_once_have_each_its_own_end(subject: DaggerSubject) -> None:
    keys, outputs = [subject.key() for _ in range(5)], [Output() for _ in range(5)]
    for number, (key, output) in enumerate(zip(keys, outputs, strict=True)):
        action = f"echo bye{number}; exit {number}" if number else ""
        run = subject.run(f"trap '{action}' TERM; echo up; while true; do sleep 0.02; done")
        await subject.engine.start(key, run, output)
    for output in outputs:
        await output.shows(b"up\n")
    # The first does not follow: it is killed, after a grace that is its own.
    graces = [timedelta(seconds=1), *[timedelta(hours=1)] * 4]
    await asyncio.gather(*(subject.engine.stop(key, grace=grace) for key, grace in zip(keys, graces, strict=True)))
    assert [(await subject.engine.wait(key)).exit_code for key in keys] == [137, 1, 2, 3, 4]
    assert [output.stdout for output in outputs[1:]] == [f"up\nbye{number}\n".encode() for number in range(1, 5)]


async def test_a_session_that_is_lost_while_it_stops_something_ends_the_stop(subject: DaggerSubject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run("trap '' TERM; echo up; sleep infinity"), output)
    await output.shows(b"up\n")
    stopping = asyncio.create_task(subject.engine.stop(key, grace=timedelta(hours=1)))
    os.kill(await session_of(subject.engine), signal.SIGKILL)
    await stopping
    with pytest.raises(EngineUnavailable):
        await subject.engine.wait(key)


# --- what the engine keeps ----------------------------------------------------------------------------------

UNLIKE = "cat /proc/sys/kernel/random/uuid; echo $AIOP_EXECUTION_ID $AIOP_ATTEMPT"


def kept(subject: DaggerSubject, text: str, key: str, number: int, **more: Any) -> ContainerRun:
    environment = {"AIOP_EXECUTION_ID": f"execution '{number}'", "AIOP_ATTEMPT": str(number), "PLAIN": "x"}
    return replace(subject.run(text, environment=environment, **more), cache_key=key)


async def test_a_success_with_the_same_cache_key_is_taken_in_another_session_too(subject: DaggerSubject) -> None:
    key, one, other = str(uuid4()), Output(), Output()
    first = await subject.outcome(kept(subject, f"{UNLIKE}; echo x=1 >$AIOP_OUTPUT", key, 1), one)
    assert (first.succeeded, first.replayed) == (True, False)
    assert one.stdout.endswith(b"\nexecution '1' 1\n")
    subject.engine = subject.restarted()
    outcome = await subject.outcome(kept(subject, f"{UNLIKE}; echo x=1 >$AIOP_OUTPUT", key, 2), other)
    assert outcome.output_file is not None
    assert (other.stdout, outcome.output_file.content) == (one.stdout, b"x=1\n")
    assert outcome.replayed


async def test_a_failure_with_the_same_cache_key_is_run_again(subject: DaggerSubject) -> None:
    key, outputs = str(uuid4()), [Output(), Output(), Output()]
    for number, output in enumerate(outputs):
        outcome = await subject.outcome(kept(subject, f"{UNLIKE}; exit 3", key, number), output)
        assert (outcome.exit_code, outcome.replayed) == (3, False)
        assert output.stdout.endswith(f"\nexecution '{number}' {number}\n".encode())
    assert len({output.stdout for output in outputs}) == 3


async def test_another_secret_with_another_cache_key_is_seen(subject: DaggerSubject) -> None:
    found = []
    for value in ("correct-horse", "battery-staple"):
        run = subject.run("printf %s $TOKEN | wc -c", environment={"TOKEN": value}, secret_environment={"TOKEN"})
        output = Output()
        await subject.outcome(replace(run, cache_key=str(uuid4())), output)
        found.append(output.stdout.strip())
    assert found == [b"13", b"14"]


async def test_equal_runs_side_by_side_are_apart_so_that_stopping_one_leaves_the_other(subject: DaggerSubject) -> None:
    cache_key, gate = str(uuid4()), (VolumeMount(f"aiop-gate-{uuid4()}", "/gate", read_only=False),)
    text = "echo up; while [ ! -e /gate/open ]; do sleep 0.02; done; echo $AIOP_ATTEMPT"
    keys, outputs = [subject.key(), subject.key()], [Output(), Output()]
    for number, (key, output) in enumerate(zip(keys, outputs, strict=True)):
        await subject.engine.start(key, kept(subject, text, cache_key, number, mounts=gate), output)
        await output.shows(b"up\n")
    await subject.engine.stop(keys[0], grace=timedelta(hours=1))
    assert (await subject.engine.wait(keys[0])).exit_code == 143
    assert (await subject.outcome(subject.run("touch /gate/open", mounts=gate))).succeeded
    assert (await subject.engine.wait(keys[1])).succeeded
    assert outputs[1].stdout == b"up\n1\n"


async def test_a_request_to_an_attempt_that_was_lost_is_none_to_the_next_with_its_cache_key(
    subject: DaggerSubject,
) -> None:
    cache_key, gate = str(uuid4()), (VolumeMount(f"aiop-gate-{uuid4()}", "/gate", read_only=False),)
    text = "trap 'echo told' TERM; echo up; while [ ! -e /gate/open ]; do sleep 0.02; done"
    key, output = subject.key(), Output()
    await subject.engine.start(key, kept(subject, text, cache_key, 1, mounts=gate), output)
    await output.shows(b"up\n")
    stopping = asyncio.create_task(subject.engine.stop(key, grace=timedelta(hours=1)))
    await output.shows(b"told\n")
    os.kill(await session_of(subject.engine), signal.SIGKILL)
    await stopping
    assert (await subject.outcome(subject.run("touch /gate/open", mounts=gate))).succeeded
    next_output = Output()
    assert (await subject.outcome(kept(subject, text, cache_key, 2, mounts=gate), next_output)).succeeded
    assert next_output.stdout == b"up\n"


# --- what it is given ---------------------------------------------------------------------------------------


async def test_secrets_reach_the_command_and_are_masked_where_it_says_them(subject: DaggerSubject) -> None:
    run = subject.run(
        'test "$TOKEN" = correct-horse && test "$(cat /key)" = battery-staple && echo same >> $AIOP_OUTPUT\n'
        "echo $TOKEN",
        environment={"TOKEN": "correct-horse", "PLAIN": "x"},
        files={"/key": b"battery-staple"},
        secret_environment=frozenset({"TOKEN"}),
        secret_files=frozenset({"/key"}),
        user="1000",
    )
    output = Output()
    outcome = await subject.outcome(run, output)
    assert outcome.output_file is not None
    assert (outcome.output_file.content, output.stdout) == (b"same\n", b"***\n")


async def test_of_a_host_directory_only_what_was_changed_is_written_back(subject: DaggerSubject) -> None:
    shared = subject.directory / "shared"
    shared.mkdir()
    for name in ("kept", "changed", "deleted"):
        (shared / name).write_text("before")
    before = (shared / "kept").stat()
    mount = HostMount(str(shared), "/data", read_only=False)
    assert (await subject.outcome(
        subject.run("echo after > /data/changed; echo new > /data/new; rm /data/deleted", mounts=(mount,))
    )).succeeded  # fmt: skip
    found = {path.name: path.read_text() for path in shared.iterdir()}
    assert found == {"kept": "before", "changed": "after\n", "new": "new\n", "deleted": "before"}
    after = (shared / "kept").stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


async def test_one_file_of_the_host_can_be_written_to(subject: DaggerSubject) -> None:
    file = subject.directory / "one"
    file.write_text("before\n")
    mount = HostMount(str(file), "/one", read_only=False)
    assert (await subject.outcome(subject.run("cat /one; echo after > /one", mounts=(mount,)))).succeeded
    assert file.read_text() == "after\n"


async def test_equal_commands_of_two_attempts_both_run(subject: DaggerSubject) -> None:
    run = subject.run("cat /proc/sys/kernel/random/uuid")
    one, other = Output(), Output()
    await subject.outcome(run, one)
    await subject.outcome(run, other)
    assert one.stdout != other.stdout


async def test_a_user_that_the_image_does_not_have_fails_the_start(subject: DaggerSubject) -> None:
    outcome = await subject.outcome(subject.run("id", user="nobody-such"))
    assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
    assert "nobody-such" in (outcome.error or "")


async def test_a_host_directory_that_is_too_large_fails_the_start(dagger_lab: DaggerLab, tmp_path: Path) -> None:
    subject = DaggerSubject(dagger_lab, directory=tmp_path, mount_limit=1_000_000)
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "file").write_bytes(bytes(1_000_001))
    mount = HostMount(str(tmp_path / "large"), "/data", read_only=True)
    outcome = await subject.outcome(subject.run("true", mounts=(mount,)))
    assert outcome.reason is Reason.START_FAILED
    assert "holds more than 1000000 bytes" in (outcome.error or "")
    await subject.aclose()


# --- losses -------------------------------------------------------------------------------------------------


async def test_a_session_that_is_killed_loses_what_ran_and_nothing_else(subject: DaggerSubject) -> None:
    run, _ = subject.gated(before="up")
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"up")
    os.kill(await session_of(subject.engine), signal.SIGKILL)
    with pytest.raises(EngineUnavailable):
        await waiting
    with pytest.raises(StepLost):
        await subject.engine.adopt(key, run, Output())
    await subject.engine.check()
    assert (await subject.outcome(subject.run("true"))).succeeded


async def test_an_attempt_that_ended_outlives_its_session(subject: DaggerSubject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, run := subject.run("echo once; exit 3"), Output())
    await subject.engine.wait(key)
    os.kill(await session_of(subject.engine), signal.SIGKILL)
    await subject.engine.adopt(key, run, output)
    assert (await subject.engine.wait(key)).exit_code == 3
    assert output.stdout == b"once\n"


async def test_the_session_ends_with_the_engine_object(subject: DaggerSubject) -> None:
    pid = await session_of(subject.engine)
    await subject.engine.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_listens_and_does_not_answer_is_unavailable(
    subject: DaggerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiop.engines.dagger.session._OPEN_SECONDS", 3)
    endpoint = f"unix://{subject.directory}/silent.sock"

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(say_nothing, subject.directory / "silent.sock"):
        silent = DaggerEngine(endpoint=endpoint, scratch=subject.directory / "none")
        with pytest.raises(EngineUnavailable, match=f"no answer from the Dagger Engine at {endpoint}"):
            await silent.check()
        await silent.aclose()


async def test_a_command_line_that_is_not_there_is_said_to_be_lacking(subject: DaggerSubject) -> None:
    absent = str(subject.directory / "absent")
    engine = DaggerEngine(endpoint=None, scratch=subject.directory / "none", cli=absent)
    with pytest.raises(EngineRefused, match=f"{re.escape(absent)}: No such file"):
        await engine.check()
    await engine.aclose()


async def test_an_endpoint_that_dagger_does_not_know_is_refused_in_its_words(subject: DaggerSubject) -> None:
    engine = DaggerEngine(endpoint="bogus://x", scratch=subject.directory / "none")
    with pytest.raises(EngineRefused, match='no driver for scheme "bogus"'):
        await engine.check()
    await engine.aclose()


async def test_an_engine_is_spoken_to_over_tcp_too(subject: DaggerSubject, dagger_lab: DaggerLab) -> None:
    async with forwarded(dagger_lab.endpoint) as endpoint:
        engine = DaggerEngine(endpoint=endpoint, scratch=subject.directory / "tcp")
        subject.engines.append(engine)
        subject.engine = engine
        output = Output()
        assert (await subject.outcome(subject.run("echo hello"), output)).succeeded
        assert output.stdout == b"hello\n"
        await engine.aclose()


@asynccontextmanager
async def forwarded(endpoint: str) -> AsyncIterator[str]:
    """A TCP port that leads to the engine at a Unix socket."""
    path = endpoint.removeprefix("unix://")
    if path == endpoint:
        pytest.skip(f"a TCP port can be led to an engine at a Unix socket only, and this one is at {endpoint}")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
