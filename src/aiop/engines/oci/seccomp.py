"""The filter of system calls: the profile of containers-common, for Docker's default capabilities.

Runtimes turn a profile into a program for the kernel at each start, which costs more than all the rest of it. So the
runtime is made to do that once, and each container is given the program.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiop.errors import EngineRefused

__all__ = ["PROFILE", "compiled", "oci_profile"]

PROFILE = Path("/usr/share/containers/seccomp.json")

_ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
}
_SECONDS = 30


def oci_profile(profile: Mapping[str, Any], *, capabilities: Sequence[str], machine: str) -> dict[str, Any]:
    """Choose what of the profile holds for these capabilities and this machine, in the words of the OCI spec."""
    name, architecture = _ARCHITECTURES.get(machine, (machine, ""))
    also = [
        sub
        for entry in profile.get("archMap") or ()
        if entry["architecture"] == architecture
        for sub in entry.get("subArchitectures") or ()
    ]
    held = set(capabilities)
    rules = []
    for rule in profile["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if not held.issuperset(includes.get("caps") or ()):
            continue
        if excludes.get("caps") and held.issuperset(excludes["caps"]):
            continue
        if includes.get("arches") and name not in includes["arches"]:
            continue
        if name in (excludes.get("arches") or ()):
            continue
        kept = {key: rule[key] for key in ("names", "action") if key in rule}
        if rule.get("args"):
            kept["args"] = rule["args"]
        if rule.get("errnoRet") is not None:
            kept["errnoRet"] = rule["errnoRet"]
        rules.append(kept)
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
        "architectures": [architecture, *also] if architecture else [],
        "syscalls": rules,
    }


def compiled(runtime: str, version: str, directory: Path, *, capabilities: Sequence[str]) -> str:
    """Return the program in base64, as the runtime's annotation takes it; made once and kept under ``directory``.

    It calls the runtime, so it must be called where that may run. Raises ``EngineRefused``.
    """
    try:
        text = PROFILE.read_bytes()
    except OSError as error:
        raise EngineRefused(f"{PROFILE} cannot be read ({error.strerror}): install containers-common") from error
    profile = oci_profile(json.loads(text), capabilities=capabilities, machine=platform.machine())
    digest = hashlib.sha256(json.dumps([version, profile]).encode()).hexdigest()[:16]
    kept = directory / f"{digest}.bpf"
    if not kept.exists():
        directory.mkdir(parents=True, exist_ok=True)
        program = _compile(runtime, directory / f"draft-{secrets.token_hex(4)}", profile)
        draft = kept.with_suffix(".new")
        draft.write_bytes(program)
        draft.rename(kept)
    return base64.b64encode(kept.read_bytes()).decode()


def _compile(runtime: str, scratch: Path, profile: Mapping[str, Any]) -> bytes:
    """Have the runtime create a container that never starts, and take the program from its state."""
    root, state = scratch / "root", scratch / "state"
    for directory in ("dev", "proc"):
        (root / directory).mkdir(parents=True)
    (root / "none").touch(mode=0o755)
    config = {
        "ociVersion": "1.0.0",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/none"], "cwd": "/"},
        "root": {"path": str(root)},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc")], "seccomp": profile},
    }
    (scratch / "config.json").write_text(json.dumps(config))
    name = f"aiop-seccomp-{scratch.name}"
    log = scratch / "log"
    command = [runtime, "--root", str(state), "--cgroup-manager", "disabled", "--log", str(log)]
    try:
        made = subprocess.run(  # noqa: S603 - the runtime that was found on this machine
            [*command, "create", "--bundle", str(scratch), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # the container would hold a pipe open
            env={"PATH": os.defpath},
            timeout=_SECONDS,
            check=False,
        )
        if made.returncode:
            raise EngineRefused(f"{runtime} refuses the seccomp profile: {log.read_text(errors='replace').strip()}")
        return (state / name / "seccomp.bpf").read_bytes()
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineRefused(f"{runtime} does not compile the seccomp profile: {error}") from error
    finally:
        subprocess.run(  # noqa: S603
            [*command, "delete", "--force", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        shutil.rmtree(scratch, ignore_errors=True)
