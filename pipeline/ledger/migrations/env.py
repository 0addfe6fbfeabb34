"""Alembic's entry point: run the migrations in the transaction that `upgrade` opened."""

from alembic import context

from pipeline.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
