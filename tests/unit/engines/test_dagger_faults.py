"""What the words of an engine mean."""

import pytest

from aiop.engines.dagger.faults import cli_words, image_fault, mendable, transient, words_of
from aiop.engines.dagger.images import Image
from aiop.errors import EngineError, EngineUnavailable, ImageRefused, RegistryUnavailable
from aiop.model.run import Credentials


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('failed to resolve image "x": docker.io/library/x:1: not found', ImageRefused),
        ("pull access denied, repository does not exist or may require authorization", ImageRefused),
        ("failed to authorize: unexpected status: 401 Unauthorized", ImageRefused),
        ('Head "https://r.example/v2/x": dial tcp 10.0.0.1:443: connect: connection refused', RegistryUnavailable),
        ("dial tcp: lookup r.example: no such host", RegistryUnavailable),
        ("net/http: TLS handshake timeout", RegistryUnavailable),
        ("unexpected status: 429 Too Many Requests", RegistryUnavailable),
        ("unexpected status: 503 Service Unavailable", RegistryUnavailable),
        ("write /var/lib/dagger: no space left on device", EngineUnavailable),
    ],
)  # fmt: skip
def test_the_registry_the_engine_and_the_image_are_told_apart(words: str, expected: type[EngineError]) -> None:
    assert type(image_fault(words, None)) is expected


def test_what_is_for_programs_is_left_out_of_the_words() -> None:
    assert words_of(ValueError("no such user [traceparent:00ff-00ff]")) == "no such user"
    assert words_of(ValueError()) == "ValueError"


def test_the_login_is_not_told() -> None:
    fault = image_fault("401: user:hunter2 is wrong", Credentials("r.example", "user", "hunter2"))
    assert str(fault) == "401: ***:*** is wrong"


@pytest.mark.parametrize(
    ("words", "lasting"),
    [
        ("rpc error: code = Unavailable desc = transport is closing", False),
        ("no space left on device", False),
        ("unable to find user nobody-such: no matching entries in passwd file", True),
        ("lstat /no/such: no such file or directory", True),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(words: str, lasting: bool) -> None:
    assert transient(words) is not lasting


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        (None, None, ("entry", "default")),
        (None, ("a",), ("entry", "a")),
        (None, (), ("entry",)),
        (("c",), None, ("c",)),
        (("c",), ("a",), ("c", "a")),
    ],
)
def test_command_and_args_replace_what_the_image_has(
    command: tuple[str, ...] | None, args: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    assert Image("x@sha256:1", "sha256:1", True, ("entry",), ("default",)).command(command, args) == expected


_CLI = (
    "\x1b[95m1   : \x1b[0mconnect\n2   : exec docker version\n"
    "\x1b[90m[0.0s] \x1b[0m\x1b[90m|\x1b[0m Client:\n[0.0s] | Cannot connect to the Docker daemon\n"
    "1   : ! start engine: it failed\n\nError: start engine: it failed [traceparent:91e4-39d3]"
)


def test_of_what_the_command_line_says_the_error_is_told_and_the_last_word_of_what_it_ran() -> None:
    assert cli_words(_CLI) == "start engine: it failed: Cannot connect to the Docker daemon"
    assert cli_words("panic: what is this\n") == "panic: what is this"
    assert cli_words("") == ""


def test_what_only_another_endpoint_or_version_helps_against_is_known() -> None:
    assert mendable('start engine: no driver for scheme "bogus" found')
    assert mendable("incompatible engine version v0.9.0")
    assert not mendable("connection refused")
