from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiop.cli.watch.layout import lay_out


def picture(**needs):
    return [place.branch + place.step for place in lay_out({step: tuple(before) for step, before in needs.items()})]


def test_a_chain_stays_at_one_depth():
    assert picture(a="", b="a", c="b") == ["a", "b", "c"]


def test_a_fan_out_hangs_under_its_begin_and_the_join_stands_after_it():
    assert picture(a="", b="a", c="a", d="a", e="bcd", f="e") == ["a", "├─ b", "├─ c", "├─ d", "├─ e", "└─ f"]


def test_what_follows_in_a_branch_is_indented_under_it():
    assert picture(a="", b="a", c="b", d="a", e="cd", x="e", y="e", z="xy") == [
        "a",
        "├─ b",
        "│  └─ c",
        "├─ d",
        "└─ e",
        "   ├─ x",
        "   ├─ y",
        "   └─ z",
    ]


def test_steps_without_needs_stand_side_by_side():
    assert picture(a="", b="", c="ab") == ["a", "b", "c"]


def test_needs_that_are_no_steps_do_not_count():
    assert picture(a="?", b="a") == ["a", "b"]


def test_a_chain_longer_than_the_stack_of_python_is_laid_out():
    needs = {str(number): (str(number - 1),) if number else () for number in range(5000)}

    assert len(lay_out(needs)) == 5000


@given(st.lists(st.sets(st.integers(0, 30)), max_size=30))
def test_every_step_comes_once_and_after_all_that_it_needs(graph):
    needs = {str(number): tuple(str(n) for n in before if n < number) for number, before in enumerate(graph)}

    order = [place.step for place in lay_out(needs)]

    assert sorted(order) == sorted(needs)
    assert all(order.index(need) < order.index(step) for step, before in needs.items() for need in before)
