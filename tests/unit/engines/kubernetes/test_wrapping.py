"""The shell that commands run under in a pod, run here by the shell of this machine."""

import os
import subprocess
from pathlib import Path

import pytest

from aiop.engines.kubernetes.wrapping import (
    LINGER_SECONDS,
    Report,
    Whereabouts,
    collect_command,
    parse_collected,
    parse_report,
    wrap,
)

BURST = "head -c 100000 /dev/zero | tr '\\0' x; "


class Wrapped:
    """Runs commands as a pod would, with ``/dev/shm/aiop`` in a place of the test, and a ``sleep`` that tells."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = directory / "shm" / "output"
        programs = directory / "bin"
        programs.mkdir()
        self._slept = directory / "slept"
        (programs / "sleep").write_text(f'#!/bin/sh\necho "$@" >>{self._slept}\n')
        (programs / "sleep").chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}

    @property
    def slept(self) -> str:
        return self._slept.read_text() if self._slept.exists() else ""

    def start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        arguments[2] = arguments[2].replace("/dev/shm/aiop", str(self.output.parent))
        return subprocess.Popen(arguments, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self, text: str) -> subprocess.Popen[bytes]:
        return self.start(wrap(["sh", "-c", text], token="TOKEN", output_paths={}, gate=False))

    def collect(self) -> bytes:
        return self.start(collect_command({}, release=True)).communicate()[0]


@pytest.fixture
def wrapped(tmp_path: Path) -> Wrapped:
    return Wrapped(tmp_path)


def report_of(shell: subprocess.Popen[bytes]) -> Report | None:
    """Read to the last mark, as the service does."""
    assert shell.stdout is not None
    for line in shell.stdout:
        _, mark, rest = line.partition(b"TOKENr")
        if mark:
            return parse_report(rest)
    return None


def test_a_shell_whose_command_wrote_little_ends_at_once(wrapped: Wrapped) -> None:
    shell = wrapped.run("echo out; exit 3")
    with shell:
        assert report_of(shell) == Report(3, oom=False, told=False, marked=True, outputs=Whereabouts.NOWHERE)
        assert shell.wait() == 3
    assert wrapped.slept == ""


@pytest.mark.parametrize("stream", ["", ">&2"])
def test_a_shell_whose_command_wrote_much_stays_for_a_bounded_time(wrapped: Wrapped, stream: str) -> None:
    shell = wrapped.run(f"{{ {BURST} }} {stream}; exit 3")
    with shell:
        assert report_of(shell) == Report(3, oom=False, told=False, marked=True, outputs=Whereabouts.NOWHERE)
        # The log is as it was: what stays holds nothing open.
        assert shell.stdout is not None
        assert shell.stdout.read() == b""
        assert shell.wait() == 3
    assert wrapped.slept == f"{LINGER_SECONDS}\n"


def test_a_shell_that_stays_goes_when_it_is_told_to(wrapped: Wrapped) -> None:
    told = wrapped.directory / "told"
    os.mkfifo(told)
    (wrapped.directory / "bin" / "sleep").write_text(f"#!/bin/sh\nread -r _ <{told}\n")
    # Opened for both, it lets nobody wait to open it; its sleep ends with the test only.
    release = os.open(told, os.O_RDWR)
    shell = wrapped.run(f"{BURST} exit 3")
    try:
        assert report_of(shell) is not None
        shell.terminate()
        assert shell.wait() == 3
    finally:
        os.write(release, b"\n")
        shell.communicate()
        os.close(release)


def test_a_report_says_whether_the_container_was_told_to_end(wrapped: Wrapped) -> None:
    shell = wrapped.run("trap 'exit 3' TERM; kill -TERM $PPID; while :; do sleep 1; done")
    with shell:
        assert report_of(shell) == Report(3, oom=False, told=True, marked=True, outputs=Whereabouts.NOWHERE)
        assert shell.wait() == 3


def test_outputs_of_a_command_that_wrote_much_are_read_while_its_shell_stays(wrapped: Wrapped) -> None:
    shell = wrapped.run(f"{BURST} echo x=1 >{wrapped.output}")
    with shell:
        assert report_of(shell) == Report(0, oom=False, told=False, marked=True, outputs=Whereabouts.HELD)
        left = parse_collected(wrapped.collect(), {})
        assert shell.wait() == 0
    assert left is not None
    assert left.output_file is not None
    assert left.output_file.content == b"x=1\n"
    assert wrapped.slept == ""
