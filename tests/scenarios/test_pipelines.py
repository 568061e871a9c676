"""Pipelines as data: ``pipelines/NN_name.yaml`` has a source, a pipeline and what is done between its runs.

``NN_name.expected.json`` is what a client sees of each run, as in ``test_scenarios``; ``caches`` is what the cache was
for each step. ``SHARED`` is an empty directory of the host.
"""

import asyncio
import json
from pathlib import Path

import pytest

from oci_lab import forget
from pipeline_lab import pipeline_lab
from scenarios.test_scenarios import differences, load, marked, on_engine

SCENARIOS = sorted((Path(__file__).parent / "pipelines").glob("*.yaml"))


def shortened(expected, found):
    """Lists of objects are compared entry by entry, each by the fields that are named."""
    if isinstance(expected.get("artifacts"), list):
        expected["artifacts"] = dict(enumerate(expected["artifacts"]))
        found["artifacts"] = dict(enumerate(found["artifacts"]))
    if "logs" in expected:
        expected["logs"], found["logs"] = sorted(expected["logs"]), sorted(found["logs"].splitlines())


async def check(path, directory, image, elsewhere=None, **settings):
    (directory / "shared").mkdir()
    scenario = load(path, image, SHARED=str(directory / "shared"))
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    async with pipeline_lab(directory, **settings) as lab, asyncio.timeout(120):
        if elsewhere is not None:
            await on_engine(lab.http, elsewhere)
        lab.change(scenario["source"])
        await lab.define(scenario["pipeline"])
        for number, (run, wanted) in enumerate(zip(scenario["runs"], expected, strict=True)):
            lab.change(run.get("change", {}))
            ignoring = {"ignore_unsupported": True} if elsewhere is not None else {}
            found = await lab.run(**ignoring, **run.get("execute", {}))
            shortened(wanted, found)
            assert not list(differences(wanted, found, f"run {number}: "))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_on_the_fake_engine(path, tmp_path):
    await check(path, tmp_path, "busybox")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_with_a_bucket_and_next_to_no_cache(path, tmp_path, s3_lab):
    place = s3_lab.place()
    await check(
        path,
        tmp_path,
        "busybox",
        artifacts_url=place.url,
        artifacts_endpoint=place.endpoint,
        artifacts_cache_bytes=0,
    )


@pytest.mark.docker
@pytest.mark.parametrize("path", marked(SCENARIOS, "docker"), ids=lambda path: path.stem)
async def test_in_real_containers(path, tmp_path, docker_lab):
    await check(path, tmp_path, docker_lab.image, engine="docker", docker_endpoint=docker_lab.endpoint)


@pytest.mark.oci
@pytest.mark.parametrize("path", marked(SCENARIOS, "docker"), ids=lambda path: path.stem)
async def test_in_containers_of_this_machine(path, tmp_path, oci_lab):
    oci_lab.equip(tmp_path / "data")
    try:
        await check(path, tmp_path, oci_lab.image, engine="oci")
    finally:
        forget(tmp_path / "data")


@pytest.mark.dagger
@pytest.mark.parametrize("path", marked(SCENARIOS, "dagger"), ids=lambda path: path.stem)
async def test_on_dagger(path, tmp_path, dagger_lab):
    await check(path, tmp_path, dagger_lab.image, dagger_lab.engine, engine="fake", local_agent=False)


@pytest.mark.kubernetes
@pytest.mark.parametrize("path", marked(SCENARIOS, "kubernetes"), ids=lambda path: path.stem)
async def test_on_kubernetes(path, tmp_path, kubernetes_lab):
    await check(path, tmp_path, kubernetes_lab.image, kubernetes_lab.engine, engine="fake", local_agent=False)
