"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
needs = ${repr(up_revision)}  # the oldest revision whose code works on this one: an earlier one if this only adds


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
