"""The unit for systemd ends the service and not its containers, and is one that systemd takes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.settings import known, named

UNIT = Path(__file__).resolve().parents[2] / "deploy/systemd/aiop.service"


def values(name: str) -> list[str]:
    """All that the unit says of something."""
    return [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]


def test_containers_outlive_a_restart() -> None:
    assert values("KillMode") == ["process"]
    assert values("Delegate") == ["yes"]


def test_its_settings_are_known() -> None:
    assert named(UNIT) <= known()


def test_the_data_directory_is_the_one_that_systemd_makes() -> None:
    assert values("Environment") == [f"AIOP_DATA_DIR=/var/lib/{values('StateDirectory')[0]}"]


def test_systemd_takes_it(tmp_path: Path) -> None:
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not there, so nobody can say whether systemd takes the unit")
    copy = tmp_path / "aiop.service"
    # Where the service is installed to is not there.
    copy.write_text(UNIT.read_text().replace("/opt/aiop/bin/aiop", shutil.which("true") or "/bin/true"))
    said = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (said.returncode, [line for line in said.stderr.splitlines() if "aiop.service" in line]) == (0, [])
