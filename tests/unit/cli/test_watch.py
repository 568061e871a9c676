from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from aiop.cli.watch.lines import LineView
from aiop.cli.watch.progress import Progress, StepProgress
from aiop.cli.watch.tree import TreeView
from aiop.client import Event
from aiop.model.state import ExecutionStatus, StepStatus

START = datetime(2025, 3, 1, 12, tzinfo=UTC)


def event(seq, kind, **data):
    return Event(seq=seq, type=kind, at=START + timedelta(seconds=seq), data=data)


FAILED_RUN = [
    event(1, "ExecutionStarted"),
    event(2, "StepStarted", step="a", attempt=1),
    event(4, "StepRetried", step="a", attempt=1, error="exit code 1", detail="attempt 2 follows in 1 s"),
    event(6, "StepStarted", step="a", attempt=2),
    event(7, "StepFinished", step="a", status="completed", exit_code=0),
    event(8, "StepWaited", step="b", code="image_pull", detail="pulls busybox"),
    event(9, "StepStarted", step="b", attempt=1),
    event(12, "StepFinished", step="b", status="failed", reason="exit_code", error="exit code 3", exit_code=3),
    event(13, "StepSkipped", step="c", status="skipped", reason="upstream_failed"),
    event(14, "ExecutionFinished", status="failed", reason="step_failed", error="step 'b' failed"),
]


@pytest.fixture
def progress():
    return Progress([StepProgress("a"), StepProgress("b", ("a",)), StepProgress("c", ("b",))])


def drawn(progress, *, width=80, height=24, at=20, **options):
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None, **options)
    console.print(TreeView("words", progress, clock=lambda: START + timedelta(seconds=at)))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_events_tell_how_each_step_stands(progress):
    for item in FAILED_RUN:
        progress.apply(item)

    a, b, c = progress.steps.values()
    assert (a.status, a.attempt, a.started_at) == (StepStatus.COMPLETED, 2, START + timedelta(seconds=2))
    assert (b.status, b.exit_code, b.note) == (StepStatus.FAILED, 3, "exit code 3")
    assert (c.status, c.note) == (StepStatus.SKIPPED, "upstream_failed")
    assert progress.status is ExecutionStatus.FAILED
    assert progress.ended_steps == 3


def test_taking_the_events_again_changes_nothing(progress):
    for item in [*FAILED_RUN, *FAILED_RUN]:
        progress.apply(item)

    assert progress.counts[StepStatus.FAILED] == 1
    assert progress.ended_steps == progress.total == 3


def test_a_step_that_the_definition_lacks_is_taken_up(progress):
    progress.apply(event(1, "StepStarted", step="z", attempt=1))

    assert progress.total == 4


def test_an_event_of_a_newer_service_is_passed_over(progress):
    out = io.StringIO()

    LineView("words", progress, out).apply(event(1, "StepPondered", step="a"))

    assert progress.ended_steps == 0
    assert out.getvalue() == "words\n"


def test_the_tree_shows_every_step_while_it_fits(progress):
    for item in FAILED_RUN[:7]:
        progress.apply(item)

    assert drawn(progress, at=11.5) == [
        "words  running",
        "✓ a  5.0s  attempt 2",
        "⠴ b  2.5s",
        "○ c        waits for b",
        "━━━━━━╸               1/3 steps, 1 running, 10s",
    ]


def test_the_tree_says_why_something_waits(progress):
    for item in FAILED_RUN[:3]:
        progress.apply(item)

    assert "○ a  3.0s  exit code 1, attempt 2 follows in 1 s" in drawn(progress, at=5)


def test_the_tree_names_the_first_of_many_steps_that_are_waited_for():
    names = [f"part-{number}" for number in range(9)]
    progress = Progress([*map(StepProgress, names), StepProgress("join", tuple(names))])
    progress.apply(event(1, "StepFinished", step="part-0", status="completed"))

    assert "○ join      waits for part-1, part-2, part-3, part-4, part-5 and 3 more" in drawn(progress, width=100)


def test_the_tree_ends_with_what_went_wrong(progress):
    for item in FAILED_RUN:
        progress.apply(item)

    assert drawn(progress)[0] == "words  failed"
    assert drawn(progress)[-2:] == [
        "━━━━━━━━━━━━━━━━━━━━  3/3 steps, 1 failed, 1 skipped, 13s",
        "step 'b' failed",
    ]


def test_a_narrow_terminal_cuts_the_notes_and_not_the_lines(progress):
    progress.apply(event(1, "StepFinished", step="a", status="failed", error="x" * 200))

    assert all(len(line) <= 40 for line in drawn(progress, width=40))
    assert len(drawn(progress, width=40)) == 5


def test_two_thousand_steps_fold_into_those_that_matter():
    many = Progress(StepProgress(f"s{number}") for number in range(2000))
    many.apply(event(1, "ExecutionStarted"))
    for number in range(1500):
        many.apply(event(2, "StepFinished", step=f"s{number}", status="completed"))
    for number in range(1500, 1540):
        many.apply(event(3, "StepStarted", step=f"s{number}", attempt=1))
    many.apply(event(4, "StepFinished", step="s1999", status="failed", error="exit code 1"))

    lines = drawn(many, height=20)

    assert len(lines) <= 19
    assert lines[1].startswith("✗ s1999")
    assert "exit code 1" in lines[1]
    assert lines[-2] == "  and 26 more"
    assert lines[-1].endswith("1501/2000 steps, 40 running, 1 failed, 19s")


def test_a_terminal_without_unicode_gets_ascii():
    fan = Progress([StepProgress("a"), StepProgress("b", ("a",)), StepProgress("c", ("a",))])

    class Ascii(io.StringIO):
        encoding = "ascii"

    console = Console(file=Ascii(), width=80, height=24, force_terminal=True, color_system=None)
    console.print(TreeView("words", fan, clock=lambda: START))

    assert console.file.getvalue().isascii()
    assert "|- . b" in console.file.getvalue()


def test_control_characters_of_others_do_not_reach_the_terminal(progress):
    progress.apply(event(1, "StepFinished", step="a", status="failed", error="\x1b[2Jgone"))

    assert not any("\x1b[2J" in line for line in drawn(progress))


def test_lines_tell_the_same_story(progress):
    out = io.StringIO()
    view = LineView("words", progress, out)
    for item in FAILED_RUN:
        view.apply(item)

    lines = out.getvalue().splitlines()
    assert lines[0] == "words"
    assert [line.split("  ", 1)[1] for line in lines[1:]] == [
        "[0/3]  a: started",
        "[0/3]  a: attempt 1 failed: exit code 1, attempt 2 follows in 1 s",
        "[0/3]  a: started, attempt 2",
        "[1/3]  a: completed in 5.0s",
        "[1/3]  b: waits: pulls busybox",
        "[1/3]  b: started",
        "[2/3]  b: failed in 3.0s: exit code 3",
        "[3/3]  c: skipped: upstream_failed",
        "execution failed in 13s: step 'b' failed",
    ]
