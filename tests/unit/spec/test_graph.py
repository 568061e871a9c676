from __future__ import annotations

import sys
from graphlib import CycleError as ReferenceCycleError
from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.ids import StepId
from aiop.spec import Graph, check_definition
from aiop.spec.graph import CycleError, find_cycles
from unit.spec.documents import faults_in, one_step, steps_of, unhurried


@st.composite
def any_parents(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 10))
    others = [[j for j in range(size) if j != i] for i in range(size)]
    return [sorted(draw(st.sets(st.sampled_from(those), max_size=4))) if those else [] for those in others]


def build(parents: list[list[int]]) -> Graph:
    return Graph.build([StepId(f"s{i}") for i in range(len(parents))], parents)


def is_acyclic(parents: list[list[int]]) -> bool:
    try:
        TopologicalSorter(dict(enumerate(parents))).prepare()
    except ReferenceCycleError:
        return False
    return True


def ancestors_of(step: int, parents: list[list[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(parents[step])
    while todo:
        parent = todo.pop()
        if parent not in found:
            found.add(parent)
            todo.extend(parents[parent])
    return found


@unhurried
@given(any_parents())
def test_a_cycle_is_found_exactly_if_there_is_one(parents: list[list[int]]) -> None:
    cycles = find_cycles(parents)

    assert bool(cycles) is not is_acyclic(parents)
    for cycle in cycles:
        assert cycle[0] == min(cycle)
        for step, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert following in parents[step]
    together = [step for cycle in cycles for step in cycle]
    assert len(together) == len(set(together))


@unhurried
@given(any_parents())
def test_a_graph_is_built_exactly_if_there_is_no_cycle(parents: list[list[int]]) -> None:
    if not is_acyclic(parents):
        with pytest.raises(CycleError):
            build(parents)
        return
    graph = build(parents)

    assert sorted(graph.order) == list(range(len(parents)))
    place = {step: i for i, step in enumerate(graph.order)}
    assert all(place[parent] < place[step] for step, its in enumerate(parents) for parent in its)
    assert {(parent, child) for parent, its in enumerate(graph.children) for child in its} == {
        (parent, child) for child, its in enumerate(parents) for parent in its
    }
    assert graph.dependency_counts == [len(its) for its in parents]
    assert graph.roots == tuple(i for i, its in enumerate(parents) if not its)
    assert graph.sinks == tuple(i for i in range(len(parents)) if not any(i in its for its in parents))


@unhurried
@given(any_parents().filter(is_acyclic))
def test_ancestors_are_those_that_can_be_walked_to(parents: list[list[int]]) -> None:
    graph = build(parents)
    pairs = [(step, other) for step in range(len(parents)) for other in range(len(parents))]

    assert graph.non_ancestors(pairs) == {
        (step, other) for step, other in pairs if other not in ancestors_of(step, parents)
    }


def test_ancestors_are_found_in_blocks_of_any_number() -> None:
    size = 2500
    graph = build([[i - 1] if i else [] for i in range(size)])

    assert graph.non_ancestors((size - 1, other) for other in range(size)) == {(size - 1, size - 1)}


def test_a_cycle_is_named() -> None:
    assert faults_in(steps_of({"a": ["b"], "b": ["a"], "c": ["b"]})) == {
        "steps[0].depends_on": ["Dependencies form a cycle: a -> b -> a"]
    }


def test_each_of_several_cycles_is_named() -> None:
    found = faults_in(steps_of({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["e"], "e": ["c"]}))

    assert found == {
        "steps[0].depends_on": ["Dependencies form a cycle: a -> b -> a"],
        "steps[2].depends_on": ["Dependencies form a cycle: c -> d -> e -> c"],
    }


def test_a_long_cycle_is_cut_in_the_middle() -> None:
    ring = {f"s{i}": [f"s{(i + 1) % 1000}"] for i in range(1000)}

    first = " -> ".join(f"s{i}" for i in range(10))
    assert faults_in(steps_of(ring)) == {
        "steps[0].depends_on": [f"Dependencies form a cycle: {first} -> (989 more) -> s999 -> s0"]
    }


def test_bad_dependencies_are_named_one_by_one() -> None:
    found = faults_in(steps_of({"load": [], "sum": ["load", "load", "sum", "laod"]}))

    assert found == {
        "steps[1].depends_on[1]": ["Duplicate dependency `load`"],
        "steps[1].depends_on[2]": ["A step cannot depend on itself"],
        "steps[1].depends_on[3]": ["Unknown step `laod`; did you mean `load`?"],
    }


def test_an_id_is_taken_once() -> None:
    document = one_step()
    document["steps"] = document["steps"] * 2

    assert faults_in(document) == {"steps[1].id": ["The id `a` is taken by steps[0]"]}


def test_a_chain_is_far_longer_than_the_stack_is_deep() -> None:
    size = 10 * sys.getrecursionlimit()
    chain = {f"s{i}": [f"s{i + 1}"] if i + 1 < size else [] for i in range(size)}

    document = steps_of(chain)
    document["steps"][0]["inputs"] = {"last": f"${{steps.s{size - 1}.status}}"}

    graph = Graph.of(check_definition(document))

    assert graph.order[0] == size - 1


def test_ancestor_sets_cost_nothing_where_only_direct_dependencies_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[int]:
        raise AssertionError("computed ancestors")

    monkeypatch.setattr(Graph, "_descendant_masks", refuse)
    chain = {f"s{i}": [f"s{i - 1}"] if i else [] for i in range(50)}
    document = steps_of(chain)
    for i, step in enumerate(document["steps"]):
        step["inputs"] = {"before": f"${{steps.s{i - 1}.outputs.result}}"} if i else {}

    assert faults_in(document) == {}


def test_the_graph_keeps_the_order_of_the_document_where_it_can() -> None:
    assert build([[], [], [0, 1], []]).order == (0, 1, 2, 3)
    assert build([[1], []]).order == (1, 0)
