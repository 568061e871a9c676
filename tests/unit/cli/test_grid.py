from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from aiop.cli.grid import Grid

ID = "01a207c0-b966-77bb-8de4-ee836d9b5291"
ROWS = [(ID, "a" * 30, "failed", "d" * 100), (ID, "b", "completed", "")]


def drawn(width, rows=ROWS):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Grid(("ID", "NAME", "STATUS", "WHY"), rows, flexible=("NAME", "WHY")))
    return console.file.getvalue().splitlines()


def test_a_table_has_its_natural_width_where_there_is_room():
    assert drawn(300) == [
        f"ID{' ' * 36}NAME{' ' * 28}STATUS     WHY",
        f"{ID}  {'a' * 30}  failed     {'d' * 100}",
        f"{ID}  b{' ' * 31}completed",
    ]


def test_only_flexible_columns_are_cut_to_fit():
    lines = drawn(90)

    assert lines[0].split() == ["ID", "NAME", "STATUS", "WHY"]
    assert lines[1] == f"{ID}  {'a' * 18}…  failed     {'d' * 19}…"
    assert len(lines[1]) == 90


@pytest.mark.parametrize("width", [50, 60, 66])
def test_in_a_narrow_terminal_a_row_takes_two_lines_and_nothing_is_lost(width):
    lines = drawn(width)

    assert lines[0] == "ID"
    assert lines[1].split() == ["NAME", "STATUS", "WHY"]
    assert lines[2] == lines[4] == ID
    assert lines[3].startswith(f"  {'a' * 8}")
    assert "failed" in lines[3]
    assert lines[3].endswith("d…")
    assert lines[5].split() == ["b", "completed"]
    assert all(len(line) <= width for line in lines)


def test_the_narrowest_terminal_keeps_the_ids_whole():
    assert drawn(36)[2] == ID


@given(
    st.integers(40, 200),
    st.lists(st.tuples(st.just(ID), *[st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]))] * 3)),
)
def test_no_line_is_wider_than_the_terminal_nor_ends_in_blanks(width, rows):
    lines = drawn(width, rows)

    assert all(cell_len(line) <= width for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []
    assert sum(line.startswith(ID) for line in lines) == len(rows)
