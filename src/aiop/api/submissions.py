"""From the body of an ``execute`` to what is submitted; the same for workflows and pipelines."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from aiop.api.schemas.executions import ExecutionFields
from aiop.model.trace import TraceContext
from aiop.operations import RegistryLogin, Submission

__all__ = ["IdempotencyKey", "submission_of"]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Makes a repeated request return the first answer instead of executing again",
    ),
]


def submission_of(body: ExecutionFields, trace: TraceContext | None) -> Submission:
    """Take over what the body says."""
    login = body.container_credentials
    return Submission(
        inputs=body.inputs,
        defaults=body.workflow_defaults.inputs if body.workflow_defaults else {},
        registry=body.container_registry,
        login=RegistryLogin(login.username, login.password) if login else None,
        requires=body.requires,
        ignore_unsupported=body.ignore_unsupported,
        trace=trace,
    )
