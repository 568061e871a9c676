from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from aiop.cli.transfer import transfer


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def shown(what, size, *done, times):
    """Return what somebody at a terminal sees of a transfer whose clock shows these times."""
    with redirect_stderr(Terminal()) as screen, transfer(what, size, clock=iter(times).__next__) as told:
        for each in done:
            told(each)
    return screen.getvalue()


def test_what_takes_a_while_shows_how_far_it_is():
    text = shown("Uploading app", 2_000_000, 1_000_000, 2_000_000, times=[0.0, 1.0])

    assert "Uploading app" in text
    assert "1.0/2.0 MB" in text


def test_what_is_done_at_once_shows_nothing():
    assert shown("Uploading app", 10, 5, 10, times=[0.0, 0.1, 0.2]) == ""


def test_without_a_size_it_says_how_much_is_done():
    assert "1.5 MB" in shown("Packing app", None, 1_500_000, times=[0.0, 1.0])


@pytest.mark.parametrize("columns", ["40", "50"])
def test_a_narrow_terminal_keeps_the_bar_on_one_line(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)

    text = shown("Downloading report", 9_000_000, 4_000_000, times=[0.0, 1.0])

    assert "4.0/9.0 MB" in text
    assert text.count("\n") == 1


def test_nothing_is_shown_to_who_is_no_terminal(capsys):
    with transfer("Uploading app", 10, clock=iter([0.0, 5.0]).__next__) as told:
        told(5)

    assert capsys.readouterr() == ("", "")
