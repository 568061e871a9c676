"""Runs the migrations on the connection that ``aiop.store.upgrade`` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from aiop.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
