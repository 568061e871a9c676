"""Workflows as data: ``NN_name.yaml`` is run by the whole service, ``NN_name.expected.json`` is what a client sees.

``secrets`` are stored before. Each runs on the fake engine; those with ``engines`` also on real engines
of these types. In the expectation, a step that is left out is not looked at, and so is a field.
"""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from aiop.config import Settings
from aiop.runtime.build import build_service
from oci_lab import forget, left_by

SCENARIOS = sorted(Path(__file__).parent.glob("*.yaml"))
PASSWORD = "correct-horse-battery"


def marked(paths, engine):
    """Those that are to run on a real engine of this type too."""
    return [path for path in paths if engine in yaml.safe_load(path.read_text()).get("engines", ())]


@asynccontextmanager
async def running_service(settings):
    async with build_service(settings) as service:
        loops = [asyncio.create_task(part.run()) for part in (service.supervisor, service.fleet)]
        transport = httpx.ASGITransport(service.app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://aiop", timeout=60) as http:
                answer = await http.post("/auth/token", data={"username": "admin", "password": PASSWORD})
                http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                yield http
            await service.fleet.drain()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


async def play(http, scenario):
    for name, value in scenario.get("secrets", {}).items():
        stored = await http.put(f"/secrets/{name}", json={"value": value})
        assert stored.status_code == 201, stored.text
    created = await http.post("/dagger/workflows", json=scenario["workflow"])
    assert created.status_code == 201, created.text
    path = f"/dagger/workflows/{created.json()['id']}/execute"
    submitted = await http.post(path, json=scenario.get("execute", {}))
    assert submitted.status_code == 201, submitted.text
    location = submitted.headers["location"]
    await http.get(f"{location}/events")  # ends when the execution does
    return (await http.get(location)).json()


def differences(expected, found, path=""):
    """Where ``found`` lacks something of ``expected``."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key not in found:
                yield f"{path}.{key} is missing"
            else:
                yield from differences(value, found[key], f"{path}.{key}")
    elif expected != found:
        yield f"{path} is {found!r}, not {expected!r}"


def load(path, image, **words):
    text = path.read_text().replace("IMAGE", image)
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return yaml.safe_load(text)


async def on_engine(http, engine):
    """Have all executions run on this engine, by the only agent there is."""
    answer = await http.post("/dagger/agents", json={"name": engine["type"], "engine": engine})
    assert answer.status_code == 201, answer.text


def expectation(path, engine):
    """What a client sees; an engine may have a file of its own where it shows the same differently."""
    own = path.with_suffix(f".expected.{engine}.json")
    return json.loads((own if own.exists() else path.with_suffix(".expected.json")).read_text())


async def check(path, settings, image, engine=None):
    scenario = load(path, image)
    expected = expectation(path, None if engine is None else engine["type"])
    async with running_service(settings) as http, asyncio.timeout(90):
        if engine is not None:
            await on_engine(http, engine)
            scenario["execute"] = {"ignore_unsupported": True, **scenario.get("execute", {})}
        found = await play(http, scenario)
    found["logs"] = sorted(found.get("logs", "").splitlines())
    if "logs" in expected:
        expected["logs"] = sorted(expected["logs"])
    assert not list(differences(expected, found)), json.dumps(found, indent=1)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_on_the_fake_engine(path, tmp_path):
    settings = Settings(data_dir=tmp_path / "data", engine="fake", admin_password=PASSWORD)
    await check(path, settings, "busybox")


@pytest.mark.docker
@pytest.mark.parametrize("path", marked(SCENARIOS, "docker"), ids=lambda path: path.stem)
async def test_in_real_containers(path, tmp_path, docker_lab):
    settings = Settings(data_dir=tmp_path / "data", docker_endpoint=docker_lab.endpoint, admin_password=PASSWORD)
    await check(path, settings, docker_lab.image)


@pytest.mark.oci
@pytest.mark.parametrize("path", marked(SCENARIOS, "docker"), ids=lambda path: path.stem)
async def test_in_containers_of_this_machine(path, tmp_path, oci_lab):
    data = tmp_path / "data"
    oci_lab.equip(data)
    try:
        await check(path, Settings(data_dir=data, engine="oci", admin_password=PASSWORD), oci_lab.image)
        assert left_by(data / "containers") == []
    finally:
        forget(data)


@pytest.mark.dagger
@pytest.mark.parametrize("path", marked(SCENARIOS, "dagger"), ids=lambda path: path.stem)
async def test_on_dagger(path, tmp_path, dagger_lab):
    settings = Settings(data_dir=tmp_path / "data", engine="fake", local_agent=False, admin_password=PASSWORD)
    await check(path, settings, dagger_lab.image, dagger_lab.engine)


@pytest.mark.kubernetes
@pytest.mark.parametrize("path", marked(SCENARIOS, "kubernetes"), ids=lambda path: path.stem)
async def test_on_kubernetes(path, tmp_path, kubernetes_lab):
    settings = Settings(data_dir=tmp_path / "data", engine="fake", local_agent=False, admin_password=PASSWORD)
    await check(path, settings, kubernetes_lab.image, kubernetes_lab.engine)
