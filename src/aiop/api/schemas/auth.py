"""Sessions, API tokens and users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiop.auth.users import PASSWORD_MAX, PASSWORD_MIN, USERNAME_PATTERN
from aiop.model.records import Role
from aiop.spec.schema import Whole

__all__ = [
    "ApiToken",
    "ApiTokenList",
    "ApiTokenRequest",
    "BrowserSession",
    "LoginForm",
    "Me",
    "NewApiToken",
    "RefreshRequest",
    "Session",
    "User",
    "UserChange",
    "UserList",
    "UserRequest",
]

_CENTURY = 100 * 366 * 86400

Username = Annotated[str, Field(pattern=USERNAME_PATTERN)]
Password = Annotated[str, Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginForm(_Request):
    """The password grant of OAuth 2 (RFC 6749, 4.3.2); scopes and clients mean nothing here."""

    username: Annotated[str, Field(min_length=1, max_length=1024)]
    password: str = Field(min_length=1, max_length=PASSWORD_MAX, repr=False)
    grant_type: Literal["password"] = "password"
    scope: str = ""
    client_id: str = ""
    client_secret: str = Field("", repr=False)


class RefreshRequest(_Request):
    """The refresh token of the answer before; it serves once."""

    refresh_token: str = Field(strict=True, min_length=1, max_length=1024, repr=False)


class Session(_Answer):
    """Tokens: the access token goes into `Authorization: Bearer`."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Life of the access token in seconds")
    refresh_token: str


class BrowserSession(_Answer):
    """A session whose refresh token is in a cookie that no script can read."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Life of the access token in seconds")
    username: str
    role: Role


class Me(_Answer):
    """The caller, with the role that the shown token carries."""

    username: str
    role: Role


class UserRequest(_Request):
    """A new user."""

    username: Username
    password: Password = Field(repr=False)
    role: Role


class UserChange(_Request):
    """What to change; the user must sign in again."""

    password: Password | None = Field(None, repr=False)
    role: Role | None = None


class User(_Answer):
    """A user."""

    username: str
    role: Role
    created_at: datetime
    updated_at: datetime | None


class UserList(_Answer):
    """A page of users."""

    users: list[User]
    total: int
    limit: int
    offset: int


class ApiTokenRequest(_Request):
    """A new API token."""

    name: Annotated[str, Field(strict=True, min_length=1, max_length=255)]
    role: Role | None = Field(None, description="At most the caller's, which it is if none is given")
    expires_in: Annotated[int, Field(strict=True, ge=1, le=_CENTURY), Whole] | None = Field(
        None, description="Life in seconds; without it the token holds until it is revoked"
    )


class ApiToken(_Answer):
    """An API token, without its text."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewApiToken(ApiToken):
    """A new API token; `token` is shown this once."""

    token: str


class ApiTokenList(_Answer):
    """A page of the caller's API tokens."""

    tokens: list[ApiToken]
    total: int
    limit: int
    offset: int
