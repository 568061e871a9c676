"""Images of the embedded engine: what can be asked, of whom, and what is noted."""

import json

import httpx
import pytest

from aiop.errors import EngineRefused, ImageRefused, ImageStoreFull, RegistryUnavailable, TooLarge
from aiop.model.agent import EngineAddress, EngineType
from aiop.model.images import ImageConfig
from aiop.model.run import Credentials
from aiop.operations import ImageOperations
from api.conftest import SignIn
from api.errors import error, faults
from api.world import Service


@pytest.fixture
async def admin(sign_in: SignIn) -> httpx.AsyncClient:
    return await sign_in("admin")


async def noted(admin: httpx.AsyncClient) -> list[tuple[str, str | None, dict]]:
    entries = (await admin.get("/audit", params={"sort": "at:asc"})).json()["entries"]
    return [(each["action"], each["target"], each["detail"]) for each in entries if each["action"].startswith("Image")]


async def test_images_are_listed_in_pages_the_one_used_last_first(service: Service, viewer: httpx.AsyncClient) -> None:
    for number in range(3):
        service.images.add(f"tool:{number}", size=number)
    page = (await viewer.get("/images", params={"limit": 2})).json()
    assert [image["names"] for image in page["images"]] == [["tool:2"], ["tool:1"]]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 0)
    rest = (await viewer.get("/images", params={"limit": 2, "offset": 2})).json()
    assert [image["names"] for image in rest["images"]] == [["tool:0"]]
    largest = (await viewer.get("/images", params={"sort": "size:desc", "name": "TOOL", "limit": 1})).json()
    assert largest["images"][0]["size"] == 2
    assert (await viewer.get("/images", params={"name": "other"})).json()["total"] == 0


async def test_an_image_is_pulled_and_noted(service: Service, admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/images/pull", json={"image": "tool:1"})
    assert (answer.status_code, answer.json()["names"]) == (200, ["tool:1"])
    login = {"username": "ann", "password": "pass-word"}
    await admin.post("/images/pull", json={"image": "host.example/tool:1", "credentials": login})
    assert service.images.given == [
        ("tool:1", None),
        ("host.example/tool:1", Credentials("host.example", "ann", "pass-word")),
    ]
    entries = await noted(admin)
    assert entries[0] == ("ImagePulled", "tool:1", {"digest": answer.json()["digest"]})
    assert "pass-word" not in json.dumps(entries)


async def test_an_image_of_docker_is_taken_over(service: Service, admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/images/pull", json={"image": "tool:1", "origin": "docker"})
    assert answer.status_code == 200
    assert service.images.given == [("tool:1", "docker")]
    assert [(action, detail["source"]) for action, _, detail in await noted(admin)] == [("ImageImported", "docker")]
    login = {"username": "ann", "password": "pass-word"}
    body = {"image": "tool:1", "origin": "docker", "credentials": login}
    assert faults(await admin.post("/images/pull", json=body)) == ["credentials"]


async def test_an_archive_is_imported_as_it_is_sent(service: Service, admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/images/import", content=b"archive")
    assert [image["names"] for image in answer.json()["images"]] == [["in/archive:1"]]
    config = {"cmd": ["sh"], "env": ["A=b"], "user": "1000", "labels": {"a": "b"}}
    query = {"name": "made:1", "root": "true", "config": json.dumps(config)}
    await admin.post("/images/import", params=query, content=b"root")
    made = ImageConfig(cmd=("sh",), env=("A=b",), user="1000", labels={"a": "b"})
    assert service.images.given == [("in/archive:1", b"archive"), ("made:1", b"root", made)]
    assert [(action, target, detail["source"]) for action, target, detail in await noted(admin)] == [
        ("ImageImported", "in/archive:1", "archive"),
        ("ImageImported", "made:1", "root"),
    ]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"root": "true"}, ["name"]),
        ({"config": "{}"}, ["config"]),
        ({"root": "true", "name": "a:1", "config": "no json"}, ["config"]),
        ({"root": "true", "name": "a:1", "config": '{"cmd": "sh"}'}, ["config.cmd"]),
        ({"root": "true", "name": "a:1", "config": '{"command": []}'}, ["config.command"]),
        ({"nmae": "a:1"}, ["nmae"]),
    ],
)
async def test_what_does_not_fit_an_archive_is_told(admin: httpx.AsyncClient, query, fields) -> None:
    assert faults(await admin.post("/images/import", params=query, content=b"archive")) == fields


async def test_a_clean_up_says_what_it_freed_and_is_noted_if_it_did_something(
    service: Service, admin: httpx.AsyncClient
) -> None:
    service.images.add("tool:1")
    assert (await admin.post("/images/prune", params={"keep_bytes": 5})).json() == {"images": 1, "size": 10}
    assert (await admin.post("/images/prune", params={"imported": "true"})).json() == {"images": 0, "size": 0}
    assert service.images.given == [(5, False), (None, True)]
    assert await noted(admin) == [("ImagesPruned", None, {"images": 1, "bytes": 10})]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ImageRefused("manifest unknown"), 400, "invalid_request"),
        (RegistryUnavailable("dial tcp"), 503, "engine_unavailable"),
        (ImageStoreFull("the disk is full"), 503, "engine_unavailable"),
        (EngineRefused("skopeo is not installed"), 503, "engine_unavailable"),
        (TooLarge("too large"), 413, "too_large"),
    ],
)
async def test_what_goes_wrong_is_told_in_its_own_words(service: Service, admin, fault, status, code) -> None:
    service.images.error = fault
    answers = [
        await admin.post("/images/pull", json={"image": "tool:1"}),
        await admin.post("/images/import", content=b"archive"),
        await admin.post("/images/import", params={"root": "true", "name": "a:1"}, content=b"archive"),
    ]
    for answer in answers:
        assert error(answer) == (status, code)
        assert str(fault) in answer.text
    assert await noted(admin) == []


async def test_a_service_without_the_embedded_engine_says_so(service: Service, admin: httpx.AsyncClient) -> None:
    operations = ImageOperations(service.store, service.images, default_engine=EngineAddress(EngineType.DOCKER))
    object.__setattr__(service.services, "images", operations)
    for answer in (
        await admin.get("/images"),
        await admin.post("/images/pull", json={"image": "tool:1"}),
        await admin.post("/images/import", content=b"archive"),
        await admin.post("/images/prune"),
    ):
        assert error(answer) == (400, "invalid_state")
        assert "embedded engine" in answer.json()["message"]
    assert service.images.given == []
