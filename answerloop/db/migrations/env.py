"""Alembic's entry: runs on the connection that `Database.migrate` hands over."""

from alembic import context

from answerloop.db import audit_tables, training_tables  # noqa: F401 - their tables are part of the metadata
from answerloop.db.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    user_module_prefix="tables.",
)
with context.begin_transaction():
    context.run_migrations()
