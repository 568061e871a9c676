"""The Compose file fits together: secrets are files, ports are for this machine, and each part can tell how it is."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.settings import known, named

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HERE = DEPLOY / "compose"
SECRET = re.compile(r"(password|secret|key|token|url)(_*file)?$", re.IGNORECASE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((HERE / "compose.yml").read_text())


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A copy in which ``prepare.sh`` has run."""
    shutil.copytree(HERE, tmp_path / "compose", ignore=shutil.ignore_patterns("secrets", ".env"))
    socket = tmp_path / "docker.sock"
    socket.touch()
    (tmp_path / "data").mkdir()
    command = ["sh", str(tmp_path / "compose" / "prepare.sh"), str(tmp_path / "data")]
    for _ in range(2):
        subprocess.run(command, env={"PATH": "/usr/bin:/bin", "DOCKER_SOCKET": str(socket)}, check=True)
    return tmp_path / "compose"


def test_settings_exist() -> None:
    assert named(HERE / "compose.yml") <= known()


def test_secrets_are_files_and_all_of_them_are_made(compose: dict[str, Any], prepared: Path) -> None:
    used = {name for service in compose["services"].values() for name in service.get("secrets", [])}
    assert used == compose["secrets"].keys()
    for service in compose["services"].values():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert value.removeprefix("/run/secrets/") in service["secrets"], variable
    files = {name: prepared / secret["file"] for name, secret in compose["secrets"].items()}
    assert {path.name for path in (prepared / "secrets").iterdir()} == files.keys()
    assert stat.S_IMODE((prepared / "secrets").stat().st_mode) == 0o700
    values = {name: path.read_text() for name, path in files.items()}
    assert len(set(values.values())) == len(values)
    assert len(values["secret_key"]) == 64
    assert values["database_url"] == f"postgresql://aiop:{values['postgres_password']}@db/aiop"


def test_preparing_again_keeps_what_is_there(prepared: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in [*(prepared / "secrets").iterdir(), prepared / ".env"]}
    command = ["sh", str(prepared / "prepare.sh"), str(tmp_path / "data")]
    subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=True)
    assert {path: path.read_bytes() for path in before} == before


def test_ports_are_published_for_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_each_part_is_restarted_and_tells_how_it_is(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped"
        # That of the service is in its image.
        assert name == "aiop" or service["healthcheck"]["test"][0] == "CMD"
        assert name == "aiop" or not service["image"].endswith(":latest")
    assert "HEALTHCHECK" in (DEPLOY / "docker" / "Dockerfile").read_text()


def test_what_is_mounted_from_here_exists(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    assert len(mounted) == 5
    assert all((HERE / path).exists() for path in mounted)
    volumes = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if re.match(r"[a-z]", volume)
    }
    assert volumes == compose["volumes"].keys()


def test_prometheus_and_grafana_are_as_without_compose_but_for_addresses() -> None:
    ours = yaml.safe_load((HERE / "prometheus.yml").read_text())
    other = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = other["scrape_configs"]
    del job["authorization"]
    job["static_configs"] = [{"targets": ["aiop:8000"]}]
    assert ours == other
    source = yaml.safe_load((HERE / "grafana-datasource.yml").read_text())
    plain = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    plain["datasources"][0]["url"] = "http://prometheus:9090"
    assert source == plain


def test_compose_itself_takes_the_file(prepared: Path) -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not there; make test installs it for root on Debian and Ubuntu")
    command = ["docker-compose", "-f", str(prepared / "compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, cwd=prepared, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
