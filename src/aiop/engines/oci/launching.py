"""How a container comes to be: its directory, its mounts, its configuration, and the waiter that runs it.

All of it happens in the chamber, without a pause, and each part is done only if the container needs it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.chamber import Chamber
from aiop.engines.oci.directory import AttemptDirectory, Note
from aiop.engines.oci.faults import StartRefused
from aiop.engines.oci.images import Image
from aiop.engines.oci.roots import (
    bind_source,
    copy_up,
    make_directory,
    mount_overlay,
    mount_view,
    put_files,
    read_output,
    read_text,
)
from aiop.engines.oci.spec import Bind, command_of, runtime_spec
from aiop.engines.oci.users import User, find_user
from aiop.engines.oci.volumes import Volumes
from aiop.engines.oci.waiter import spawn_waiter
from aiop.model.run import ContainerRun, HostMount, OutputFile, Workspace

__all__ = ["Launcher", "Link"]

_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Link:
    """The network of a container, if it has one: its namespace, its address there, and whom to ask for names."""

    descriptor: int | None = None
    address: str | None = None
    resolvers: str = ""


class Launcher:
    """Makes containers, and looks into those that have ended. Every method is for the chamber.

    ``runtime`` is the command with its options, ``program`` a descriptor of it if it is in memory, ``init_layer`` the
    directory on top of each image, ``seccomp`` the program that filters system calls.
    """

    def __init__(
        self,
        chamber: Chamber,
        cgroups: Cgroups,
        volumes: Volumes,
        *,
        runtime: Sequence[str],
        program: int | None,
        init_layer: Path,
        seccomp: str,
        boot: str,
    ) -> None:
        self._chamber = chamber
        self._cgroups = cgroups
        self._volumes = volumes
        self._runtime = tuple(runtime)
        self._program = program
        self._init_layer = init_layer
        self._seccomp = seccomp
        self._boot = boot

    def launch(self, directory: AttemptDirectory, run: ContainerRun, image: Image, link: Link) -> tuple[Note, int]:
        """Make and start it; returns the id of the waiter. Raises ``StartRefused`` and ``OSError``."""
        if not command_of(run, image.config):
            raise StartRefused("no command: neither the step nor the image names one")
        binds, fresh = self._binds(directory.path, run)
        note = Note(
            boot=self._boot,
            started_at=time.time_ns() // 1000,
            digest=image.digest,
            lowers=(str(self._init_layer), *map(str, image.layers)),
            binds=tuple((bind.source, bind.target) for bind in binds),
            workspace=_stack_of(run.workspace),
            address=link.address,
        )
        directory.make(note)
        hostname = hashlib.blake2b(directory.name.encode(), digest_size=6).hexdigest()
        _write_names(directory.path / "u", hostname, link)
        with self._chamber.fresh_mounts():
            root = directory.path / "r"
            mount_overlay(root, note.lowers, upper=str(directory.path / "u"), work=str(directory.path / "w"))
            self._mount_sources(directory.path, run)
            self._fill(directory.path, run, note, fresh)
            spec = runtime_spec(
                run,
                image.config,
                user=_user_of(run, image, root),
                root=str(root),
                hostname=hostname,
                binds=binds,
                limits=self._cgroups.limits(directory.name),
                seccomp=self._seccomp,
            )
            (directory.path / "config.json").write_bytes(orjson.dumps(spec))
            with self._chamber.network(link.descriptor):
                waiter = spawn_waiter(directory.path, directory.name, self._runtime, self._program)
        return note, waiter

    def read_outputs(self, directory: AttemptDirectory, note: Note, run: ContainerRun) -> dict[str, OutputFile]:
        """Read the declared outputs of a container that has ended, as it saw them."""
        found = {}
        with self._chamber.fresh_mounts():
            root = directory.path / "r"
            mount_overlay(root, (str(directory.path / "u"), *note.lowers))
            if note.workspace:
                mount_overlay(directory.path / "x", note.workspace)
            with suppress(StartRefused):  # what is gone since was an output of nobody
                self._mount_sources(directory.path, run)
            mount_view(root, note.binds)
            for name, path in run.output_paths.items():
                file = read_output(root, path)
                if file is not None:
                    found[name] = file
        return found

    def forget(self, name: str) -> None:
        """Have the runtime end a container that it knows, and delete what it keeps of it."""
        subprocess.run(  # noqa: S603 - the runtime that was found on this machine
            [*self._runtime, "delete", "--force", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            timeout=_SECONDS,
            check=False,
        )

    def _binds(self, place: Path, run: ContainerRun) -> tuple[list[Bind], dict[str, Path]]:
        """Say what is mounted where, and which volumes are new."""
        binds, fresh = [], {}
        if run.workspace is not None:
            binds.append(Bind(str(place / "x"), run.workspace.target, read_only=False))
        for number, given in enumerate(run.mounts):
            if isinstance(given, HostMount):
                binds.append(Bind(str(place / f"b{number}"), given.target, given.read_only))
                continue
            volume, new = self._volumes.provide(given.name)
            if new:
                fresh[given.target] = volume
            binds.append(Bind(str(volume), given.target, given.read_only))
        return binds, fresh

    def _mount_sources(self, place: Path, run: ContainerRun) -> None:
        for number, given in enumerate(run.mounts):
            if isinstance(given, HostMount):
                try:
                    bind_source(given.source, place / f"b{number}")
                except OSError as error:
                    raise StartRefused(f"{given.source} cannot be mounted: {error.strerror}") from error

    def _fill(self, place: Path, run: ContainerRun, note: Note, fresh: dict[str, Path]) -> None:
        """Mount the workspace, and put in what is to be there before the start."""
        root = place / "r"
        if run.workspace is not None:
            (place / "x").mkdir()
            # What a start that came to nothing has left there would keep the kernel from mounting it.
            shutil.rmtree(Path(run.workspace.work) / "work", ignore_errors=True)
            mount_overlay(place / "x", run.workspace.lowers, upper=run.workspace.upper, work=run.workspace.work)
        for target, volume in fresh.items():
            copy_up(root, target, volume)
        if not run.files:
            return
        for (target,) in {bind[1:] for bind in note.binds}:
            make_directory(root, target)
        with self._chamber.fresh_mounts():
            mount_view(root, note.binds)
            put_files(root, run.files)


def _stack_of(workspace: Workspace | None) -> tuple[str, ...]:
    return () if workspace is None else (workspace.upper, *workspace.lowers)


def _user_of(run: ContainerRun, image: Image, root: Path) -> User:
    text = run.user if run.user is not None else image.config.user
    return find_user(text, passwd=read_text(root, "/etc/passwd"), group=read_text(root, "/etc/group"))


def _write_names(upper: Path, hostname: str, link: Link) -> None:
    """Put into the container's own layer what it is called, whom to ask for names, and where its outputs go."""
    etc, own = upper / "etc", upper / "aiop"
    etc.mkdir()
    own.mkdir()
    own.chmod(0o777)
    texts = {
        "hosts": f"{_HOSTS}{link.address or '127.0.1.1'}\t{hostname}\n",
        "hostname": f"{hostname}\n",
        "resolv.conf": link.resolvers,
    }
    for name, text in texts.items():
        path = etc / name
        path.write_text(text)
        path.chmod(0o644)
    etc.chmod(0o755)
