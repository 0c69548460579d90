"""Alembic revisions, named by the schema version they lead to."""
