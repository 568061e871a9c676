from __future__ import annotations

import io

from rich.console import Console

from aiop.cli.grid import Grid

ID = "01a207c0-b966-77bb-8de4-ee836d9b5291"
ROWS = [(ID, "a" * 30, "failed", "d" * 100), (ID, "b", "completed", "")]


def drawn(width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Grid(("ID", "NAME", "STATUS", "WHY"), ROWS, flexible=("NAME", "WHY")))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_table_has_its_natural_width_where_there_is_room():
    assert drawn(300)[1] == f"{ID}  {'a' * 30}  failed     {'d' * 100}"


def test_only_flexible_columns_are_cut_to_fit():
    lines = drawn(90)

    assert lines[0].split() == ["ID", "NAME", "STATUS", "WHY"]
    assert lines[1] == f"{ID}  {'a' * 18}…  failed     {'d' * 19}…"
    assert len(lines[1]) == 90


def test_a_very_narrow_terminal_keeps_the_ids_whole():
    lines = drawn(40)

    assert all(len(line) <= 40 for line in lines)
    assert [line[:36] for line in lines[1:]] == [ID, ID]
