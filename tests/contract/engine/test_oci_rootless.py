"""The embedded engine for an ordinary user: the same suites, in a user namespace."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rootless_lab import ROOT, RootlessLab

pytestmark = [pytest.mark.oci, pytest.mark.timeout(240)]

HERE = Path(__file__).parent
SUITES = ("test_container.py", "test_life.py", "test_output.py", "test_workspace.py", "test_oci_isolation.py")


def test_the_suites_hold_for_an_ordinary_user(rootless_lab: RootlessLab) -> None:
    done = rootless_lab.run(
        *(sys.executable, str(ROOT / "tests/rootless_pytest.py"), str(rootless_lab.home / "namespace")),
        *("-m", "oci", "-q", "-p", "no:cacheprovider", "--basetemp", str(rootless_lab.home / "tests")),
        *(str(HERE / name) for name in SUITES),
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100, done.stdout


def test_a_change_of_the_addresses_of_the_machine_is_told_at_once() -> None:
    script = """
import asyncio, subprocess
from aiop.engines.oci.router import AddressWatch, local_addresses

async def main():
    changed = asyncio.Event()
    watch = AddressWatch(changed.set)
    before = local_addresses()
    subprocess.run(["ip", "address", "add", "192.0.2.7/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    await changed.wait()
    watch.close()
    print(before, local_addresses())

asyncio.run(main())
"""
    command = ["unshare", "--net", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[] ['127.0.0.1', '192.0.2.7']", done.stderr
