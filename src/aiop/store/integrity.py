"""Looking a database through: is it what the service takes it for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import StorageUnavailable
from aiop.store import tables
from aiop.store.dialect import dialect_for
from aiop.store.executions import ENDED
from aiop.store.ledger import ALL_WORKFLOWS, counted_as
from aiop.store.schema import Schema, schema_of

__all__ = ["Condition", "examine"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found; a sound database has no ``faults``."""

    schema: Schema
    executions: int
    faults: Sequence[str]


async def examine(url: str) -> Condition:
    """Check schema and integrity of a database, which may be in use; changes nothing.

    Takes seconds for each million of steps. Raises ``ValueError``, ``StorageUnavailable``.
    """
    dialect = dialect_for(url)
    engine = dialect.reading_engine()
    try:
        async with engine.connect() as plain:
            tx = await plain.execution_options(**dialect.snapshot)
            schema = await tx.run_sync(schema_of)
            if schema.faults:
                return Condition(schema, 0, schema.faults)
            faults = [*schema.faults, *await dialect.damages(tx)]
            executions = await _count_faults(tx, faults)
            await _audit_faults(tx, faults)
            for sentence, statement in _SHOULD_BE_NONE.items():
                found = await tx.scalar(statement)
                if found:
                    faults.append(f"{found} {sentence}")
            return Condition(schema, executions, faults)
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(f"the database cannot be read: {getattr(error, 'orig', error)}") from error
    finally:
        await engine.dispose()


async def _count_faults(tx: AsyncConnection, faults: list[str]) -> int:
    """Count executions anew and compare; returns how many there are."""
    table, kept = tables.executions.c, tables.execution_counts.c
    known: Counter[tuple[str, str]] = Counter()
    for row in await tx.execute(select(kept.workflow_id, kept.status, kept.executions)):
        known[row.workflow_id, row.status] += row.executions
    true: Counter[tuple[str, str]] = Counter()
    groups = select(table.workflow_id, table.pipeline_id, table.status, func.count().label("executions"))
    for row in await tx.execute(groups.group_by(table.workflow_id, table.pipeline_id, table.status)):
        true[counted_as(row.workflow_id, row.pipeline_id), row.status] += row.executions
        true[ALL_WORKFLOWS, row.status] += row.executions
    for parent, status in sorted(known.keys() | true.keys()):
        if known[parent, status] != true[parent, status]:
            of = f"of {parent}" if parent else "in all"
            faults.append(
                f"{true[parent, status]} executions {of} are {status}, and {known[parent, status]} are counted"
            )
    return sum(n for (parent, _), n in true.items() if parent == ALL_WORKFLOWS)


async def _audit_faults(tx: AsyncConnection, faults: list[str]) -> None:
    """Count the entries of the audit log anew and compare."""
    table, kept = tables.audit.c, tables.audit_counts.c
    known: Counter[tuple[str, str]] = Counter()
    for row in await tx.execute(select(kept.actor, kept.action, kept.entries)):
        known[row.actor, row.action] += row.entries
    groups = select(table.actor, table.action, func.count().label("entries")).group_by(table.actor, table.action)
    true = Counter({(row.actor or "", row.action): row.entries for row in await tx.execute(groups)})
    for actor, action in sorted(known.keys() | true.keys()):
        if known[actor, action] != true[actor, action]:
            by = f"by {actor}" if actor else "by nobody who is known"
            faults.append(
                f"{true[actor, action]} entries {action} {by} are in the audit log, and {known[actor, action]} are "
                "counted"
            )


def _lonely(what: Any, column: Any, whole: Any, *more: Any) -> Select[Any]:
    """Count rows whose counterpart is missing."""
    return (
        select(func.count())
        .select_from(what.outerjoin(whole.table, whole == column))
        .where(whole.is_(None), column.is_not(None), *more)
    )


def _should_be_none() -> Iterator[tuple[str, Select[Any]]]:
    executions, leases = tables.executions, tables.leases
    yield (
        "leases of executions that have ended",
        select(func.count())
        .select_from(leases.join(executions, executions.c.id == leases.c.execution_id))
        .where(executions.c.status.in_(ENDED)),
    )
    yield (
        "executions that have ended and still hold what was sealed for them",
        select(func.count())
        .select_from(executions)
        .where(and_(executions.c.status.in_(ENDED), executions.c.sealed.is_not(None))),
    )
    yield (
        "executions without the definition that they run",
        _lonely(executions, executions.c.version_id, tables.versions.c.id),
    )
    for table in (tables.steps, tables.attempts, leases, tables.workspaces, tables.outputs):
        yield f"rows of {table.name} without their execution", _lonely(table, table.c.execution_id, executions.c.id)


_SHOULD_BE_NONE = dict(_should_be_none())
