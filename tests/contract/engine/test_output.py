"""The sink gets all of stdout and stderr, in order, from the beginning."""

import asyncio
from datetime import timedelta

import pytest

from aiop.engines.fake import Script
from aiop.model.records import Stream
from contract.engine.subject import Output, Subject, needs, needs_real_containers

MANY = b"".join(b"line %d\n" % number for number in range(1, 100_001))
LONG = b"x" * 1_000_000


def printed(*pieces: bytes) -> Script:
    return Script(output=tuple((Stream.STDOUT, piece) for piece in pieces))


CASES = {
    "nothing": ("true", b"", None),
    "a line": ("echo hello", b"hello\n", None),
    "an unterminated last line": ("echo a; printf '%s' b", b"a\nb", None),
    "a line of a megabyte": ("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end", LONG + b"\nend\n", "fake"),
    "a line of exactly one buffer": (
        "head -c 16384 /dev/zero | tr '\\0' x; echo; echo end",
        b"x" * 16384 + b"\nend\n",
        "fake",
    ),
    "a megabyte without an end": ("head -c 1000000 /dev/zero | tr '\\0' x", LONG, "fake"),
    "100,000 lines": ("seq 1 100000 | sed 's/^/line /'", MANY, "fake"),
    "bytes that are no text": (r"printf '\377\376\000\200\n'", b"\xff\xfe\x00\x80\n", "fake"),
}


@pytest.mark.parametrize("case", CASES)
async def test_output_is_complete_and_in_order(subject: Subject, case: str) -> None:
    text, expected, scripted = CASES[case]
    output = Output()
    await subject.outcome(subject.run(text, script=printed(expected) if scripted else None), output)
    assert output.stdout == expected
    assert output.stderr == b""


@pytest.mark.parametrize("case", CASES)
async def test_the_output_of_what_has_ended_is_complete_after_a_restart(subject: Subject, case: str) -> None:
    needs(subject, "reattach")
    text, expected, scripted = CASES[case]
    key, output = subject.key(), Output()
    run = subject.run(text, script=printed(expected) if scripted else None)
    await subject.engine.start(key, run, Output())
    await subject.engine.wait(key)
    again = subject.restarted()
    await again.adopt(key, run, output)
    await again.wait(key)
    # Whether the last line was ended may be forgotten.
    assert output.stdout.removesuffix(b"\n") == expected.removesuffix(b"\n")


async def test_stdout_and_stderr_are_told_apart(subject: Subject) -> None:
    output = Output()
    await subject.outcome(subject.run("echo a; echo b >&2; echo c; echo d >&2"), output)
    assert (output.stdout, output.stderr) == (b"a\nc\n", b"b\nd\n")


@pytest.mark.parametrize("before", ["early\n", "early"])
async def test_output_comes_while_the_container_runs(subject: Subject, before: str) -> None:
    if not before.endswith("\n"):
        needs(subject, "live_parts")
    run, release = subject.gated(before=before)
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"early")
    assert not waiting.done()
    release()
    await waiting


def tell_their_times(output: Output) -> None:
    times = [at for _, _, at in output.pieces]
    assert times == sorted(times)
    assert all(at.tzinfo is not None for at in times)


async def test_each_piece_has_an_aware_time_that_never_goes_back(subject: Subject) -> None:
    output = Output()
    await subject.outcome(subject.run("echo a; echo b; echo c"), output)
    tell_their_times(output)


async def test_each_piece_has_a_time_after_a_restart_too(subject: Subject) -> None:
    needs(subject, "reattach")
    key, run, kept = subject.key(), subject.run("echo a; echo b; echo c"), Output()
    await subject.engine.start(key, run, Output())
    await subject.engine.wait(key)
    again = subject.restarted()
    await again.adopt(key, run, kept)
    await again.wait(key)
    tell_their_times(kept)


async def test_output_written_after_stop_is_not_lost(subject: Subject) -> None:
    key, output = subject.key(), Output()
    script = "trap 'echo bye; exit 9' TERM; echo up; while true; do sleep 0.02; done"
    needs(subject, "graceful_stop")
    needs_real_containers(subject, "no command in it can handle a signal")
    await subject.engine.start(key, subject.run(script), output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"up\n")
    await subject.engine.stop(key, grace=timedelta(seconds=20))
    assert (await waiting).exit_code == 9
    assert output.stdout == b"up\nbye\n"


async def test_what_is_stopped_leaves_its_outputs(subject: Subject) -> None:
    needs(subject, "graceful_stop")
    needs(subject, "output_paths")
    needs_real_containers(subject, "what a stopped command has written there is what a script says")
    key, output = subject.key(), Output()
    run = subject.run("echo x=1 >$AIOP_OUTPUT; echo 2 >/made; echo up; sleep infinity", output_paths={"made": "/made"})
    await subject.engine.start(key, run, output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"up\n")
    await subject.engine.stop(key, grace=timedelta(seconds=20))
    outcome = await waiting
    assert outcome.output_file is not None
    assert (outcome.exit_code, outcome.output_file.content) == (143, b"x=1\n")
    assert {name: file.content for name, file in outcome.outputs.items()} == {"made": b"2\n"}
