"""How an execution is shown: what is stored of it, joined with the definition that it is pinned to.

Beyond the reference's fields a field is there only when it says something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiop.model.ids import StepId
from aiop.model.pipelines import OutputRecord
from aiop.model.records import ExecutionSummary, LogBatch, LogLine, StepRecord
from aiop.model.state import ExecutionStatus, StepStatus, WaitCode, Waiting
from aiop.operations import StepOutline

__all__ = ["LOG_LIMIT", "artifact_view", "execution_view", "explain", "merged_log", "parent", "prefixed", "step_view"]

LOG_LIMIT = 1024 * 1024
"""As many bytes of the log are shown with an execution."""

_CANCELLING = Waiting(WaitCode.CANCELLING, "a cancel was requested; its containers are being stopped")


def execution_view(
    execution: ExecutionSummary,
    outline: Sequence[StepOutline],
    *,
    logs: str | None = None,
    outputs: Sequence[OutputRecord] = (),
) -> dict[str, Any]:
    """Show an execution; with ``logs`` as a single one, which has more of its steps than one in a list."""
    records = {record.step: record for record in execution.steps if record.index == 0}
    single = logs is not None
    view: dict[str, Any] = {
        "id": execution.id,
        **parent(execution),
        "status": execution.status,
        "steps": {step.id: step_view(step, execution, records, single=single) for step in outline},
        "inputs": execution.inputs,
        "outputs": execution.outputs or {},
        "started_at": execution.started_at,
        "completed_at": execution.completed_at,
    }
    if execution.started_at is None:
        view["created_at"] = execution.created_at
    explain(view, execution)
    if single:
        if execution.pipeline_id is not None:
            view["artifacts"] = [artifact_view(output) for output in outputs]
        view["logs"] = logs
    return view


def parent(execution: ExecutionSummary) -> dict[str, str | None]:
    """Say whose execution it is."""
    if execution.pipeline_id is not None:
        return {"pipeline_id": execution.pipeline_id}
    return {"workflow_id": execution.workflow_id}


def artifact_view(output: OutputRecord) -> dict[str, Any]:
    """Show a named output."""
    return {
        "name": output.name,
        "step": output.step,
        "path": output.path,
        "kind": output.kind,
        "size": output.size,
        "sha256": output.sha256,
    }


def step_view(
    step: StepOutline, execution: ExecutionSummary, records: Mapping[StepId, StepRecord], *, single: bool
) -> dict[str, Any]:
    """Show a step; a ``single`` one, or one of a single execution, has its inputs and outputs."""
    record = records.get(step.id)
    if record is None:
        return _unstarted(step, execution, records, single=single)
    return _started(step, record, single=single)


def _started(step: StepOutline, record: StepRecord, *, single: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": step.id,
        "name": step.name,
        "status": record.status,
        "started_at": record.started_at,
        "completed_at": record.completed_at,
    }
    if single:
        view["inputs"] = record.inputs or {}
        view["outputs"] = record.outputs or {}
    if record.attempt > 1:
        view["attempt"] = record.attempt
    if record.exit_code:
        view["exit_code"] = record.exit_code
    if record.cached:
        view["cached"] = True
    if record.outputs_truncated:
        view["outputs_truncated"] = True
    explain(view, record)
    return view


def _unstarted(
    step: StepOutline, execution: ExecutionSummary, records: Mapping[StepId, StepRecord], *, single: bool
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": step.id,
        "name": step.name,
        "status": StepStatus.PENDING,
        "started_at": None,
        "completed_at": None,
    }
    if single:
        view["inputs"] = {}
        view["outputs"] = {}
    if execution.status is ExecutionStatus.RUNNING:
        missing = [need for need in step.depends_on if need not in records or not records[need].status.ended]
        if missing:
            view["waiting"] = _waiting(Waiting.for_steps(missing))
    return view


def explain(view: dict[str, Any], state: ExecutionSummary | StepRecord) -> None:
    """Add to a view why it did not complete, and what it waits for."""
    if state.reason is not None:
        view["reason"] = state.reason
    if state.error is not None:
        view["error"] = state.error
    waiting = _CANCELLING if _is_cancelling(state) else state.waiting
    if waiting is not None:
        view["waiting"] = _waiting(waiting)


def _is_cancelling(state: ExecutionSummary | StepRecord) -> bool:
    return isinstance(state, ExecutionSummary) and state.cancel_requested_at is not None and not state.status.ended


def _waiting(waiting: Waiting) -> dict[str, Any]:
    return {"code": waiting.code, "detail": waiting.detail}


def merged_log(batches: Sequence[LogBatch], *, limit: int = LOG_LIMIT) -> str:
    """Join the lines of all steps, each behind its step's id; of the newest, at most ``limit`` bytes in whole lines."""
    kept: list[str] = []
    size = 0
    for line in _newest_first(batches):
        size += len(line.encode(errors="replace")) + 1
        if size > limit and kept:
            break
        kept.append(line)
    return "".join(f"{line}\n" for line in reversed(kept))


def prefixed(batch: LogBatch, line: LogLine) -> str:
    """Put the step's id before a line."""
    return f"[{batch.step}] {line.text}"


def _newest_first(batches: Sequence[LogBatch]) -> Iterator[str]:
    for batch in reversed(batches):
        for line in reversed(batch.lines):
            yield prefixed(batch, line)
