"""Schema 4: what the later life of certificates needs: keys given up, deleting, how to renew."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Keys that somebody else may know: no certificate is asked for with one of them again.
    """
    CREATE TABLE blocked_key (
        spki_sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(spki_sha256) = 64),
        blocked_at TEXT NOT NULL CHECK (length(blocked_at) = 27),
        -- The certificate it was given up for, as it was called then.
        certificate TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    *(
        f"CREATE TRIGGER blocked_key_refuses_{verb} BEFORE {verb.upper()} ON blocked_key "
        "BEGIN SELECT RAISE(ABORT, 'blocked_key is insert-only'); END"
        for verb in ("update", "delete")
    ),
    # When the keys of a deleted certificate were destroyed; its public history stays.
    "ALTER TABLE certificate ADD COLUMN purged_at TEXT CHECK (length(purged_at) = 27)",
    "ALTER TABLE certificate ADD COLUMN reuse_key INTEGER NOT NULL DEFAULT 0 "
    "CHECK (reuse_key IN (0, 1))",
    # The chain to prefer, by the issuer of its last certificate.
    "ALTER TABLE certificate ADD COLUMN preferred_chain TEXT",
    # Whether a CA that does not offer the profile any more may issue without it.
    "ALTER TABLE certificate ADD COLUMN profile_required INTEGER NOT NULL DEFAULT 1 "
    "CHECK (profile_required IN (0, 1))",
    # Where whoever acted came from; lines without it keep the hash they have.
    "ALTER TABLE activity ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
)


def upgrade() -> None:
    """Add the columns and the table; the caller holds the transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
