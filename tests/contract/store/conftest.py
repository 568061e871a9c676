"""Runs the suite on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.interfaces import NewWorkflow
from aiop.store import SqlStore
from contract.store.subject import Subject, a_workflow


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each database in turn, empty."""
    if request.param == "postgres":
        made = Subject(await request.getfixturevalue("postgres").clear_database())
    else:
        made = Subject(f"sqlite+aiosqlite:///{tmp_path}/data/aiop.db")
    yield made
    await made.aclose()


@pytest.fixture
async def store(subject: Subject) -> SqlStore:
    """An open store."""
    return await subject.open()


@pytest.fixture
async def workflow(store: SqlStore) -> NewWorkflow:
    """A stored workflow."""
    new = a_workflow()
    await store.create_workflow(new)
    return new
