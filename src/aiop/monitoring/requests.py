"""Counts the requests that this process has answered."""

from __future__ import annotations

from prometheus_client import Histogram
from prometheus_client.metrics_core import Metric as Family

from aiop.monitoring.catalogue import HTTP
from aiop.monitoring.exposition import without_creation_times

__all__ = ["RequestFigures"]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"
OTHER_METHOD = "other"
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


class RequestFigures:
    """Kept in memory, by the template of the route, so that ids in paths make no series."""

    def __init__(self) -> None:
        self._durations = Histogram(HTTP.name, HTTP.help, HTTP.labels, registry=None, buckets=BOUNDS)

    def answered(self, *, route: str | None, method: str, status: int, seconds: float) -> None:
        """Note an answer that has begun ``seconds`` after its request; ``route`` is ``None`` for an unknown path."""
        labels = (route or NO_ROUTE, method if method in _METHODS else OTHER_METHOD, f"{status // 100}xx")
        self._durations.labels(*labels).observe(seconds)

    def family(self) -> Family:
        """Return them for an exposition."""
        [family] = self._durations.collect()
        return without_creation_times(family)
