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
from aiop.client.results import (
    ApiToken,
    EngineState,
    Event,
    Execution,
    LogLine,
    NewApiToken,
    Page,
    Secret,
    ServiceStatus,
    StepState,
    Submission,
    User,
    Validation,
    Waiting,
    Workflow,
)
from aiop.client.retry import Retry
from aiop.client.session import Tokens, TokenStore

__all__ = [
    "ApiError",
    "ApiToken",
    "AsyncClient",
    "Client",
    "ClientError",
    "Conflict",
    "EngineState",
    "Event",
    "Execution",
    "Forbidden",
    "InvalidRequest",
    "InvalidState",
    "LogLine",
    "NewApiToken",
    "NotFound",
    "Page",
    "Retry",
    "Secret",
    "ServiceError",
    "ServiceStatus",
    "ServiceUnreachable",
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
    "WaitTimeout",
    "Waiting",
    "Workflow",
]
