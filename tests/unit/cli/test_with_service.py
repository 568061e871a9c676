"""The command line against the real service, whose engine is a fake one: what stubs cannot promise."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unit.cli.installation import AIOP, serving

FLOW = """
name: words
inputs:
  text: {type: string, required: true}
  limit: {type: number, default: 3}
container_config: {image: "busybox:1", network: none}
steps:
  - {id: survey, container: {script: 'echo ${inputs.text}'}}
  - id: count
    depends_on: [survey]
    container: {script: 'echo counted'}
  - id: never
    depends_on: [count]
    when: inputs.limit > 100
    container: {script: 'echo no'}
outputs: {said: "${steps.survey.outputs.result}"}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("service")) as environment:
        yield environment


@pytest.fixture
def run(installation: dict[str, str], tmp_path: Path) -> Run:
    """Run a command as somebody who has just installed the service, and nothing else."""

    def aiop(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*AIOP, *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=installation, cwd=tmp_path, check=False
        )

    (tmp_path / "flow.yaml").write_text(FLOW)
    return aiop


def test_a_file_is_run_to_its_outputs_without_any_set_up(run):
    ended = run("workflow", "run", "flow.yaml", "--input", "text=to be", "-i", "limit=5")

    assert ended.stderr == ""
    assert ended.returncode == 0
    assert "survey: completed" in ended.stdout
    assert "never: skipped" in ended.stdout
    assert ended.stdout.endswith("Outputs  said = to be\n")


def test_a_run_can_be_looked_at_afterwards(run):
    execution = json.loads(run("workflow", "run", "flow.yaml", "-i", "text=or not", "-o", "json").stdout)
    beginning = execution["id"][:14]

    assert execution["inputs"] == {"text": "or not", "limit": 3}
    assert "survey | or not\n" in run("execution", "logs", beginning).stdout
    assert run("execution", "logs", beginning, "--step", "count").stdout == "counted\n"
    assert "completed" in run("execution", "show", execution["id"]).stdout
    assert run("execution", "watch", execution["id"]).returncode == 0
    assert run("execution", "cancel", execution["id"]).returncode == 3
    assert json.loads(run("execution", "show", execution["id"], "-o", "json").stdout) == execution


def test_the_same_file_is_stored_once(run):
    for _ in range(2):
        assert run("workflow", "run", "flow.yaml", "-i", "text=x", "--detach").returncode == 0

    assert len(run("workflow", "list", "--name", "words", "-o", "name").stdout.split()) == 1


def test_a_failing_run_has_its_exit_code(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        'name: bad\nsteps:\n  - {id: a, container: {image: "busybox:1", script: "echo oh no; exit 3"}}\n'
    )

    ended = run("workflow", "run", "bad.yaml")

    assert ended.returncode == 1
    assert "The end of the log of a:\n  oh no\n" in ended.stdout


def test_faults_that_the_service_finds_have_their_lines(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\nsteps:\n  - id: a\n    depends_on: [b]\n    container: {imag: x}\n")

    ended = run("workflow", "validate", "bad.yaml")

    assert ended.returncode == 3
    assert "bad.yaml:4: steps[0].depends_on[0]: " in ended.stderr
    assert "bad.yaml:5: steps[0].container.imag: " in ended.stderr


def test_a_definition_comes_back_as_it_was_sent(run):
    run("workflow", "create", "flow.yaml")
    identity = run("workflow", "list", "--name", "words", "-n", "1", "-o", "name").stdout.strip()

    shown = run("workflow", "show", identity, "--definition").stdout

    assert run("workflow", "validate", "-", stdin=shown).returncode == 0
    assert run("workflow", "update", identity, "-", stdin=shown).returncode == 0


def test_a_token_of_a_low_role_reads_and_does_not_write(run, installation):
    token = run("token", "create", "reader", "--role", "viewer", "--expires-in", "1h").stdout.strip()
    mine, kept = installation, dict(installation)
    try:
        mine["AIOP_TOKEN"] = token
        assert run("workflow", "list").returncode == 0
        assert run("workflow", "create", "flow.yaml").returncode == 4
    finally:
        mine.clear()
        mine.update(kept)


def test_a_user_signs_in_and_out(run):
    assert (
        run("user", "create", "ann", "--role", "editor", "--password-stdin", stdin="a long password\n").returncode == 0
    )

    signed_in = run("login", "-u", "ann", "--password-stdin", stdin="a long password\n")

    assert "as ann (editor)" in signed_in.stdout
    assert run("user", "list").returncode == 4
    assert run("logout").returncode == 0
    assert run("user", "list").returncode == 0


def test_in_a_terminal_the_graph_is_drawn_live_and_without_colour_where_none_is_wanted(run, installation, tmp_path):
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    process = subprocess.Popen(
        [*AIOP, "workflow", "run", "flow.yaml", "-i", "text=x"],
        stdout=terminal,
        stderr=terminal,
        env={**installation, "NO_COLOR": "1", "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        cwd=tmp_path,
    )
    os.close(terminal)
    shown = "".join(iter(lambda: read_screen(screen), ""))
    os.close(screen)

    assert process.wait() == 0
    assert "✓ survey" in shown
    assert "3/3 steps, 1 skipped" in shown
    assert "\x1b[3" not in shown  # no colour is set


def test_the_load_is_drawn_live_fits_again_after_a_resize_and_ends_by_a_key(run, installation, tmp_path):
    (tmp_path / "slow.yaml").write_text(
        'name: slow\nsteps:\n  - {id: a, container: {image: "busybox:1", script: "sleep 600"}}\n'
    )
    execution = run("workflow", "run", "slow.yaml", "--detach").stdout.strip()
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    before = termios.tcgetattr(terminal)
    process = subprocess.Popen(
        [*AIOP, "top", "--interval", "600"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**installation, "NO_COLOR": "1", "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )
    shown = ""
    while f"{execution}  slow" not in shown:
        shown += read_screen(screen)
    termios.tcsetwinsize(terminal, (24, 50))
    while "\n  \x1b[1mNAME" not in shown:  # the headings have a line of their own for the ids
        shown += read_screen(screen)
    os.write(screen, b"q")

    assert process.wait() == 0
    assert "1 running, 0 waiting" in shown
    assert termios.tcgetattr(terminal) == before
    os.close(screen)
    os.close(terminal)
    assert run("execution", "cancel", execution, "--wait").returncode == 0


def read_screen(screen: int) -> str:
    try:
        return os.read(screen, 65536).decode(errors="replace")
    except OSError:  # how Linux says that the other side is closed
        return ""


def test_ctrl_c_leaves_the_execution_running(run, installation, tmp_path):
    (tmp_path / "slow.yaml").write_text(
        'name: slow\nsteps:\n  - {id: a, container: {image: "busybox:1", script: "sleep 600"}}\n'
    )
    process = subprocess.Popen(
        [*AIOP, "workflow", "run", "slow.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=installation,
        cwd=tmp_path,
        # A shell starts what goes to its background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    execution = process.stdout.readline().split()[1]
    assert "a: started" in process.stdout.readline()

    process.send_signal(signal.SIGINT)
    _, said = process.communicate()

    assert process.returncode == 130
    assert f"execution {execution} goes on" in said
    assert "running" in run("execution", "show", execution).stdout
    assert run("execution", "cancel", execution, "--wait").stdout == f"Execution {execution} is cancelled.\n"
    assert run("execution", "watch", execution).returncode == 6
