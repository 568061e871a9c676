"""The Dockerfile takes what is there, and makes an image that does not run as root."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from deploy.settings import known, named

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
BASE = "AIOP_TEST_IMAGE_BASE"
"""An image with Python, known to the engine that ``DOCKER_HOST`` names: then the image is built and started."""


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def allowed() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    copied = [
        source
        for name, text in instructions()
        if name == "COPY" and not text.startswith("--from")
        for source in shlex.split(text)[:-1]
    ]
    assert "src" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") for each in allowed()), source
    assert all((ROOT / each).exists() for each in allowed())


def test_every_stage_is_on_the_base_that_the_builder_names() -> None:
    stages = [text.split()[0] for name, text in instructions() if name == "FROM"]
    assert set(stages) == {"${BASE}"}
    assert instructions()[0] == ("ARG", "BASE=python:3.13-slim-bookworm")


def test_it_does_not_run_as_root_and_starts_the_service() -> None:
    last = dict(instructions())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["aiop"]', '["serve"]')
    assert named(DOCKERFILE) <= known()
    assert "AIOP_DATA_DIR=/var/lib/aiop" in last["ENV"]
    assert last["VOLUME"] == "/var/lib/aiop"
    assert last["EXPOSE"] == "8000"


def test_its_health_is_asked_for_at_a_path_that_there_is() -> None:
    (check,) = (text for name, text in instructions() if name == "HEALTHCHECK")
    found = re.search(r"http://127\.0\.0\.1:8000(/\w+)", check)
    assert found is not None
    assert found[1] == "/healthz"


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_is_built_and_serves() -> None:
    base = os.environ.get(BASE)
    if not base:
        pytest.skip(f"{BASE} names no image with Python, and to fetch one takes a registry, which the tests do without")

    def docker(*arguments: str) -> str:
        done = subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    docker(
        "build",
        "--network",
        "host",
        "--build-arg",
        f"BASE={base}",
        "--file",
        str(DOCKERFILE),
        "--tag",
        "aiop:test",
        ".",
    )
    restricted = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    run = ["run", "--detach", "--network", "none", *restricted, "--env", "AIOP_ENGINE=fake", "aiop:test"]
    container = docker(*run)
    try:
        asks = (
            "import time, urllib.request\n"
            "for _ in range(100):\n"
            "    try: print(urllib.request.urlopen('http://127.0.0.1:8000/readyz').read().decode()); break\n"
            "    except OSError: time.sleep(0.2)\n"
        )
        assert docker("exec", container, "python3", "-c", asks) == '{"status":"ok"}'
        page = (
            "import urllib.request as r\n"
            "print(r.urlopen(r.Request('http://127.0.0.1:8000/', headers={'Accept': 'text/html'})).status)\n"
        )
        assert docker("exec", container, "python3", "-c", page) == "200"
        assert docker("exec", container, "id", "-u") == "10001"
        docker("stop", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
    finally:
        docker("rm", "--force", "--volumes", container)
