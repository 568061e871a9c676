"""The shell that commands run under, run here by the shell of this machine."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.engines.dagger import wrapping
from aiop.engines.dagger.wrapping import AIOP_OUTPUT, MOUNT_POINT, Bell, Left, is_settable, own_variables, ring, wrap
from aiop.model.run import OUTPUT_LIMIT


class Wrapped:
    """Runs commands as an engine would, with the directory of what they leave in a place of the test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.left = directory / ".left"
        self.left.mkdir(parents=True)
        self.environment: dict[str, str] = {}
        self.given: dict[str, str] = {}

    def run(self, *command: str, **output_paths: str) -> tuple[subprocess.CompletedProcess[bytes], Left]:
        with self.begun(*command, **output_paths) as process:
            out, err = process.communicate()
        assert isinstance(process.args, list)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        return done, Left.read(self.left, output_paths)

    @contextmanager
    def begun(self, *command: str, **output_paths: str) -> Iterator[subprocess.Popen[bytes]]:
        arguments = list(wrap(command, name="the-name", output_paths=output_paths, environment=self.given))
        script = arguments[2].replace(MOUNT_POINT, str(self.directory))
        # Wherever these tests run, the shell is not to take itself for alone and kill all that is around it.
        arguments[2] = script.replace('[ "$PPID" = 1 ]', "false")
        assert arguments[2] != script
        environment = {
            "AIOP_OUTPUT": AIOP_OUTPUT.replace(MOUNT_POINT, str(self.directory)),
            "PATH": "/usr/bin:/bin",
            **self.environment,
        }
        pipe = subprocess.PIPE
        with subprocess.Popen(arguments, env=environment, stdout=pipe, stderr=pipe, cwd=self.directory) as process:
            yield process

    def ring(self, name: str, grace: timedelta = timedelta(hours=1)) -> None:
        subprocess.run(ring({str(self.directory / ".desk"): Bell(name, grace)}), check=True, timeout=20)


@pytest.fixture
def wrapped(tmp_path: Path) -> Wrapped:
    return Wrapped(tmp_path)


@pytest.mark.parametrize("code", [0, 1, 127, 128, 137, 191, 255])
def test_any_exit_code_comes_back_and_the_shell_ends_well(wrapped: Wrapped, code: int) -> None:
    done, left = wrapped.run("sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert (left.code, left.refused) == (code, None)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"out\n", b"err\n")


def test_a_command_that_is_killed_has_the_code_of_its_signal(wrapped: Wrapped) -> None:
    assert wrapped.run("sh", "-c", "kill -9 $$")[1].code == 137


def test_arguments_are_passed_as_they_are(wrapped: Wrapped) -> None:
    odd = ["a b", "", "$HOME", "'", '"', "*", "-n", "ü\n"]
    done, _ = wrapped.run("printf", "<%s>", *odd, one="/x", two="/y")
    assert done.stdout.decode() == "".join(f"<{text}>" for text in odd)


def test_programs_are_run_and_not_what_the_shell_has_under_their_name(wrapped: Wrapped) -> None:
    done, left = wrapped.run("echo", "--version")
    assert b"coreutils" in done.stdout
    assert left.code == 0
    assert wrapped.run("take")[1].code == 127


@pytest.mark.parametrize(("command", "words"), [("./none/such", "not found"), ("no-such-program", "not found")])
def test_what_is_not_there_could_not_be_run(wrapped: Wrapped, command: str, words: str) -> None:
    done, left = wrapped.run(command, "argument")
    assert (left.code, left.refused) == (127, f"exec {command}: {words}")
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("name", ["file", "directory"])
def test_what_is_no_program_could_not_be_run(wrapped: Wrapped, name: str) -> None:
    (wrapped.directory / "file").write_text("x")
    (wrapped.directory / "directory").mkdir()
    _, left = wrapped.run(f"./{name}")
    assert (left.code, left.refused) == (126, f"exec ./{name}: permission denied")


def test_what_is_at_aiop_output_comes_back_though_the_command_fails(wrapped: Wrapped) -> None:
    _, left = wrapped.run("sh", "-c", "echo a=1 >>$AIOP_OUTPUT; exit 3")
    assert left.output_file is not None
    assert (left.code, left.output_file.content) == (3, b"a=1\n")


def test_without_an_output_there_is_none(wrapped: Wrapped) -> None:
    _, left = wrapped.run("true", one=str(wrapped.directory / "none"))
    assert (left.output_file, left.outputs) == (None, {})


@pytest.mark.parametrize("text", ["ln -s /etc/passwd $AIOP_OUTPUT", "mkdir $AIOP_OUTPUT", "mkfifo $AIOP_OUTPUT"])
def test_only_a_regular_file_is_taken(wrapped: Wrapped, text: str) -> None:
    _, left = wrapped.run("sh", "-c", text)
    assert left.output_file is not None
    assert left.output_file.content is None
    assert "no regular file" in (left.output_file.error or "")


def test_declared_outputs_come_back_each_under_its_name(wrapped: Wrapped) -> None:
    text = f"printf 1 >one; ln -s one two; mkdir three; head -c {OUTPUT_LIMIT + 1} /dev/zero >four"
    place = wrapped.directory
    _, left = wrapped.run(
        "sh", "-c", text, one=f"{place}/one", two=f"{place}/two", three=f"{place}/three", four=f"{place}/four"
    )
    assert {name: file.content for name, file in left.outputs.items()} == {
        "one": b"1",
        "two": b"1",
        "three": None,
        "four": None,
    }
    assert "regular" in (left.outputs["three"].error or "")
    assert "larger" in (left.outputs["four"].error or "")
    assert (wrapped.left / "3").stat().st_size == OUTPUT_LIMIT + 1


def test_no_link_is_followed_out_of_what_was_fetched(wrapped: Wrapped) -> None:
    secret = wrapped.directory / "secret"
    secret.write_text("7")
    wrapped.run("true")
    (wrapped.left / "code").unlink()
    (wrapped.left / "code").symlink_to(secret)
    (wrapped.left / "output").symlink_to(secret)
    left = Left.read(wrapped.left, {})
    assert (left.code, left.output_file) == (None, None)


def test_the_directory_that_is_fetched_lies_where_it_is_mounted() -> None:
    assert wrapping.LEFT.startswith(f"{MOUNT_POINT}/")
    assert wrapping.STDOUT.startswith(f"{wrapping.LEFT}/")


def test_what_is_of_the_attempt_alone_is_set_by_the_shell_and_nothing_of_it_shows(wrapped: Wrapped) -> None:
    odd = 'it\'s $HOME `x` \\ "y"'
    wrapped.environment = dict([own_variables({"AIOP_ATTEMPT": "2", "TRACESTATE": odd}, whose="the attempt")])
    done, left = wrapped.run("sh", "-c", 'printf "%s|%s|%s|%s" "$AIOP_ATTEMPT" "$TRACESTATE" "$AIOP_OWN" "$whose"')
    assert (done.stdout.decode(), left.whose, left.code) == (f"2|{odd}||", "the attempt", 0)


def test_without_it_nobody_is_named(wrapped: Wrapped) -> None:
    wrapped.environment = dict([own_variables({}, whose="the attempt")])
    assert wrapped.run("true")[1].whose == "the attempt"
    assert Wrapped(wrapped.directory / "another").run("true")[1].whose is None


def test_the_environment_is_that_of_the_command_whatever_the_shell_uses_itself(wrapped: Wrapped) -> None:
    wrapped.given = {"left": "/x", "code": "9", "IFS": "abc", "desk": "it's\n$HOME", "EMPTY": ""}
    done, left = wrapped.run("sh", "-c", 'printf "%s|%s|%s|%s" "$left" "$code" "$desk" "${EMPTY-unset}"; exit 4')
    assert (done.stdout, left.code) == (b"/x|9|it's\n$HOME|", 4)


def test_what_is_no_name_for_a_shell_is_left_to_the_engine() -> None:
    names = ["A_1", "_", "PATH", "a.b", "1A", "a-b", "a\n"]
    assert [name for name in names if is_settable(name)] == ["A_1", "_"]


# --- stopping -----------------------------------------------------------------------------------------------


@pytest.fixture
def with_desk(wrapped: Wrapped) -> Wrapped:
    (wrapped.directory / ".desk").mkdir()
    return wrapped


UNTIL_TOLD = "trap 'echo bye; exit 9' TERM; echo up; while true; do sleep 0.02; done"


def test_a_command_that_is_rung_for_is_told_to_end(with_desk: Wrapped) -> None:
    with with_desk.begun("sh", "-c", UNTIL_TOLD) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        with_desk.ring("the-name")
        assert process.stdout.readline() == b"bye\n"
    assert Left.read(with_desk.left, {}).code == 9


def test_what_does_not_follow_is_killed_after_its_grace(with_desk: Wrapped) -> None:
    with with_desk.begun("sh", "-c", "trap '' TERM; echo up; exec sleep 60") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        with_desk.ring("the-name", timedelta())
    assert Left.read(with_desk.left, {}).code == 137


def test_what_is_rung_for_before_it_has_begun_does_not_run(with_desk: Wrapped) -> None:
    with_desk.ring("the-name")
    done, left = with_desk.run("echo", "ran")
    assert (done.stdout, left.code) == (b"", 143)


def test_nobody_needs_to_hear_the_bell(with_desk: Wrapped) -> None:
    place = with_desk.directory / ".desk" / "the-name"
    place.mkdir()
    os.mkfifo(place / "bell")
    with_desk.ring("the-name")
    assert (place / "stop").exists()


def test_a_request_is_for_one_attempt_though_others_had_the_same_desk(with_desk: Wrapped) -> None:
    with_desk.ring("the-name")
    with_desk.environment = dict([own_variables({}, whose="another")])
    done, left = with_desk.run("echo", "ran")
    assert (done.stdout, left.code) == (b"ran\n", 0)
    with_desk.ring("another")
    assert with_desk.run("echo", "ran")[1].code == 143
