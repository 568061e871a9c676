"""What is left of pipelines goes once nothing needs it, and the cache keeps to its limit."""

import asyncio
from datetime import timedelta

from aiop.orchestrator.files_sweep import FilesSweeper
from pipeline_lab import pipeline_lab

DOCUMENT = {
    "steps": [{"id": "a", "container": {"image": "busybox", "script": "cat big.txt > copy.txt"}}],
    "outputs": [{"name": "copy", "path": "copy.txt"}],
}


def files_in(directory):
    return {path for path in directory.rglob("*") if path.is_file()}


async def test_a_sweep_removes_what_nobody_needs_and_leaves_what_somebody_does(tmp_path):
    async with pipeline_lab(tmp_path) as lab, asyncio.timeout(60):
        artifacts, store = lab.service.files_sweeper._artifacts, lab.service.files_sweeper._store
        artifacts._grace = timedelta(0)
        lab.change({"big.txt": "x" * 1000})
        await lab.define(DOCUMENT)
        first = await lab.run()
        keeping = FilesSweeper(artifacts, store, artifacts._clock, limit=1 << 20)

        await keeping.sweep()
        assert (await lab.run())["steps"]["a"]["cached"], "the entry and its layer are needed"
        path = f"/dagger/executions/{first['id']}/outputs/copy"
        assert (await lab.http.get(path)).text == "x" * 1000

        await FilesSweeper(artifacts, store, artifacts._clock, limit=0).sweep()
        third = await lab.run()
        assert "cached" not in third["steps"]["a"]
        assert third["caches"]["a"]["reason"] == "not_kept"

        assert (await lab.http.delete(f"/dagger/pipelines/{lab.pipeline}")).status_code == 204
        await store.purge_deleted()
        assert await FilesSweeper(artifacts, store, artifacts._clock, limit=0).sweep() > 0
        assert (await artifacts.held()) == type(await artifacts.held())()
