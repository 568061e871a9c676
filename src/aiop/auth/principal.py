"""The caller, once he is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aiop.errors import Forbidden
from aiop.model.ids import TokenId
from aiop.model.records import Role

__all__ = ["Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, with the role that holds for this call: a token may carry less than its user has.

    ``token`` and ``token_id`` are those of an API token, which ends at ``token_ends``; without one he is signed in.
    """

    username: str
    role: Role
    token: str | None = None
    token_id: TokenId | None = None
    token_ends: datetime | None = None

    def require(self, role: Role) -> None:
        """Raise ``Forbidden`` if the role is lower than ``role``."""
        if self.role.rank < role.rank:
            raise Forbidden(f"This needs the role {role}; yours is {self.role}")
