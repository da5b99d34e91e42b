"""Alembic's entry. It runs on the connection that `schema.migrate` hands over: there is no alembic.ini."""

from alembic import context

from etl.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
