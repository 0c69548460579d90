"""Schema 2: what outlives a process: waits, predecessors, renewal information, the rate ledger."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # The certificate that the new one replaces, as RFC 9773 section 4.1 names it.
    "ALTER TABLE request ADD COLUMN replaces TEXT",
    # How often in a row the request was set aside: its pauses grow with it.
    "ALTER TABLE request ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE renewal (
        certificate_id TEXT PRIMARY KEY NOT NULL REFERENCES certificate (id) ON DELETE CASCADE,
        version_number INTEGER NOT NULL CHECK (version_number > 0),
        cert_id TEXT,
        source TEXT NOT NULL CHECK (source IN ('ari', 'lifetime')),
        window_start TEXT CHECK (length(window_start) = 27),
        window_end TEXT CHECK (length(window_end) = 27),
        explanation_url TEXT,
        renew_at TEXT CHECK (length(renew_at) = 27),
        checked_at TEXT CHECK (length(checked_at) = 27),
        next_check_at TEXT CHECK (length(next_check_at) = 27),
        failures INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX renewal_by_check ON renewal (next_check_at)",
    """
    CREATE TABLE rate_event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL CHECK (length(at) = 27),
        ca TEXT NOT NULL,
        what TEXT NOT NULL CHECK (what IN ('order', 'certificate', 'failure')),
        per TEXT NOT NULL CHECK (per IN ('account', 'names', 'domain', 'name')),
        scope TEXT NOT NULL,
        request_id TEXT
    ) STRICT
    """,
    "CREATE INDEX rate_event_by_scope ON rate_event (ca, what, per, scope, at)",
    "CREATE INDEX rate_event_by_age ON rate_event (at)",
)


def upgrade() -> None:
    """Add what the engine keeps; the caller holds the transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
