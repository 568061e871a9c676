"""Whether this machine can run containers by itself, and with what; where it cannot, why, for people."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from aiop.engines.oci.seccomp import PROFILE
from aiop.engines.oci.user_namespace import obstacles

__all__ = ["Host", "look_at_host", "shortcomings"]

_PATH = f"{os.defpath}:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin"
_INITS = ("tini-static", "docker-init")
_OLDEST = (1, 8)


@dataclass(frozen=True, slots=True)
class Host:
    """The programs that are used."""

    runtime: str
    version: str
    init: str


def look_at_host() -> Host | None:
    """Find the programs; ``None`` if one of them is missing: ``shortcomings`` says which."""
    runtime, init = _find("crun"), _find_init()
    if runtime is None or init is None:
        return None
    version = _version(runtime)
    return Host(runtime, version, init) if version else None


def shortcomings() -> list[str]:
    """Say, each in a sentence, what keeps this machine from running containers by itself; changes nothing."""
    if not sys.platform.startswith("linux"):
        return ["the embedded engine needs Linux"]
    found = []
    if os.geteuid() != 0:
        found.extend(obstacles())
    runtime = _find("crun")
    if runtime is None:
        found.append("crun is not installed")
    elif (version := _version(runtime)) is None or _numbers(version) < _OLDEST:
        found.append(f"crun is older than {'.'.join(map(str, _OLDEST))}, or does not start")
    if _find_init() is None:
        found.append("tini is not installed (a static one: tini-static)")
    if not PROFILE.exists():
        found.append(f"{PROFILE} is missing: containers-common is not installed")
    return found


def _find(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def _find_init() -> str | None:
    return next((path for name in _INITS if (path := _find(name)) is not None), None)


def _version(runtime: str) -> str | None:
    try:
        said = subprocess.run([runtime, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"version (\d[\w.]*)", said.stdout)
    return match[1] if match else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
