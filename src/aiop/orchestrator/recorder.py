"""Gathers what has changed in one execution until it is committed. Masks on the way in; numbers events and batches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiop.interfaces import Changes, ExecutionChange, Vault
from aiop.model.definition import JsonValue, Step
from aiop.model.ids import StepId, StepKey
from aiop.model.pipelines import CacheEntry, WorkspaceRecord
from aiop.model.records import AttemptRecord, Event, EventType, ExecutionRecord, LogBatch, StepRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus, WaitCode, Waiting
from aiop.orchestrator.masking import MASK, Masker
from aiop.orchestrator.output import AttemptOutput
from aiop.orchestrator.result import AttemptResult

__all__ = ["Recorder"]

_BATCH_LINES = 1000
"""A batch is decoded as a whole by whoever reads one line of it."""


class Recorder:
    """The pending changes of one execution. What was taken last wins; ``take`` empties it."""

    def __init__(self, record: ExecutionRecord, *, masker: Masker, vault: Vault) -> None:
        self._masker = masker
        self._vault = vault
        self._event = record.last_event
        self._batch = record.last_batch
        summary = record.summary
        self._execution = ExecutionChange(
            summary.status, summary.started_at, outputs=None, error=None, waiting=summary.waiting
        )
        self._execution_changed = False
        self._steps: dict[StepId, StepRecord] = {step.step: step for step in summary.steps}
        self._attempts = {
            StepKey(summary.id, attempt.step, attempt.index, attempt.attempt): attempt for attempt in record.attempts
        }
        self._changed_steps: set[StepId] = set()
        self._changed_attempts: set[StepKey] = set()
        self._events: list[Event] = []
        self._outputs: dict[StepKey, AttemptOutput] = {}
        self._chatty: set[StepKey] = set()
        self._ended: list[StepKey] = []
        self._files = Changes()
        """What of a pipeline's files waits to be committed, with what else has changed."""

    # --- what happened ------------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be committed, but for log lines."""
        return not (self._events or self._changed_steps or self._changed_attempts or self._execution_changed)

    @property
    def backlog(self) -> int:
        """How many events wait to be committed."""
        return len(self._events)

    @property
    def started_at(self) -> datetime | None:
        """When the execution was started."""
        return self._execution.started_at

    def execution_started(self, at: datetime, *, agent: str) -> None:
        """Note that the execution runs, and where; at its first claim only."""
        self._set_execution(replace(self._execution, status=ExecutionStatus.RUNNING, started_at=at, waiting=None))
        self._emit(EventType.EXECUTION_STARTED, at, agent=agent or None)

    def execution_displaced(self, at: datetime, *, agent: str, error: str) -> None:
        """Note that the execution leaves an agent whose engine is lost."""
        waiting = Waiting(WaitCode.AGENT_CAPACITY, f"goes on elsewhere: the engine of {agent} is lost")
        self._set_execution(replace(self._execution, waiting=waiting))
        self._emit(EventType.EXECUTION_DISPLACED, at, agent=agent, error=self._masker.text(error))

    def execution_resumed(self, at: datetime, *, agent: str) -> None:
        """Note that the execution has come to another agent."""
        self._set_execution(replace(self._execution, waiting=None))
        self._emit(EventType.EXECUTION_RESUMED, at, agent=agent)

    def cancel_requested(self, at: datetime) -> None:
        """Note that the cancel has reached the owner."""
        self._emit(EventType.EXECUTION_CANCEL_REQUESTED, at)

    def execution_finished(
        self,
        status: ExecutionStatus,
        at: datetime,
        *,
        outputs: Mapping[str, JsonValue] | None,
        reason: Reason | None,
        error: str | None,
    ) -> None:
        """Note the end of the execution."""
        error = self._masker.optional(error)
        self._set_execution(
            ExecutionChange(status, self._execution.started_at, at, self._masker.value(outputs), reason, error)
        )
        self._emit(EventType.EXECUTION_FINISHED, at, status=status, reason=reason, error=error)

    def attempt_ready(self, key: StepKey, output: AttemptOutput, at: datetime) -> None:
        """Note that the attempt may begin, unless that is known; commit the lines of ``output`` from now on.

        Written with the next change of the attempt.
        """
        self._outputs[key] = output
        if key not in self._attempts:
            self._attempts[key] = AttemptRecord(key.step, key.index, key.attempt, StepStatus.PENDING, ready_at=at)

    def spoke(self, key: StepKey) -> None:
        """Note that the attempt has lines to commit."""
        self._chatty.add(key)

    def waits(self, key: StepKey, waiting: Waiting, at: datetime) -> None:
        """Note why a step does not go on. No event for the same reason twice."""
        step = self._step(key)
        waiting = replace(waiting, detail=self._masker.text(waiting.detail))
        if step.waiting == waiting:
            return
        self._set_step(replace(step, waiting=waiting))
        self._emit(EventType.STEP_WAITED, at, step=key.step, code=waiting.code, detail=waiting.detail)

    def inputs(self, key: StepKey, inputs: Mapping[str, JsonValue]) -> None:
        """Note what the step was given; committed with its next change."""
        step = self._step(key)
        self._steps[key.step] = replace(step, inputs=self._masker.value(inputs))

    def entered(self, workspace: WorkspaceRecord) -> None:
        """Note what a step sees of files; committed with its next change."""
        self._files.workspaces.append(workspace)

    def attempt_started(self, key: StepKey, at: datetime) -> None:
        """Note that the container runs."""
        step = self._step(key)
        self._set_step(
            replace(
                step,
                status=StepStatus.RUNNING,
                attempt=key.attempt,
                started_at=step.started_at or at,
                exit_code=None,
                reason=None,
                error=None,
                waiting=None,
            )
        )
        self._set_attempt(key, replace(self._attempt(key), status=StepStatus.RUNNING, started_at=at))
        self._emit(EventType.STEP_STARTED, at, step=key.step, attempt=key.attempt)

    def attempt_ended(self, key: StepKey, result: AttemptResult, *, retry_at: datetime | None = None) -> None:
        """Note how an attempt ended; ``retry_at`` if another follows."""
        self._chatty.add(key)
        if not result.cached:  # of such there is no container
            self._ended.append(key)
        if result.files is not None:
            self._files.workspaces.append(result.files.workspace)
            self._files.outputs.extend(result.files.outputs)
        self._set_attempt(
            key,
            replace(
                self._attempt(key),
                status=result.status,
                started_at=result.started_at,
                completed_at=result.completed_at,
                exit_code=result.exit_code,
                reason=result.reason,
                error=self._masker.optional(result.error),
                infrastructure=result.infrastructure,
                image_digest=result.image_digest,
                retry_at=retry_at,
            ),
        )

    def step_retried(self, key: StepKey, result: AttemptResult, waiting: Waiting, at: datetime) -> None:
        """Note that another attempt follows the one with ``key``, which ended with ``result``."""
        error = self._masker.optional(result.error)
        self._set_step(
            replace(
                self._step(key),
                status=StepStatus.PENDING,
                attempt=key.attempt,
                exit_code=result.exit_code,
                reason=result.reason,
                error=error,
                waiting=waiting,
            )
        )
        self._emit(
            EventType.STEP_RETRIED, at, step=key.step, attempt=key.attempt, reason=result.reason, error=error,
            detail=waiting.detail,
        )  # fmt: skip

    def step_ended(
        self,
        key: StepKey,
        step: Step,
        status: StepStatus,
        at: datetime,
        *,
        reason: Reason | None,
        error: str | None,
        result: AttemptResult | None,
    ) -> None:
        """Note the final state of a step."""
        known = self._step(key)
        error = self._masker.optional(error)
        outputs: dict[str, Any] | None = None
        sealed = None
        cached = result is not None and (result.cached or result.replayed)
        if result is not None:
            outputs = self._masker.value(dict(result.outputs))
            for name, declared in step.outputs.items():
                if declared.sensitive and name in outputs:
                    outputs[name] = MASK
            if outputs != result.outputs:
                sealed = self._vault.seal(json.dumps(result.outputs).encode())
            self._keep(key, result, outputs, sealed)
        self._set_step(
            replace(
                known,
                status=status,
                started_at=known.started_at or (result.started_at if result else None),
                completed_at=(result.completed_at if result else None) or at,
                exit_code=result.exit_code if result else known.exit_code,
                reason=reason,
                error=error,
                waiting=None,
                outputs=outputs,
                outputs_truncated=result.outputs_truncated if result else False,
                attempt=key.attempt if result else known.attempt,
                cached=cached,
                sealed=sealed,
            )
        )
        kind = EventType.STEP_SKIPPED if status is StepStatus.SKIPPED else EventType.STEP_FINISHED
        exit_code = result.exit_code if result else None
        self._emit(
            kind, at, step=key.step, status=status, reason=reason, error=error, exit_code=exit_code,
            cached=cached or None,
        )  # fmt: skip

    def _keep(self, key: StepKey, result: AttemptResult, outputs: Mapping[str, Any], sealed: bytes | None) -> None:
        """Note for the cache that a result has served, or that it may."""
        workspace = result.files.workspace if result.files is not None else None
        if workspace is None or workspace.key is None or workspace.layer is None or workspace.digest is None:
            return
        if result.cached:
            self._files.uses.append(workspace.key)
        elif result.files is not None and result.files.keep:
            self._files.entries.append(
                CacheEntry(
                    key=workspace.key,
                    execution=key.execution,
                    step=key.step,
                    index=key.index,
                    attempt=key.attempt,
                    layer=workspace.layer,
                    digest=workspace.digest,
                    size=workspace.size,
                    image_digest=result.image_digest,
                    outputs=outputs,
                    outputs_truncated=result.outputs_truncated,
                    sealed=sealed,
                )
            )

    # --- what is to be written ------------------------------------------------------------------------------------

    def take(self) -> tuple[Changes, list[StepKey]]:
        """Hand over all that has gathered, and the attempts whose end is in it."""
        changes, self._files = self._files, Changes()
        for key in sorted(self._chatty):
            self._take_lines(key, changes)
        self._chatty.clear()
        if self._execution_changed:
            changes.execution = self._execution
        changes.steps = [self._steps[step] for step in self._changed_steps]
        changes.attempts = [self._attempts[key] for key in self._changed_attempts]
        changes.events = self._events
        ended, self._ended = self._ended, []
        for key in ended:
            self._outputs.pop(key, None)
        self._events = []
        self._changed_steps.clear()
        self._changed_attempts.clear()
        self._execution_changed = False
        return changes, ended

    def _take_lines(self, key: StepKey, changes: Changes) -> None:
        output = self._outputs.get(key)
        lines = output.take() if output else []
        if output is None or not lines:
            return
        for start in range(0, len(lines), _BATCH_LINES):
            self._batch += 1
            part = lines[start : start + _BATCH_LINES]
            changes.logs.append(LogBatch(self._batch, key.step, key.index, key.attempt, part))
        stdout, stderr, size = output.position
        attempt = replace(self._attempt(key), log_stdout=stdout, log_stderr=stderr, log_bytes=size)
        self._set_attempt(key, attempt)

    def _step(self, key: StepKey) -> StepRecord:
        return self._steps.get(key.step) or StepRecord(key.step, StepStatus.PENDING, key.index)

    def _set_step(self, step: StepRecord) -> None:
        self._steps[step.step] = step
        self._changed_steps.add(step.step)

    def _attempt(self, key: StepKey) -> AttemptRecord:
        return self._attempts.get(key) or AttemptRecord(key.step, key.index, key.attempt, StepStatus.PENDING)

    def _set_attempt(self, key: StepKey, attempt: AttemptRecord) -> None:
        self._attempts[key] = attempt
        self._changed_attempts.add(key)

    def _set_execution(self, change: ExecutionChange) -> None:
        self._execution = change
        self._execution_changed = True

    def _emit(self, kind: EventType, at: datetime, **data: Any) -> None:
        self._event += 1
        self._events.append(
            Event(self._event, kind, at, {name: value for name, value in data.items() if value is not None})
        )
