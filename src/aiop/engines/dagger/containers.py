"""What a ``ContainerRun`` is in the words of Dagger's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.engines.dagger.images import Image
from aiop.engines.dagger.mounts import mounted
from aiop.engines.dagger.sdk import remembered
from aiop.engines.dagger.session import Session
from aiop.engines.dagger.wrapping import (
    AIOP_OUTPUT,
    DESK,
    MOUNT_POINT,
    STDERR,
    STDOUT,
    Bell,
    is_settable,
    own_variables,
    ring,
    wrap,
)
from aiop.model.run import VOLATILE, ContainerRun

if TYPE_CHECKING:
    from dagger import CacheVolume, Container, Directory

__all__ = ["base_of", "container_of", "desk_of", "exec_in", "ringing"]

_ANY_ONE = 0o777
_ARGUMENT = 32 * 1024
"""Of 128 KiB that Linux takes: a quote in a value becomes five characters, and names come on top."""


async def base_of(session: Session, image: Image) -> Container:
    """Return the image with the directory for what commands leave, which all attempts in it begin with."""
    known = session.bases.get(image.reference)
    if known is None:
        client = session.client
        # Any user may write there.
        empty = client.directory().with_new_directory("aiop", permissions=_ANY_ONE)
        left = empty.with_new_directory("aiop/.left", permissions=_ANY_ONE).directory("aiop")
        base = client.container().from_(image.reference).with_env_variable("AIOP_OUTPUT", AIOP_OUTPUT)
        known = await base.with_mounted_directory(MOUNT_POINT, left).sync()
        session.bases[image.reference] = known
    return known


def container_of(
    session: Session,
    base: Container,
    run: ContainerRun,
    *,
    identity: str,
    whose: str,
    shell: bool,
    scratch: Path,
    workspace: Directory | None,
) -> Container:
    """Describe the container up to its command. ``scratch`` is a directory of ours, for what cannot be said as text.

    ``whose`` names the attempt; with another ``identity``, nothing but this depends on the attempt. With a ``shell`` it
    lacks ``environment_of``.
    """
    made = base
    if workspace is not None and run.workspace is not None:
        made = made.with_mounted_directory(run.workspace.target, workspace)
    for mount in run.mounts:
        made = mounted(session, made, mount)
    for number, (path, content) in enumerate(run.files.items()):
        made = _with_file(
            session,
            made,
            path,
            content,
            secret=f"{identity} {path}" if path in run.secret_files else None,
            place=scratch / f"file{number}",
        )
    own: Mapping[str, str] = {}
    if whose != identity:
        own = {name: value for name, value in run.environment.items() if name in VOLATILE}
        variable, value = own_variables(own, whose=whose)
        made = made.with_secret_variable(variable, session.client.set_secret(f"{identity} {variable}", value))
    by_shell = environment_of(run) if shell else {}
    for variable, value in run.environment.items():
        if variable == "AIOP_OUTPUT" or variable in own or variable in by_shell:
            continue
        if variable in run.secret_environment:
            made = made.with_secret_variable(variable, session.client.set_secret(f"{identity} {variable}", value))
        else:
            made = made.with_env_variable(variable, value)
    if run.working_dir is not None:
        made = made.with_workdir(run.working_dir)
    if run.user is not None:
        made = made.with_user(run.user)
    return made


def environment_of(run: ContainerRun) -> dict[str, str]:
    """Return what the shell sets for the command: each link of a chain of calls costs the SDK a millisecond or two.

    One argument has a largest size; what is longer is told to the engine.
    """
    found = {
        name: value
        for name, value in run.environment.items()
        if name != "AIOP_OUTPUT" and name not in run.secret_environment and is_settable(name)
    }
    return found if sum(len(value.encode()) for value in found.values()) < _ARGUMENT else {}


async def desk_of(session: Session, identity: str) -> CacheVolume:
    """Return the volume by which a command can be told to end."""
    with session.calls():
        return await remembered(session.client.cache_volume(f"aiop desk {identity}"))


def exec_in(
    session: Session, container: Container, image: Image, run: ContainerRun, *, identity: str, desk: CacheVolume | None
) -> Container:
    """Add the command. What ran with an equal ``identity`` may be taken for it, nothing else is."""
    from dagger import ReturnType

    command = image.command(run.command, run.args)
    if desk is not None:
        environment = environment_of(run)
        if identity == run.cache_key:
            environment = {name: value for name, value in environment.items() if name not in VOLATILE}
        command = wrap(command, name=identity, output_paths=run.output_paths, environment=environment)
        container = container.with_mounted_cache(DESK, desk, source=session.empty)
    else:
        # The only place for the name.
        container = container.with_env_variable("AIOP_ATTEMPT_NAME", identity)
    return container.with_exec(list(command), expect=ReturnType.ANY, redirect_stdout=STDOUT, redirect_stderr=STDERR)


def ringing(session: Session, base: Container, bells: Sequence[tuple[CacheVolume, Bell]]) -> Container:
    """Describe what has commands told to end, which were made by ``exec_in`` with these desks."""
    # By a number: the image need not know the name.
    made = base.with_user("0")
    places: dict[str, Bell] = {}
    for number, (desk, bell) in enumerate(bells):
        place = f"{DESK}/{number}"
        made = made.with_mounted_cache(place, desk, source=session.empty)
        places[place] = bell
    return made.with_exec(ring(places))


def _with_file(
    session: Session, container: Container, path: str, content: bytes, *, secret: str | None, place: Path
) -> Container:
    executable = content.startswith(b"#!")
    if secret is not None:
        value = session.client.set_secret(secret, content.decode())
        return container.with_mounted_secret(path, value, mode=0o555 if executable else 0o444)
    mode = 0o755 if executable else 0o644
    try:
        return container.with_new_file(path, content.decode(), permissions=mode)
    except UnicodeDecodeError:
        place.write_bytes(content)
        return container.with_file(path, session.client.host().file(str(place), no_cache=True), permissions=mode)
