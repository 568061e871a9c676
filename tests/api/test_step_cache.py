"""What is said of the cache: that a result came from it, and why it did or did not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from aiop.interfaces import Changes
from aiop.model.ids import ExecutionId, StepId
from aiop.model.pipelines import CacheOff, CacheUse, WorkspaceRecord
from aiop.model.state import StepStatus
from api.errors import error
from api.operations import UNKNOWN
from api.owner import Owner
from api.pipelines import execute
from api.world import HandClock


async def test_a_cached_step_says_so(client: httpx.AsyncClient, pipeline: str, owner: Owner, clock: HandClock) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    await owner.claim(execution)
    await owner.start()
    await owner.step("build", status=StepStatus.COMPLETED, cached=True, attempt=1, completed_at=clock.now())
    await owner.step("test", status=StepStatus.COMPLETED, attempt=1, completed_at=clock.now())
    for shown in (
        (await client.get(f"/dagger/executions/{execution}")).json(),
        (await client.get("/dagger/executions")).json()["executions"][0],
    ):
        assert shown["steps"]["build"]["cached"] is True
        assert "cached" not in shown["steps"]["test"]


async def ran(
    client: httpx.AsyncClient, owner: Owner, pipeline: str, status: StepStatus = StepStatus.COMPLETED, **values: Any
) -> str:
    execution = str((await execute(client, pipeline)).json()["execution_id"])
    await owner.claim(execution)
    await owner.start()
    fields = {"use": CacheUse.MISS, "key": "k", "parts": {"image": "1", "source": "2"}, **values}
    await owner.commit(Changes(workspaces=[WorkspaceRecord(StepId("build"), **fields)]))
    await owner.step("build", status=status, attempt=1)
    await owner.finish()
    return execution


async def cache_of(client: httpx.AsyncClient, execution: str, step: str = "build") -> dict[str, Any]:
    answer = await client.get(f"/dagger/executions/{execution}/steps/{step}/cache")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_first_run_has_nothing_to_compare_with(
    client: httpx.AsyncClient, pipeline: str, owner: Owner
) -> None:
    execution = await ran(client, owner, pipeline)
    assert await cache_of(client, execution) == {
        "execution_id": execution,
        "step": "build",
        "cache": "miss",
        "reason": "first_run",
        "detail": "No earlier execution of the pipeline has run this step",
        "key": "k",
        "compared_with": None,
        "changed": [],
    }


async def test_a_miss_names_what_has_changed(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    before = {"image": "1", "source": "2", "environment.A": "3", "inputs.who": "4", "environment.INPUT_WHO": "5"}
    after = {**before, "source": "x", "inputs.who": "y", "environment.INPUT_WHO": "z", "files./f": "new"}
    del after["environment.A"]
    first = await ran(client, owner, pipeline, parts=before)
    found = await cache_of(client, await ran(client, owner, pipeline, parts=after))
    assert (found["cache"], found["reason"], found["compared_with"]) == ("miss", "changed", first)
    assert found["changed"] == ["environment.A", "files./f", "inputs.who", "source"]
    assert "source" in found["detail"]


async def test_a_hit_names_where_the_result_is_from(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    first = await ran(client, owner, pipeline)
    found = await cache_of(client, await ran(client, owner, pipeline, use=CacheUse.HIT, origin=ExecutionId(first)))
    assert (found["cache"], found["reason"], found["from_execution"]) == ("hit", None, first)
    assert found["changed"] == []


async def test_an_unchanged_run_says_why_it_was_made(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    await ran(client, owner, pipeline, StepStatus.FAILED)
    assert (await cache_of(client, await ran(client, owner, pipeline)))["reason"] == "not_completed"
    assert (await cache_of(client, await ran(client, owner, pipeline)))["reason"] == "not_kept"


@pytest.mark.parametrize("why", list(CacheOff))
async def test_a_cache_that_is_off_says_why(
    client: httpx.AsyncClient, pipeline: str, owner: Owner, why: CacheOff
) -> None:
    execution = await ran(client, owner, pipeline, use=CacheUse.OFF, reason=why, key=None, parts=None)
    found = await cache_of(client, execution)
    assert (found["cache"], found["reason"], found["key"]) == ("off", why, None)
    assert found["detail"]


async def test_only_steps_of_pipelines_that_were_begun_have_a_cache(
    client: httpx.AsyncClient, pipeline: str, owner: Owner, execution: str
) -> None:
    run = await ran(client, owner, pipeline)
    for path in (
        f"{run}/steps/test/cache",
        f"{run}/steps/nothing/cache",
        f"{execution}/steps/step1/cache",
        f"{UNKNOWN}/steps/build/cache",
    ):
        assert error(await client.get(f"/dagger/executions/{path}")) == (404, "not_found")
