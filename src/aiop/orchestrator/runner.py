"""Owns one execution: tells facts to ``decide``, carries out its decisions, commits what changed.

Everything between two awaits of ``run`` happens in callbacks on the loop, so facts are taken one at a time. Nothing
here waits for the database before it goes on (the engine is the write-ahead log), except when commits fall far behind.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, assert_never

from aiop.interfaces import Bus, Clock, Lease, RunnerStore, SecretStore, Vault, execution_topic, holding
from aiop.model.definition import JsonValue
from aiop.model.ids import StepKey
from aiop.model.pipelines import WorkspaceRecord
from aiop.model.records import ExecutionRecord
from aiop.model.run import ContainerRun
from aiop.model.state import ExecutionStatus, Reason, WaitCode, Waiting
from aiop.orchestrator.attempt import Attempt
from aiop.orchestrator.container import container_run, trace_environment
from aiop.orchestrator.decide import (
    AttemptEnded,
    BackoffElapsed,
    Began,
    Board,
    Decision,
    DelayAttempt,
    EndExecution,
    EndRequested,
    EndStep,
    Fact,
    Node,
    StartAttempt,
    StopAttempt,
    decide,
)
from aiop.orchestrator.masking import Masker
from aiop.orchestrator.output import AttemptOutput
from aiop.orchestrator.pace import Pace
from aiop.orchestrator.place import Place
from aiop.orchestrator.recorder import Recorder
from aiop.orchestrator.restore import ReadyTimes, restored_steps
from aiop.orchestrator.result import AttemptResult
from aiop.orchestrator.secrets import SecretReader
from aiop.orchestrator.tenure import Tenure
from aiop.orchestrator.terms import Terms
from aiop.orchestrator.values import ExecutionValues, execution_outputs, results_by_step, sensitive_texts
from aiop.orchestrator.workspaces import PipelineFiles, Workspaces
from aiop.spec import Plan, Scope, TemplateError, render_step

__all__ = ["Displaced", "Runner", "RunnerContext"]

BACKLOG_LIMIT = 5_000
"""Events that may wait for a commit before no further step is started."""


class _Store(RunnerStore, SecretStore, Protocol):
    """What a runner needs of the store."""


class Displaced(Exception):
    """The engine is lost, and the execution asked to go on elsewhere; all of that is committed."""


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """What every runner is given; built once."""

    store: _Store
    bus: Bus
    clock: Clock
    vault: Vault
    log_limit: int
    infrastructure_attempts: int
    files: PipelineFiles
    traced: bool = False
    """Whether the service itself tells of executions as traces."""


class Runner:
    """One execution under one lease. ``run`` once; ``cancel`` and ``end`` at any time."""

    def __init__(
        self,
        lease: Lease,
        record: ExecutionRecord,
        plan: Plan,
        context: RunnerContext,
        place: Place,
        *,
        tenure: Tenure | None = None,
    ) -> None:
        """Raise ``ValueError`` if sealed values cannot be opened. Without ``tenure`` nobody else can take the lease."""
        self._lease = lease
        self._tenure = tenure
        self._record = record
        self._plan = plan
        self._context = context
        self._place = place
        self._terms = Terms.of(record, place)
        self._clock = context.clock
        self._values = ExecutionValues.open(record, context.vault)
        self._masker = Masker(self._values.hidden)
        self._secrets = SecretReader(
            context.store, context.vault, context.clock, self._masker, plan, self._values.login
        )
        self._recorder = Recorder(record, masker=self._masker, vault=context.vault)
        self._workspaces = None if record.summary.pipeline_id is None else Workspaces(record, plan, context.files)
        results = results_by_step(record, context.vault)
        self._scope = Scope(
            inputs=self._values.inputs,
            steps=results,
            execution_id=lease.execution,
            workflow_name=plan.definition.name,
        )
        self._board = Board(plan, self._scope, results, random.Random(lease.execution), context.infrastructure_attempts)  # noqa: S311
        for step in plan.definition.steps:
            if step.id in results:
                self._masker.learn(sensitive_texts(step, results[step.id].outputs))
        self._known = {(attempt.step, attempt.attempt): attempt for attempt in record.attempts}
        self._under_way: dict[Node, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pace = Pace(context.clock)
        self._room = asyncio.Event()
        self._room.set()
        self._lost_engine: str | None = None
        """Why the execution is to go on elsewhere."""
        self._left = False
        self._crash: BaseException | None = None
        self._taken_up = False
        self._asked: list[tuple[Reason, str | None]] = []
        self._ready: ReadyTimes | None = None

    async def run(self) -> None:
        """Run the execution to its end; returns once the end is committed.

        Raises ``Displaced`` if it is to go on elsewhere, and ``LeaseLost``; anything else that it raises is a defect.
        Cancelling commits what has gathered and leaves the containers running.
        """
        try:
            await self._secrets.mask_former(record.step for record in self._record.attempts)
            self._begin()
            while not (self._board.ended and self._recorder.settled):
                await self._pace.turn()
                if self._crash is not None:
                    raise self._crash
                if self._lost_engine is not None:
                    await self._leave(self._lost_engine)
                await self._commit()
                if self._left:
                    raise Displaced
        except asyncio.CancelledError:
            await self._end_tasks()
            await self._commit()
            raise
        finally:
            await self._end_tasks()

    def cancel(self) -> None:
        """Cancel the execution; idempotent."""
        if not self._taken_up:
            self._asked.append((Reason.CANCELLED, None))
        elif self._board.requested is None and not self._board.ended:
            self._recorder.cancel_requested(self._clock.now())
            self.end(Reason.CANCELLED)

    def end(self, reason: Reason, error: str | None = None) -> None:
        """Stop what runs and end the execution for a reason of ``decide.REQUESTS``; the first request stays."""
        if self._taken_up:
            self._tell(EndRequested(reason, error))
        else:
            self._asked.append((reason, error))

    # --- facts and decisions ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._taken_up = True
        summary = self._record.summary
        self._board.restore(restored_steps(self._plan, self._record, self._clock.now()))
        if summary.status is ExecutionStatus.PENDING:
            self._recorder.execution_started(self._clock.now(), agent=self._place.agent)
        elif summary.waiting is not None:
            self._recorder.execution_resumed(self._clock.now(), agent=self._place.agent)
        self._ready = ReadyTimes(self._record, self._plan)
        self._tell(Began())
        self._ready = None
        if summary.cancel_requested_at is not None:
            self.cancel()
        if self._place.deleted:
            self.end(Reason.AGENT_DELETED)
        for reason, error in self._asked:
            self.cancel() if reason is Reason.CANCELLED else self.end(reason, error)
        timeout = self._terms.timeout
        if timeout is not None and not self._board.ended:
            self._spawn(self._time_out(timeout), "execution timeout")

    async def _time_out(self, timeout: timedelta) -> None:
        started_at = self._recorder.started_at
        assert started_at is not None  # noqa: S101 - it was noted before this was spawned
        await self._clock.sleep(started_at + timeout - self._clock.now())
        self.end(Reason.EXECUTION_TIMEOUT, f"timed out after {timeout.total_seconds():g} s")

    def _tell(self, fact: Fact) -> None:
        for decision in decide(self._board, fact):
            self._carry_out(decision)
        self._pace.change()
        if self._recorder.backlog > BACKLOG_LIMIT:
            self._room.clear()
            self._pace.haste()

    def _carry_out(self, decision: Decision) -> None:
        match decision:
            case StartAttempt(node, number):
                self._start(node, number)
            case DelayAttempt():
                self._delay(decision)
            case StopAttempt(node, reason):
                self._under_way[node].stop(reason)
            case EndStep():
                self._end_step(decision)
            case EndExecution(status, reason, error):
                self._end_execution(status, reason, error)
            case _:
                assert_never(decision)

    def _start(self, node: Node, number: int) -> None:
        step = self._plan.definition.steps[node]
        key = StepKey(self._lease.execution, step.id, 0, number)
        known = self._known.get((step.id, number))
        output = AttemptOutput(
            self._masker,
            limit=self._context.log_limit,
            notify=partial(self._spoke, key),
            skip=(known.log_stdout, known.log_stderr) if known else (0, 0),
            stored=known.log_bytes if known else 0,
            held=any(declared.sensitive for declared in step.outputs.values()),
        )
        self._recorder.attempt_ready(key, output, self._ready_at(node, number))
        attempt = Attempt(
            key,
            step,
            place=self._place,
            clock=self._clock,
            output=output,
            observer=self,
            timeout=step.timeout or self._terms.step_timeout,
            started_at=known.started_at if known else None,
            workspaces=self._workspaces,
        )
        self._under_way[node] = attempt
        self._spawn(self._drive(node, attempt), key.name)

    def _ready_at(self, node: Node, number: int) -> datetime:
        """Tell since when the attempt may begin; what is taken up again may do so for longer than we know of it."""
        known = self._ready.of(node, number) if self._ready else None
        return known or self._clock.now()

    async def _drive(self, node: Node, attempt: Attempt) -> None:
        await self._room.wait()
        with holding(self._tenure.held) if self._tenure is not None else nullcontext():
            result = await attempt.run()
        del self._under_way[node]
        self._attempt_ended(node, attempt, result)

    def _attempt_ended(self, node: Node, attempt: Attempt, result: AttemptResult) -> None:
        self._masker.learn(sensitive_texts(attempt.step, result.outputs))
        # The outputs of a container that was lost, or that are not readable, are not known.
        known = result.exit_code is not None and result.reason is not Reason.OUTPUT_INVALID
        attempt.output.release(shown=known)
        self._tell(AttemptEnded(node, result))

    async def _leave(self, error: str) -> None:
        """Give up the engine: whatever is there counts as lost, and whoever may goes on elsewhere."""
        await self._end_tasks()
        attempts, self._under_way = self._under_way, {}
        for node, attempt in attempts.items():
            self._attempt_ended(node, attempt, attempt.leave(error))
        if not self._board.ended:
            self._left = True
            self._recorder.execution_displaced(self._clock.now(), agent=self._place.agent, error=error)

    def _delay(self, decision: DelayAttempt) -> None:
        now = self._clock.now()
        if decision.failed is not None:
            step = self._plan.definition.steps[decision.node]
            key = StepKey(self._lease.execution, step.id, 0, decision.attempt - 1)
            sentence = f"attempt {decision.attempt} follows in {decision.delay.total_seconds():.3g} s"
            if decision.elsewhere:
                self._lost_engine = self._lost_engine or decision.failed.error or ""
                self._pace.haste()
            self._recorder.attempt_ended(key, decision.failed, retry_at=now + decision.delay)
            self._recorder.step_retried(key, decision.failed, Waiting(WaitCode.RETRY_BACKOFF, sentence), now)
        self._spawn(self._back_off(decision.node, decision.delay), "back-off")

    async def _back_off(self, node: Node, delay: timedelta) -> None:
        await self._clock.sleep(delay)
        self._tell(BackoffElapsed(node))

    def _end_step(self, decision: EndStep) -> None:
        step = self._plan.definition.steps[decision.node]
        result = decision.result
        key = StepKey(self._lease.execution, step.id, 0, max(1, self._board.progress[decision.node].attempt))
        if result is not None:
            self._recorder.attempt_ended(key, result)
        self._recorder.step_ended(
            key,
            step,
            decision.status,
            self._clock.now(),
            reason=decision.reason,
            error=decision.error,
            result=result,
        )

    def _end_execution(self, status: ExecutionStatus, reason: Reason | None, error: str | None) -> None:
        outputs: Mapping[str, JsonValue] | None = None
        try:
            outputs = execution_outputs(self._plan, self._scope)
        except TemplateError as fault:
            if status is ExecutionStatus.COMPLETED:
                status, reason, error = ExecutionStatus.FAILED, Reason.TEMPLATE, f"outputs: {fault}"
        self._recorder.execution_finished(status, self._clock.now(), outputs=outputs, reason=reason, error=error)
        self._pace.haste()

    # --- what attempts ask and tell (AttemptObserver) ---------------------------------------------------------------

    async def container(self, attempt: Attempt) -> ContainerRun:
        """Render the step; see ``AttemptObserver``."""
        scope = self._scope
        if secrets := await self._secrets.of(attempt.step.id, started=attempt.started_at is not None):
            scope = replace(scope, secrets=secrets)
        rendered = render_step(self._plan.step(attempt.step.id), scope, attempt=attempt.key.attempt)
        self._recorder.inputs(attempt.key, rendered.inputs)
        attempt.inputs = rendered.inputs
        return container_run(
            attempt.step,
            rendered,
            beneath=trace_environment(self._record.options, attempt.key, traced=self._context.traced),
            registry=self._terms.registry,
            volumes=self._place.volumes,
            credentials=self._values.login.credentials(scope) if self._values.login else None,
            hidden=(*self._values.hidden, *(secrets or {}).values()),
        )

    def attempt_entered(self, attempt: Attempt, workspace: WorkspaceRecord) -> None:  # noqa: ARG002 - as the others
        """Note what the attempt sees of files."""
        self._recorder.entered(workspace)

    def attempt_waits(self, attempt: Attempt, waiting: Waiting) -> None:
        """Note why the attempt does not go on."""
        self._recorder.waits(attempt.key, waiting, self._clock.now())
        self._pace.change()

    def attempt_started(self, attempt: Attempt) -> None:
        """Note that the container runs."""
        assert attempt.started_at is not None  # noqa: S101 - that is what this call says
        self._recorder.attempt_started(attempt.key, attempt.started_at)
        self._pace.change()

    def _spoke(self, key: StepKey) -> None:
        self._recorder.spoke(key)
        self._pace.lines()

    # --- commits -----------------------------------------------------------------------------------------------

    async def _commit(self) -> None:
        changes, ended = self._recorder.take()
        if changes:
            await self._context.store.commit(self._lease, changes)
            self._pace.committed()
            self._context.bus.publish(execution_topic(self._lease.execution))
        if self._recorder.backlog <= BACKLOG_LIMIT:
            self._room.set()
        self._place.committed(ended)

    # --- tasks -------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash = self._crash or error
            self._pace.haste()

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
