"""``client.monitoring``: how the service is."""

from __future__ import annotations

from aiop.client.effects import Flow, Request
from aiop.client.operation import D, Resource, operation
from aiop.client.results.service import ServiceStatus

__all__ = ["Monitoring"]


class Monitoring(Resource[D]):
    """The service's figures of itself."""

    @operation
    def status(self) -> Flow[ServiceStatus]:
        """Read how the service and its engines are."""
        return self._calls.ask(Request("GET", "/monitoring/dagger/status"), ServiceStatus)

    @operation
    def metrics(self) -> Flow[str]:
        """Read all metrics, as Prometheus text."""
        reply = yield from self._calls.send(Request("GET", "/monitoring/dagger/metrics"))
        return reply.body.decode()
