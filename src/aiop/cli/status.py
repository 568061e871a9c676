"""``aiop status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit
from aiop.cli.options import Format, Output, Server

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aiop.client import ServiceStatus

__all__ = ["EXAMPLES", "status"]

EXAMPLES = examples("aiop status", "aiop status -o json | jq .engines", "aiop status -o name  # healthy, degraded, ...")


def status(output: Output = Format.TABLE, server: Server = None) -> int:
    """Print how the service and its engines are; ends with 5 if it is unhealthy."""
    from aiop.cli.output import put, show

    with connect(server) as client:
        found = client.monitoring.status()
    if output is Format.TABLE:
        put(*_parts(found))
    else:
        show(output, found.raw, names=[found.status], people=str)
    return Exit.UNREACHABLE if found.status == "unhealthy" else Exit.OK


def _parts(found: ServiceStatus) -> list[RenderableType]:
    from aiop.cli.output import fields, table

    figures = (
        ("Status", found.status),
        ("Version", found.version),
        ("Executions", f"{found.active_workflows} running"),
        ("Steps", f"{found.active_steps} running"),
        ("Memory", f"{found.memory_usage_mb:.0f} MB"),
        ("CPU", f"{found.cpu_usage_percent:.1f} %"),
    )
    engines = [
        (engine.agent, engine.type, engine.version or "", engine.status, engine.error or "") for engine in found.engines
    ]
    headings = ("AGENT", "ENGINE", "VERSION", "STATUS", "ERROR")
    return [fields(figures), "", table(headings, engines, flexible=("ERROR",))]
