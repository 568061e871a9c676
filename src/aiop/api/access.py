"""Who may call a route: a dependency for each role."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from aiop.api.services import services_of
from aiop.auth import Principal
from aiop.errors import Unauthenticated
from aiop.interfaces import identified
from aiop.model.records import Role

__all__ = ["BEARER", "Admin", "Editor", "MetricsReader", "Viewer"]

BEARER = "bearer"


class _Needs(SecurityBase):
    """Lets through who shows a token of at least this role."""

    def __init__(self, role: Role) -> None:
        self.model = HTTPBearer(description="An access token or an API token")
        self.scheme_name = BEARER
        self._role = role

    async def __call__(self, request: Request) -> Principal | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Authentication is required")
        principal = await services_of(request).auth.authenticate(token.strip())
        identified(principal.username, token=principal.token, token_id=principal.token_id)
        principal.require(self._role)
        return principal


class _NeedsUnlessOpen(_Needs):
    """The same, unless the metrics are open to all."""

    async def __call__(self, request: Request) -> Principal | None:
        return None if services_of(request).open_metrics else await super().__call__(request)


Viewer = Annotated[Principal, Depends(_Needs(Role.VIEWER))]
Editor = Annotated[Principal, Depends(_Needs(Role.EDITOR))]
Admin = Annotated[Principal, Depends(_Needs(Role.ADMIN))]
MetricsReader = Annotated[Principal | None, Depends(_NeedsUnlessOpen(Role.VIEWER))]
