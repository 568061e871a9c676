"""What an engine gives of what it has kept, without running it, is said to be cached, and kept as any result is."""

import asyncio
from dataclasses import replace

import pytest

from aiop.engines.fake import FakeEngine
from pipeline_lab import pipeline_lab

DOCUMENT = {
    "steps": [{"id": "a", "container": {"image": "busybox", "script": "echo made; cat big.txt > copy.txt"}}],
    "outputs": [{"name": "copy", "path": "copy.txt"}],
}


@pytest.fixture
def keeping(monkeypatch):
    """An engine that says of each success that it was kept from another run."""
    wait = FakeEngine.wait

    async def replayed(self, key):
        outcome = await wait(self, key)
        return replace(outcome, replayed=outcome.succeeded)

    monkeypatch.setattr(FakeEngine, "wait", replayed)


async def test_a_step_that_the_engine_did_not_run_says_that_it_is_cached(tmp_path, keeping):
    async with pipeline_lab(tmp_path) as lab, asyncio.timeout(60):
        lab.change({"big.txt": "x"})
        await lab.define(DOCUMENT)
        found = await lab.run()
        assert (found["status"], found["steps"]["a"]["cached"]) == ("completed", True)
        assert found["outputs"] == {"result": "made"}
        cache = found["caches"]["a"]
        assert (cache["cache"], "from_execution" in cache) == ("hit", False)
        assert "the engine has kept" in cache["detail"]


async def test_its_result_is_kept_and_its_container_removed_as_that_of_any_other(tmp_path, keeping):
    async with pipeline_lab(tmp_path) as lab, asyncio.timeout(60):
        lab.change({"big.txt": "x"})
        await lab.define(DOCUMENT)
        first = await lab.run()
        await lab.service.fleet.drain()
        [site] = lab.service.fleet._sites.values()
        assert await site.engine.attempts() == []
        second = await lab.run()
        assert second["caches"]["a"]["from_execution"] == first["id"]


async def test_one_that_lacks_an_output_of_the_pipeline_has_failed_and_is_not_cached(tmp_path, keeping):
    async with pipeline_lab(tmp_path) as lab, asyncio.timeout(60):
        lab.change({"big.txt": "x"})
        await lab.define({**DOCUMENT, "outputs": [{"name": "none", "path": "none.txt"}]})
        found = await lab.run()
        assert (found["status"], "cached" in found["steps"]["a"]) == ("failed", False)
        assert found["caches"]["a"]["cache"] == "miss"
