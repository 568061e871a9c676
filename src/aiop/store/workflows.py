"""Workflows and their versions as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from aiop.interfaces import NewWorkflow
from aiop.model.ids import VersionId, WorkflowId
from aiop.model.records import WorkflowRecord, WorkflowSummary
from aiop.model.state import ExecutionStatus
from aiop.store import tables
from aiop.store.codec import AnyRow, clean, moment

__all__ = [
    "ESCAPE",
    "NEWEST",
    "fold",
    "new_version_row",
    "new_workflow_row",
    "pattern",
    "record",
    "replaced_columns",
    "summary",
]

ESCAPE = "/"
NEWEST = select(tables.workflows, tables.versions.c.document).join(
    tables.versions, tables.versions.c.id == tables.workflows.c.version_id
)
"""Workflows with the document of their newest version."""


def fold(name: str) -> str:
    """Fold the case, the same on every database."""
    return (clean(name) or "").casefold()


def replaced_columns(new: NewWorkflow) -> dict[str, Any]:
    """Encode what each version replaces."""
    return {"name": clean(new.name), "name_folded": fold(new.name), "description": clean(new.description)}


def pattern(part: str) -> str:
    """Return what ``name_folded`` is to contain, for a ``LIKE`` with ``ESCAPE``."""
    folded = fold(part)
    for special in (ESCAPE, "%", "_"):
        folded = folded.replace(special, ESCAPE + special)
    return folded


def new_workflow_row(new: NewWorkflow, now: int) -> dict[str, Any]:
    """Encode a workflow at its first version."""
    return {
        "id": new.id,
        **replaced_columns(new),
        "status": ExecutionStatus.PENDING.value,
        "version": 1,
        "version_id": new.version_id,
        "created_at": now,
    }


def new_version_row(new: NewWorkflow, number: int, now: int) -> dict[str, Any]:
    """Encode a version; the document is stored as it is."""
    return {
        "id": new.version_id,
        "workflow_id": new.id,
        "number": number,
        "created_at": now,
        "document": new.document,
    }


def record(row: AnyRow) -> WorkflowRecord:
    """Decode a row of ``NEWEST``."""
    return WorkflowRecord(
        id=WorkflowId(row.id),
        version=row.version,
        version_id=VersionId(row.version_id),
        document=row.document,
        status=ExecutionStatus(row.status),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def summary(row: AnyRow) -> WorkflowSummary:
    """Decode a row."""
    return WorkflowSummary(
        id=WorkflowId(row.id),
        name=row.name,
        description=row.description,
        status=ExecutionStatus(row.status),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )
