"""``aiop image``."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from aiop.cli import completion
from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, Yes
from aiop.cli.run import credentials_of

__all__ = ["app"]

app = typer.Typer(name="image", help="Images of the embedded engine.", no_args_is_help=True, rich_markup_mode=None)

_DIGEST = len("sha256:") + 12


@app.command("list", epilog=examples("aiop image list", "aiop image list --name busybox --sort size:desc"))
def list_images(
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List the images that are there, the one used last first."""
    from rich.filesize import decimal

    from aiop.cli.output import show, table
    from aiop.cli.text import age, now

    with connect(server) as client:
        page = client.images.list(name=name, limit=limit, offset=offset, sort=sort)
    at = now()
    rows = [
        (
            _called(item.names),
            item.digest[:_DIGEST],
            decimal(item.size),
            age(item.used_at, at),
            f"{item.holders} steps" if item.holders else "imported" if item.imported else "",
        )
        for item in page.items
    ]
    show(
        output,
        page.raw,
        names=[item.digest for item in page.items],
        people=lambda: table(("NAME", "DIGEST", "SIZE", "USED", "KEPT FOR"), rows, flexible=("NAME",)),
    )


@app.command(
    epilog=examples(
        "aiop image pull python:3.12-slim",
        "aiop image pull registry.example/tool:1 --registry-username ci",
    )
)
def pull(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="As in a step.", autocompletion=completion.images)],
    registry_username: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who to be there; the password is AIOP_REGISTRY_PASSWORD.")
    ] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Get what an image's name stands for at its registry now, so that no step waits for it."""
    from aiop.cli.output import show

    credentials = credentials_of(registry_username) or {}
    with connect(server) as client:
        found = client.images.pull(image, **credentials)
    show(output, found.raw, names=[found.digest], people=lambda: f"{image} is {found.digest}.")


@app.command(
    "import",
    epilog=examples(
        "docker save tool:1 -o tool.tar && aiop image import tool.tar",
        "aiop image import tool:1 --docker",
        "aiop image import ./rootfs busybox:1 --cmd sh --env LANG=C.UTF-8",
        "aiop image import rootfs.tar.zst busybox:1 --root --cmd sh",
    ),
)
def import_image(
    what: Annotated[str, typer.Argument(metavar="ARCHIVE|DIR|IMAGE", help="What is to be imported.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="How the image is to be called.")] = None,
    docker: Annotated[
        bool, typer.Option("--docker", help="Take IMAGE from the Docker Engine of the service's machine.")
    ] = False,
    root: Annotated[bool, typer.Option("--root", help="ARCHIVE is a root file system, as a DIR is.")] = False,
    entrypoint: Annotated[list[str] | None, typer.Option(metavar="WORD", help="Repeat it for each word.")] = None,
    cmd: Annotated[list[str] | None, typer.Option(metavar="WORD", help="Repeat it for each word.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Repeat it for each one.")] = None,
    user: Annotated[str | None, typer.Option(help="Who steps are unless they say.")] = None,
    working_dir: Annotated[str | None, typer.Option(metavar="PATH", help="Where steps are unless they say.")] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Import images from an archive (docker save, OCI), from Docker, or make one of a root file system."""
    from aiop.cli.output import show

    given = {"entrypoint": entrypoint, "cmd": cmd, "env": env, "user": user, "working_dir": working_dir}
    config = {field: value for field, value in given.items() if value}
    source = Path(what)
    root = root or source.is_dir()
    _check(what, name, docker=docker, root=root, config=config)
    with connect(server) as client:
        if docker:
            found = client.images.take_from_docker(what)
            images, raw = [found], found.raw
        else:
            with _archive(source) as archive, _transfer(what, archive) as told:
                imported = client.images.import_archive(archive, name, root=root, config=config or None, progress=told)
            images, raw = list(imported.images), imported.raw
    show(
        output,
        raw,
        names=[image.digest for image in images],
        people=lambda: "\n".join(f"Imported {_called(image.names)} ({image.digest})." for image in images),
    )


@app.command(epilog=examples("aiop image prune", "aiop image prune --all --imported --yes"))
def prune(
    everything: Annotated[
        bool, typer.Option("--all", help="All that no step uses; else what is beyond the service's limit.")
    ] = False,
    imported: Annotated[
        bool, typer.Option("--imported", help="Also what was imported, and cannot be pulled again.")
    ] = False,
    yes: Yes = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Remove images that no step uses, those used least recently first."""
    from rich.filesize import decimal

    from aiop.cli.output import show

    if everything or imported:
        which = "all images" if everything else "images"
        confirm(f"Remove {which} that no step uses{', imported ones too' if imported else ''}?", yes=yes)
    with connect(server) as client:
        pruned = client.images.prune(keep_bytes=0 if everything else None, imported=imported)
    show(
        output,
        pruned.raw,
        names=[],
        people=lambda: f"Removed {pruned.images} images; {decimal(pruned.size)} are free.",
    )


def _called(names: Any) -> str:
    """Name an image by its tags; by a digest only if it has none."""
    return ", ".join([name for name in names if "@" not in name] or names)


def _check(what: str, name: str | None, *, docker: bool, root: bool, config: dict[str, Any]) -> None:
    if docker and (name is not None or config or root):
        raise Failure(Exit.USAGE, "an image of Docker keeps its name and its configuration", hint="Name it alone.")
    if root and name is None:
        raise Failure(Exit.USAGE, "a root file system has no name", hint=f"Give it one: aiop image import {what} NAME.")
    if config and not root:
        raise Failure(Exit.USAGE, "an image has a configuration of its own", hint="For a root file system say --root.")
    if not docker and not Path(what).exists():
        hint = "To get it from a registry: aiop image pull; from Docker: aiop image import --docker."
        raise Failure(Exit.USAGE, f"there is no file or directory {what}", hint=hint)


@contextmanager
def _archive(source: Path) -> Iterator[Path]:
    """Give the archive itself, or one of a directory for as long as the context is open."""
    if not source.is_dir():
        yield source
        return
    from aiop.cli.transfer import transfer

    with tempfile.TemporaryDirectory(prefix="aiop-") as place:
        archive = Path(place) / "root.tar.gz"
        try:
            with transfer(f"Packing {source}", None) as told, tarfile.open(archive, "w:gz", compresslevel=1) as tar:
                tar.add(source, ".", filter=_owned(lambda: told(tar.offset)))
        except OSError as error:
            raise Failure(Exit.USAGE, f"cannot pack {source}: {error}", hint="Make it readable.") from error
        yield archive


def _owned(tell: Callable[[], None]) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    """Keep owners as they are for root; whoever else packs owns it all, which in the image is root's."""
    mine = os.geteuid() != 0

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        tell()
        if mine:
            member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    return owned


@contextmanager
def _transfer(what: str, archive: Path) -> Iterator[Callable[[int], None]]:
    from aiop.cli.transfer import transfer

    with transfer(f"Importing {what}", archive.stat().st_size) as told:
        yield told
