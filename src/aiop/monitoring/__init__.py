"""What the service tells of itself: its status, its metrics, and traces of what it has run."""

from aiop.monitoring.catalogue import CATALOGUE, Metric
from aiop.monitoring.exposition import CONTENT_TYPE as METRICS_TYPE
from aiop.monitoring.monitoring import Monitoring
from aiop.monitoring.otlp import OtlpSender
from aiop.monitoring.process import ProcessMeter
from aiop.monitoring.requests import RequestFigures
from aiop.monitoring.status import EngineState, Health, ServiceStatus
from aiop.monitoring.tracing import Tracing

__all__ = [
    "CATALOGUE",
    "METRICS_TYPE",
    "EngineState",
    "Health",
    "Metric",
    "Monitoring",
    "OtlpSender",
    "ProcessMeter",
    "RequestFigures",
    "ServiceStatus",
    "Tracing",
]
