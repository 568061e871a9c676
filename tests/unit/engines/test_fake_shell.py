"""The few words that the fake understands mean what they mean in a shell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aiop.engines.fake import Pause, Print, Save, Script
from aiop.engines.fake.shell import interpret
from aiop.model.records import Stream

OUT, ERR = Stream.STDOUT, Stream.STDERR


def run(text: str, **environment: str) -> Script:
    return interpret(("sh", "-c", text), environment, {"/in": b"given"})


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("echo hello  world", Print(OUT, b"hello world\n")),
        ("echo 'hello  world'", Print(OUT, b"hello  world\n")),
        ("echo hello >&2", Print(ERR, b"hello\n")),
        ("printf '%s' x", Print(OUT, b"x")),
        ("cat /in", Print(OUT, b"given")),
        ("echo a=1 >> $AIOP_OUTPUT", Save("/aiop/output", b"a=1\n", append=True)),
        ("echo a=1 > /out", Save("/out", b"a=1\n", append=False)),
        ("sleep 1.5", Pause(timedelta(seconds=1.5))),
        ("sleep infinity", Pause(None)),
        ("echo $NAME ${NAME}", Print(OUT, b"a;b a;b\n")),
        ("echo '$NAME'", Print(OUT, b"$NAME\n")),
        ('[ "$NAME" = "a;b" ] && echo same || echo other', Print(OUT, b"same\n")),
        ("false || echo or", Print(OUT, b"or\n")),
        ("nonsense", Print(ERR, b"sh: nonsense: not found\n")),
    ],
)
def test_a_line_means_what_a_shell_makes_of_it(text: str, act: object) -> None:
    assert run(text, AIOP_OUTPUT="/aiop/output", NAME="a;b").acts == (act,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("exit 3", 3),
        ("exit 256", 0),
        ("true; false", 1),
        ("false\ntrue", 0),
        ("[ 2 -ge 3 ] || exit 7", 7),
        ("test -f /in", 0),
        ("exit 1; exit 2", 1),
        ("nonsense", 127),
    ],
)
def test_the_exit_code_is_that_of_the_last_command(text: str, code: int) -> None:
    assert run(text).exit_code == code


def test_a_file_written_before_can_be_read() -> None:
    assert run("echo x > /f; echo y >> /f; cat /f").acts[-1] == Print(OUT, b"x\ny\n")


def test_a_trap_on_term_is_known() -> None:
    assert run("trap '' TERM; sleep 5").ignores_term


def test_a_command_without_a_shell_is_interpreted_if_known_and_else_does_nothing() -> None:
    assert interpret(("echo", "a b"), {}, {}).acts == (Print(OUT, b"a b\n"),)
    assert interpret(("python", "script.py"), {}, {}) == Script()
