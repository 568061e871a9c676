"""Who calls, and what he may do: passwords, access tokens, API tokens, users, and the vault for secrets at rest."""

from aiop.auth.access import AccessTokens
from aiop.auth.admin import ensure_admin
from aiop.auth.authentication import AuthService
from aiop.auth.passwords import Passwords
from aiop.auth.principal import Principal
from aiop.auth.sessions import Session
from aiop.auth.throttle import Throttle
from aiop.auth.vault import FernetVault

__all__ = [
    "AccessTokens",
    "AuthService",
    "FernetVault",
    "Passwords",
    "Principal",
    "Session",
    "Throttle",
    "ensure_admin",
]
