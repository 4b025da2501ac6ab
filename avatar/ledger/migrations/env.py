"""Run by Alembic, on the connection that `history` hands over."""

from __future__ import annotations

from alembic import context

from avatar.ledger.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite can not change a column in place
)
with context.begin_transaction():
    context.run_migrations()
