"""The rules of the graph, on random graphs: against a plain oracle, in any order of events, and over restarts."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.orchestrator.decide import (
    AttemptEnded,
    BackoffElapsed,
    Began,
    Board,
    DelayAttempt,
    EndExecution,
    EndRequested,
    EndStep,
    Restored,
    StartAttempt,
    StopAttempt,
    decide,
)
from aiop.orchestrator.result import AttemptResult
from aiop.spec import Plan, Scope, check_definition
from graphs import documents, expected_states, expected_status, fate

OK = AttemptResult(StepStatus.COMPLETED, exit_code=0)
BAD = AttemptResult(StepStatus.FAILED, Reason.EXIT_CODE, "exit code 1", 1)
LOST = AttemptResult(StepStatus.FAILED, Reason.ENGINE_LOST, "gone", infrastructure=True)


class World:
    """Carries out decisions the way the runner does, and checks each against the rules."""

    def __init__(self, document, *, infrastructure_attempts=5):
        self.plan = Plan.of(check_definition(document))
        self.infrastructure_attempts = infrastructure_attempts
        self.running, self.delayed, self.ended = {}, {}, {}
        self.starts, self.final, self.failed = [], None, {}
        self.board = self.make_board()

    def make_board(self):
        results = {}
        scope = Scope(steps=results)
        return Board(self.plan, scope, results, random.Random(1), self.infrastructure_attempts)

    def name(self, node):
        return self.plan.definition.steps[node].id

    def tell(self, fact):
        for decision in decide(self.board, fact):
            match decision:
                case StartAttempt(node, attempt):
                    step = self.plan.definition.steps[node]
                    assert node not in self.running
                    assert node not in self.ended
                    assert all(self.plan.graph.index[need] in self.ended for need in step.depends_on)
                    self.delayed.pop(node, None)
                    self.running[node] = attempt
                    self.starts.append((step.id, attempt))
                case DelayAttempt(node, attempt, delay, _):
                    assert delay >= timedelta(0)
                    self.running.pop(node, None)
                    self.delayed[node] = attempt
                case StopAttempt(node):
                    assert node in self.running
                case EndStep(node):
                    assert node not in self.ended, "a step ends once"
                    self.running.pop(node, None)
                    self.delayed.pop(node, None)
                    self.ended[node] = decision
                case EndExecution():
                    assert self.final is None, "an execution ends once"
                    self.final = decision

    def states(self):
        return {
            self.name(node): f"{end.status}:{end.reason}" if end.status is StepStatus.SKIPPED else str(end.status)
            for node, end in self.ended.items()
        }

    def restart(self):
        """Begin again with what a store would know."""
        self.board = self.make_board()
        known = []
        for node in {*self.running, *self.delayed, *self.ended}:
            end = self.ended.get(node)
            attempt = self.running.get(node) or self.delayed.get(node) or 1
            counted, infrastructure = self.failed.get(node, (0, 0))
            status = end.status if end else StepStatus.PENDING
            delay = timedelta(seconds=1) if node in self.delayed else None
            reason, error = (end.reason, end.error) if end else (None, None)
            known.append((node, Restored(status, reason, error, attempt, counted, infrastructure, delay)))
        self.board.restore(known)
        # What runs is adopted, which is no second start.
        starts, self.starts, self.running = self.starts, [], {}
        self.tell(Began())
        self.starts = starts + [start for start in self.starts if start not in starts]

    def count(self, node, infrastructure):
        counted, lost = self.failed.get(node, (0, 0))
        self.failed[node] = (counted + (not infrastructure), lost + infrastructure)


def play(world, fates, rng, *, restarts=0.0, losses=0.0):
    world.tell(Began())
    while world.final is None:
        choices = [*((node, "run") for node in world.running), *((node, "wait") for node in world.delayed)]
        assert choices, "nothing is under way, and yet there is no end"
        if rng.random() < restarts:
            world.restart()
            continue
        node, kind = rng.choice(choices)
        if kind == "wait":
            world.tell(BackoffElapsed(node))
        elif rng.random() < losses:
            world.count(node, True)
            world.tell(AttemptEnded(node, LOST))
        else:
            lost = world.failed.get(node, (0, 0))[1]
            code = fate(fates, world.name(node), world.running[node] - lost)
            world.count(node, False)
            world.tell(AttemptEnded(node, BAD if code else OK))
    return world


@given(documents(), st.integers(0, 1 << 30))
def test_each_graph_ends_as_the_rules_say_in_any_order_of_events(case, seed):
    document, fates = case
    document.pop("fail_fast", None)
    world = play(World(document), fates, random.Random(seed))
    states = expected_states(document, fates)
    assert world.states() == states
    assert world.final.status == expected_status(document, states)


@given(documents(), st.integers(0, 1 << 30))
def test_restarts_and_lost_containers_change_nothing_of_the_end(case, seed):
    document, fates = case
    document.pop("fail_fast", None)
    world = World(document, infrastructure_attempts=1_000_000)
    play(world, fates, random.Random(seed), restarts=0.3, losses=0.2)
    states = expected_states(document, fates)
    assert world.states() == states
    assert world.final.status == expected_status(document, states)
    assert len(world.starts) == len(set(world.starts)), "no attempt is started twice"


@given(documents(), st.integers(0, 1 << 30))
def test_after_the_first_fatal_failure_fail_fast_starts_nothing(case, seed):
    document, fates = case
    document["fail_fast"] = True
    world = play(World(document), fates, random.Random(seed))
    fatal = [node for node, end in world.ended.items() if end.status is StepStatus.FAILED]
    if any(not world.plan.definition.steps[node].continue_on_error for node in fatal):
        assert world.final.status is ExecutionStatus.FAILED
    else:
        assert world.final.status is ExecutionStatus.COMPLETED


@given(documents(), st.integers(0, 1 << 30), st.integers(0, 10))
def test_a_cancel_stops_what_runs_and_starts_nothing_more(case, seed, moment):
    document, fates = case
    world, rng = World(document), random.Random(seed)
    world.tell(Began())
    for _ in range(moment):
        if world.final is not None or not world.running:
            break
        node = rng.choice(list(world.running))
        code = fate(fates, world.name(node), world.running[node])
        world.tell(AttemptEnded(node, BAD if code else OK))
    if world.final is not None:
        return
    world.tell(EndRequested(Reason.CANCELLED))
    started = len(world.starts)
    for node in list(world.running):
        world.tell(AttemptEnded(node, AttemptResult(StepStatus.CANCELLED, Reason.CANCELLED)))
    assert len(world.starts) == started
    assert world.final is not None
    assert len(world.ended) == len(document["steps"])
    if any(end.reason is Reason.CANCELLED for end in world.ended.values()):
        assert world.final.status is ExecutionStatus.CANCELLED


def chain(length, **first):
    steps = [{"id": "s0", "container": {"image": "i"}, **first}]
    steps += [{"id": f"s{n}", "container": {"image": "i"}, "depends_on": [f"s{n - 1}"]} for n in range(1, length)]
    return {"name": "chain", "steps": steps}


def test_skips_run_along_a_chain_of_any_length():
    world = World(chain(10_000))
    world.tell(Began())
    world.tell(AttemptEnded(0, BAD))
    assert len(world.ended) == 10_000
    assert world.final.status is ExecutionStatus.FAILED
    assert "s0" in world.final.error


def test_a_fact_costs_work_in_proportion_to_what_it_changes():
    count = 5_000
    document = chain(1)
    document["steps"] += [{"id": f"w{n}", "container": {"image": "i"}, "depends_on": ["s0"]} for n in range(count)]
    world = World(document)
    world.tell(Began())
    world.tell(AttemptEnded(0, OK))
    looked_at = []

    class Watched(list):
        def __getitem__(self, index):
            looked_at.append(index)
            return super().__getitem__(index)

    world.board.progress = Watched(world.board.progress)
    world.tell(AttemptEnded(1, OK))
    assert len(looked_at) < 10


def test_faults_of_the_world_have_a_budget_of_their_own():
    world = World(chain(1, retries=1), infrastructure_attempts=2)
    world.tell(Began())
    for _ in range(2):
        world.tell(AttemptEnded(0, LOST))
        world.tell(BackoffElapsed(0))
    world.tell(AttemptEnded(0, BAD))  # the retry of the step is still there
    world.tell(BackoffElapsed(0))
    assert world.running == {0: 4}
    world.tell(AttemptEnded(0, LOST))
    assert world.final.status is ExecutionStatus.FAILED
    assert world.ended[0].reason is Reason.ENGINE_LOST


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        ("steps.s0.outputs.n == 5", StepStatus.COMPLETED),
        ("steps.s0.outputs.n > 5", StepStatus.SKIPPED),
        ("steps.s0.status == 'completed' && steps.s0.exit_code == 0", StepStatus.COMPLETED),
    ],
)
def test_a_condition_sees_the_results_of_the_step_that_has_just_ended(expression, status):
    document = chain(2)
    document["steps"][1]["when"] = expression
    world = World(document)
    world.tell(Began())
    world.tell(AttemptEnded(0, AttemptResult(StepStatus.COMPLETED, exit_code=0, outputs={"n": 5})))
    if world.running:
        world.tell(AttemptEnded(1, OK))
    assert world.ended[1].status is status


@pytest.mark.parametrize("expression", ["inputs.missing > 1", "steps.s0.outputs.nothing == 1"])
def test_a_condition_that_cannot_be_decided_fails_its_step(expression):
    document = chain(2)
    document["steps"][1]["when"] = expression
    world = World(document)
    world.tell(Began())
    world.tell(AttemptEnded(0, OK))
    assert world.ended[1].reason is Reason.CONDITION


def test_a_step_that_is_not_run_says_why_in_a_sentence():
    document = chain(3)
    document["steps"][1]["when"] = "steps.s0.exit_code == 7"
    world = World(document)
    world.tell(Began())
    world.tell(AttemptEnded(0, OK))
    assert world.ended[1].error == "its condition is false: steps.s0.exit_code == 7"

    world = World(chain(2))
    world.tell(Began())
    world.tell(AttemptEnded(0, BAD))
    assert world.ended[1].error == "dependency 's0' did not complete"


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (Reason.CANCELLED, "the execution was cancelled"),
        (Reason.EXECUTION_TIMEOUT, "the execution is out of time"),
        (Reason.AGENT_DELETED, "its agent was deleted"),
        (Reason.FAIL_FAST, "another step failed"),
    ],
)
def test_what_waits_when_an_execution_is_wound_down_says_why_it_does_not_go_on(reason, cause):
    steps = [{"id": name, "container": {"image": "i"}, "retries": 1} for name in ("runs", "pauses", "breaks")]
    steps += [{"id": "waits", "depends_on": ["runs"], "container": {"image": "i"}}]
    world = World({"name": "n", "fail_fast": True, "steps": steps})
    world.tell(Began())
    world.tell(AttemptEnded(1, BAD))
    if reason is Reason.FAIL_FAST:
        world.tell(AttemptEnded(2, BAD))
        world.tell(BackoffElapsed(2))
        world.tell(AttemptEnded(2, BAD))
    else:
        world.tell(EndRequested(reason))
    assert world.ended[1].error == f"not tried again: {cause}"
    assert world.ended[3].error == f"not started: {cause}"
