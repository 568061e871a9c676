"""What holds for each command, whichever there are."""

from __future__ import annotations

import itertools
import re
import shlex

import pytest
import typer.main

from aiop import client as clients
from aiop.cli.exits import Failure
from aiop.cli.explaining import explain
from aiop.cli.main import app
from aiop.client import ApiError, ClientError
from aiop.errors import Fault


def commands(command, path=("aiop",)):
    """Go through all commands that do something, each with its words."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, (*path, name))
    else:
        yield path, command


ROOT = typer.main.get_command(app)
COMMANDS = [pytest.param(path, command, id=" ".join(path)) for path, command in commands(ROOT)]


def parsed(words):
    """Parse as the program does, and run nothing."""
    command, context = ROOT, None
    while hasattr(command, "commands"):
        context = command.make_context(command.name, list(words), parent=context)
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(command.name, list(words), parent=context)
    return command


def calls(line):
    """Go through the calls of ``aiop`` in a line for the shell, each with its words."""
    for found in re.finditer(r"\baiop ", line):
        lexer = shlex.shlex(line[found.end() :], posix=True, punctuation_chars="()<>|;&")
        lexer.whitespace_split, lexer.commenters = True, "#"
        yield list(itertools.takewhile(lambda word: not set(word) <= set("()<>|;&"), lexer))


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_help_says_what_for_and_how_and_fits_the_terminal(path, command, cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = cli(*path[1:], "--help").out
    summary, _, examples = text.partition("\n  Examples:\n")

    assert command.help
    assert "--help" in summary
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert examples.strip(), "there is no example"
    for line in examples.strip().splitlines():
        assert any(parsed(words).callback == command.callback for words in calls(line)), line


@pytest.mark.parametrize("shown", [[], ["workflow"], ["execution"]])
def test_the_list_of_commands_fits_the_terminal(cli, shown, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    assert all(len(line) <= 80 for line in cli(*shown, "--help").out.splitlines())


def kinds(kind=ClientError):
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_next(kind):
    assert kind.__name__ in clients.__all__
    refused = issubclass(kind, ApiError)
    error = kind(400, "code", "Because", [Fault("name", "Too long")]) if refused else kind("Because")

    failure = explain(error, "http://here")

    assert "Because" in failure.message
    assert failure.details == (("name: Too long",) if refused else ())
    assert failure.hint
    if kind not in (ClientError, ApiError):
        assert failure.hint != explain(ClientError("x"), "").hint


def test_no_failure_can_be_made_without_saying_what_to_do():
    with pytest.raises(TypeError, match="hint"):
        Failure(2, "it is wrong")  # type: ignore[call-arg]


@pytest.mark.parametrize("words", [["workflow", "list", "--frob"], ["workflow", "frob"], ["frob"], ["watch", "a", "b"]])
def test_a_wrong_call_points_to_the_help(cli, words):
    ended = cli(*words)

    assert ended.code == 2
    assert "Try 'aiop" in ended.err
    assert "-h' for help" in ended.err
