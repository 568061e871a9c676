"""A store in memory that keeps to the contract as far as runners and the supervisor need it. Commits take one turn of
the loop, so a crash can fall before or after each.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from aiop.errors import LeaseLost, NotFound, StorageUnavailable
from aiop.interfaces import Changes, Lease
from aiop.model.ids import StepKey
from aiop.model.records import ExecutionRecord, ExecutionSummary
from aiop.model.secret import SealedSecret
from aiop.model.state import ExecutionStatus


class MemoryStore:
    """Executions by id. It outlives the process that a test imagines to crash."""

    def __init__(self) -> None:
        self.executions: dict[str, dict] = {}
        self.secrets: dict[str, list[SealedSecret]] = {}
        self.away = 0
        """So many times secrets cannot be read."""

    def put_secret(self, name: str, sealed: bytes, now: datetime) -> None:
        """Store or replace, as if an execution were always under way: no value is dropped."""
        self.delete_secret(name, now)
        self.secrets[name].insert(0, SealedSecret(name, sealed))

    def delete_secret(self, name: str, now: datetime) -> None:
        former = self.secrets.get(name, [])
        self.secrets[name] = [replace(each, replaced_at=each.replaced_at or now) for each in former]

    async def sealed_secrets(self, names: list[str]) -> list[SealedSecret]:
        await asyncio.sleep(0)
        if self.away:
            self.away -= 1
            raise StorageUnavailable("away")
        return [sealed for name in names for sealed in self.secrets.get(name, ())]

    def add(self, execution: str, document: str, now: datetime, *, inputs=None, options=None, sealed=None) -> Lease:
        self.executions[execution] = {
            "epoch": 0,
            "summary": ExecutionSummary(execution, "w", "v", ExecutionStatus.PENDING, inputs or {}, now),
            "document": document,
            "options": options or {},
            "sealed": sealed,
            "steps": {},
            "attempts": {},
            "events": [],
            "logs": [],
        }
        return self.claim_again(execution)

    def claim_again(self, execution: str) -> Lease:
        row = self.executions[execution]
        row["epoch"] += 1
        return Lease(execution, "owner", row["epoch"], "agent")

    def _row(self, lease: Lease) -> dict:
        if lease.execution not in self.executions:
            raise NotFound(lease.execution)
        row = self.executions[lease.execution]
        if row["epoch"] != lease.epoch:
            raise LeaseLost(lease.execution)
        return row

    async def load(self, lease: Lease) -> ExecutionRecord:
        await asyncio.sleep(0)
        row = self._row(lease)
        return ExecutionRecord(
            summary=replace(row["summary"], steps=tuple(row["steps"].values())),
            document=row["document"],
            options=row["options"],
            sealed=row["sealed"],
            attempts=tuple(row["attempts"].values()),
            last_event=len(row["events"]),
            last_batch=len(row["logs"]),
        )

    async def commit(self, lease: Lease, changes: Changes) -> None:
        await asyncio.sleep(0)
        row = self._row(lease)
        for step in changes.steps:
            before = row["steps"].get((step.step, step.index))
            assert before is None or not before.status.ended or before == step, "ended states never change"
            row["steps"][step.step, step.index] = step
        for attempt in changes.attempts:
            row["attempts"][attempt.step, attempt.index, attempt.attempt] = attempt
        for event in changes.events:
            assert event.seq == len(row["events"]) + 1, "events are numbered without gaps"
            row["events"].append(event)
        for batch in changes.logs:
            assert batch.seq == len(row["logs"]) + 1, "batches are numbered without gaps"
            row["logs"].append(batch)
        if changes.execution is not None:
            change = changes.execution
            assert not row["summary"].status.ended, "ended states never change"
            row["summary"] = replace(
                row["summary"],
                status=change.status,
                started_at=change.started_at,
                completed_at=change.completed_at,
                outputs=change.outputs,
                reason=change.reason,
                error=change.error,
                waiting=change.waiting,
            )
        await asyncio.sleep(0)

    async def removable(self, keys: list[StepKey]) -> list[StepKey]:
        await asyncio.sleep(0)
        return [key for key in keys if self._ended(key)]

    def _ended(self, key: StepKey) -> bool:
        row = self.executions.get(key.execution)
        if row is None or row["summary"].status.ended:
            return True
        attempt = row["attempts"].get((key.step, key.index, key.attempt))
        return attempt is not None and attempt.status.ended
