"""Who may do what, with which secrets, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from aiop.client.results.result import Json, Result
from aiop.model.records import Role

__all__ = ["ApiToken", "AuditEntry", "NewApiToken", "Secret", "User"]


@dataclass(frozen=True, kw_only=True)
class User(Result):
    """Who signs in, and what they may do."""

    username: str
    role: Role
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ApiToken(Result):
    """A long-lived token, without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewApiToken(ApiToken):
    """A token just made; ``token`` is the secret, which is never shown again."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Secret(Result):
    """A named secret, without its value. ``updated_at`` is when the value was replaced last."""

    name: str
    created_at: datetime
    created_by: str
    description: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Result):
    """One thing that was done. ``action`` is one of ``aiop.model.audit.AuditAction``, or a newer one.

    ``actor`` is ``None`` for the service itself, and for a sign-in that failed; ``token`` is ``None`` for a session.
    """

    id: str
    at: datetime
    action: str
    target_type: str
    target: str | None = None
    actor: str | None = None
    token: str | None = None
    token_id: str | None = None
    request_id: str | None = None
    address: str | None = None
    detail: Json = field(default_factory=dict)
