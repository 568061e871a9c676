"""Typed Python client of the service, blocking (``Client``) and for asyncio (``AsyncClient``).

with Client("http://127.0.0.1:8000", token=token) as client:
    execution = client.run_and_wait(workflow.id, {"name": "world"})
"""

from aiop.client.client import AsyncClient, Client
from aiop.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidState,
    NotFound,
    ServiceError,
    ServiceUnreachable,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    WaitTimeout,
)
from aiop.client.results.access import ApiToken, AuditEntry, NewApiToken, Secret, User
from aiop.client.results.definitions import (
    Pipeline,
    PipelineSubmission,
    Source,
    Submission,
    Validation,
    Version,
    Workflow,
)
from aiop.client.results.executions import Artifact, CacheState, Event, Execution, LogLine, StepState, Waiting
from aiop.client.results.result import Page
from aiop.client.results.service import (
    Agent,
    EngineOfAgent,
    EngineState,
    Image,
    ImagesImported,
    ImagesPruned,
    ServiceStatus,
)
from aiop.client.retry import Retry
from aiop.client.session import Tokens, TokenStore

__all__ = [
    "Agent",
    "ApiError",
    "ApiToken",
    "Artifact",
    "AsyncClient",
    "AuditEntry",
    "CacheState",
    "Client",
    "ClientError",
    "Conflict",
    "EngineOfAgent",
    "EngineState",
    "Event",
    "Execution",
    "Forbidden",
    "Image",
    "ImagesImported",
    "ImagesPruned",
    "InvalidRequest",
    "InvalidState",
    "LogLine",
    "NewApiToken",
    "NotFound",
    "Page",
    "Pipeline",
    "PipelineSubmission",
    "Retry",
    "Secret",
    "ServiceError",
    "ServiceStatus",
    "ServiceUnreachable",
    "Source",
    "StepState",
    "Submission",
    "TokenStore",
    "Tokens",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "User",
    "Validation",
    "Version",
    "WaitTimeout",
    "Waiting",
    "Workflow",
]
