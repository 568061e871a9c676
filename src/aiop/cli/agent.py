"""``aiop agent``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiop.cli import completion
from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, Yes
from aiop.model.agent import AgentStatus, EngineType

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aiop.client import Agent

__all__ = ["app"]

app = typer.Typer(
    name="agent", help="Places where containers run; admins change them.", no_args_is_help=True, rich_markup_mode=None
)

Reference = Annotated[
    str, typer.Argument(metavar="AGENT", help="Its id, or its name.", autocompletion=completion.agents)
]
Description = Annotated[str | None, typer.Option(help="What it is.")]
Capability = Annotated[
    list[str] | None,
    typer.Option(
        "--capability",
        "-c",
        metavar="WORD",
        help="What it can do, once for each; containerized_workflow and dagger_pipeline if none is given.",
        autocompletion=completion.capabilities,
    ),
]
Most = Annotated[int | None, typer.Option("--max-executions", min=1, metavar="N", help="Executions at once.")]
Registry = Annotated[str | None, typer.Option(metavar="HOST", help="Registry for images that name none.")]
Directory = Annotated[
    str | None, typer.Option("--workflow-directory", metavar="PATH", help="Where relative volume sources begin.")
]
Timeout = Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="For an execution as a whole.")]
Engine = Annotated[EngineType | None, typer.Option("--engine", help="Type of its engine; docker with --endpoint.")]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="unix:///run/docker.sock or tcp://host:2376; else the service's own."),
]
Tls = Annotated[
    Path | None,
    typer.Option("--tls", metavar="DIR", help="Directory with ca.pem, cert.pem and key.pem for the engine."),
]

Kubeconfig = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Kubeconfig of a cluster, with all data in it; else the service's own."),
]
Namespace = Annotated[str | None, typer.Option(metavar="NAME", help="Namespace of a cluster that its pods are in.")]


@app.command(
    "create",
    epilog=examples(
        "aiop agent create here --max-executions 4",
        "aiop agent create builder --endpoint tcp://builder:2376 --tls ~/.docker",
        "aiop agent create gpu -c containerized_workflow -c gpu",
        "aiop agent create cluster --kubeconfig cluster.yaml --namespace steps",
    ),
)
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    description: Description = None,
    capability: Capability = None,
    max_executions: Most = None,
    registry: Registry = None,
    workflow_directory: Directory = None,
    timeout: Timeout = None,
    engine: Engine = None,
    endpoint: Endpoint = None,
    tls: Tls = None,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Register an agent."""
    settings = _given(
        name=name,
        description=description,
        capabilities=capability or None,
        max_concurrent_executions=max_executions,
        container_registry=registry,
        workflow_directory=workflow_directory,
        timeout_seconds=timeout,
        engine=_engine(engine, endpoint, tls, kubeconfig, namespace),
    )
    with connect(server) as client:
        made = client.agents.create(settings)
    _show(output, made, f"Agent {made.name} is {made.status}{f': {made.error}' if made.error else ''}.")


@app.command(
    "list",
    epilog=examples(
        "aiop agent list",
        "aiop agent list --status offline",
        "aiop agent list --capability gpu -o name",
    ),
)
def list_agents(
    status: Annotated[AgentStatus | None, typer.Option(help="Only those with this status.")] = None,
    capability: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="Only those that can do this.", autocompletion=completion.capabilities),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only those with this in their name.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List agents with their load."""
    from aiop.cli.output import show, status_text, table

    with connect(server) as client:
        page = client.agents.list(
            status=status, capability=capability, name=name, limit=limit, offset=offset, sort=sort
        )
    rows = [
        (
            item.id,
            item.name,
            status_text(item.status),
            f"{item.current_load}/{item.max_load}",
            " ".join(item.capabilities),
            item.error or "",
        )
        for item in page.items
    ]
    columns = ("ID", "NAME", "STATUS", "LOAD", "CAPABILITIES", "ERROR")
    show(
        output,
        page.raw,
        names=[item.id for item in page.items],
        people=lambda: table(columns, rows, flexible=("NAME", "CAPABILITIES", "ERROR")),
    )


@app.command(
    "show",
    epilog=examples(
        "aiop agent show local",
        "aiop agent show builder -o json",
    ),
)
def show_agent(agent: Reference, output: Output = Format.TABLE, server: Server = None) -> None:
    """Show an agent with its engine."""
    from aiop.cli.finding import agent_id
    from aiop.cli.output import show

    with connect(server) as client:
        found = client.agents.get(agent_id(client, agent))
    show(output, found.raw, names=[found.id], people=lambda: _page(found))


@app.command(
    "update",
    epilog=examples(
        "aiop agent update builder --max-executions 8",
        "aiop agent update builder --endpoint tcp://new:2376 --tls ~/.docker",
    ),
)
def update(
    agent: Reference,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    description: Description = None,
    capability: Capability = None,
    max_executions: Most = None,
    registry: Registry = None,
    workflow_directory: Directory = None,
    timeout: Timeout = None,
    engine: Engine = None,
    endpoint: Endpoint = None,
    tls: Tls = None,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Change an agent; what is not given stays as it is. An engine is replaced whole, with type and all.

    Its certificates or its kubeconfig stay as long as type and endpoint do.
    """
    from aiop.cli.finding import agent_id

    settings = _given(
        name=name,
        description=description,
        capabilities=capability or None,
        max_concurrent_executions=max_executions,
        container_registry=registry,
        workflow_directory=workflow_directory,
        timeout_seconds=timeout,
        engine=_engine(engine, endpoint, tls, kubeconfig, namespace),
    )
    if not settings:
        raise typer.BadParameter("say what to change")
    with connect(server) as client:
        changed = client.agents.update(agent_id(client, agent), settings)
    _show(output, changed, f"Changed agent {changed.name}.")


@app.command(
    "delete",
    epilog=examples(
        "aiop agent delete builder",
        "aiop agent delete builder --force --yes  # its executions fail",
    ),
)
def delete(
    agent: Reference,
    force: Annotated[bool, typer.Option("--force", help="Also with executions on it, which fail.")] = False,
    yes: Yes = False,
    server: Server = None,
) -> None:
    """Delete an agent."""
    from aiop.cli.finding import agent_id

    confirm(f"Delete agent {agent}{' and fail its executions' if force else ''}?", yes=yes)
    with connect(server) as client:
        client.agents.delete(agent_id(client, agent), force=force)
    print(f"Deleted agent {agent}.")


def _given(**settings: Any) -> dict[str, Any]:
    """Keep the settings that were given."""
    return {field: value for field, value in settings.items() if value is not None}


def _engine(
    kind: EngineType | None, endpoint: str | None, tls: Path | None, kubeconfig: Path | None, namespace: str | None
) -> dict[str, Any] | None:
    """Describe the engine; ``None`` if nothing is said of it."""
    if not (kind or endpoint or tls or kubeconfig or namespace):
        return None
    default = EngineType.KUBERNETES if kubeconfig or namespace else EngineType.DOCKER
    more = _given(
        tls=_certificates(tls) if tls else None,
        kubeconfig=_text(kubeconfig) if kubeconfig else None,
        pods={"namespace": namespace} if namespace else None,
    )
    return {"type": kind or default, "endpoint": endpoint, **more}


def _certificates(directory: Path) -> dict[str, str]:
    """Read what the Docker command line reads from such a directory."""
    try:
        names = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
        return {field: (directory / name).read_text() for field, name in names.items()}
    except (OSError, UnicodeDecodeError) as error:
        hint = "The directory must hold ca.pem, cert.pem and key.pem, as for `docker --tlsverify`."
        raise Failure(Exit.USAGE, f"cannot read the certificates in {directory}: {error}", hint=hint) from error


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        hint = "`kubectl config view --raw --flatten --minify` writes one."
        raise Failure(Exit.USAGE, f"cannot read the kubeconfig {file}: {error}", hint=hint) from error


def _page(agent: Agent) -> RenderableType:
    from aiop.cli.output import fields, status_text
    from aiop.cli.text import local

    engine = agent.engine
    where = None
    if engine is not None:
        place = engine.endpoint or (engine.pods or {}).get("namespace") or "where it is found by default"
        where = " ".join(filter(None, (engine.type, engine.version, "at", place, "(TLS)" if engine.tls else None)))
    page: RenderableType = fields(
        [
            ("Name", agent.name),
            ("Id", agent.id),
            ("Description", agent.description),
            ("Status", status_text(agent.status)),
            ("Error", agent.error),
            ("Load", f"{agent.current_load} of {agent.max_load}"),
            ("Capabilities", " ".join(agent.capabilities)),
            ("Engine", where),
            ("Lacks", None if engine is None else " ".join(engine.lacks)),
            ("Last seen", local(agent.last_seen_at)),
            ("Registry", agent.container_registry),
            ("Directory", agent.workflow_directory),
            ("Timeout", None if agent.timeout_seconds is None else f"{agent.timeout_seconds:g} s"),
        ]
    )
    return page


def _show(output: Format, agent: Agent, sentence: str) -> None:
    from aiop.cli.output import show

    show(output, agent.raw, names=[agent.id], people=lambda: sentence)
