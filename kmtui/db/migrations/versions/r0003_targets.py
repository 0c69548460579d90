"""Schema 3: where versions are put, and every attempt to do so."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE target (
        id TEXT PRIMARY KEY NOT NULL,
        certificate_id TEXT NOT NULL REFERENCES certificate (id) ON DELETE CASCADE,
        name TEXT NOT NULL CHECK (name <> ''),
        server_id TEXT REFERENCES end_server (id),
        directory TEXT NOT NULL,
        layout TEXT NOT NULL CHECK (layout IN ('', 'pair', 'combined', 'versioned')),
        hook TEXT NOT NULL,
        owner TEXT NOT NULL,
        -- The private key is nobody else's: at most read and write for user and group.
        mode INTEGER NOT NULL CHECK ((mode & 432) = mode),
        check_command TEXT NOT NULL,
        reload_command TEXT NOT NULL,
        verify TEXT NOT NULL,
        adopt INTEGER NOT NULL CHECK (adopt IN (0, 1)),
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        state TEXT NOT NULL CHECK (state IN (
            'waiting', 'uploading', 'deployed', 'verified', 'failed', 'stale')),
        wanted_version INTEGER CHECK (wanted_version > 0),
        version INTEGER CHECK (version > 0),
        step TEXT NOT NULL,
        error TEXT NOT NULL,
        hint TEXT NOT NULL,
        failures INTEGER NOT NULL,
        next_attempt_at TEXT CHECK (length(next_attempt_at) = 27),
        deployed_at TEXT CHECK (length(deployed_at) = 27),
        verified_at TEXT CHECK (length(verified_at) = 27),
        started_at TEXT CHECK (length(started_at) = 27),
        trying_version INTEGER CHECK (trying_version > 0),
        staged TEXT NOT NULL,
        former TEXT,
        forced INTEGER NOT NULL CHECK (forced IN (0, 1)),
        worker TEXT,
        attempt INTEGER NOT NULL,
        UNIQUE (certificate_id, name),
        CHECK (
            (server_id IS NOT NULL AND directory <> '' AND layout <> '' AND hook = '')
            OR (server_id IS NULL AND directory = '' AND layout = '' AND hook <> '')
        )
    ) STRICT
    """,
    # Two targets in one place would replace each other's files for ever. A combined file has the
    # target's name, so that several of them may share a directory.
    "CREATE UNIQUE INDEX one_target_per_directory ON target (server_id, directory) "
    "WHERE layout <> 'combined'",
    "CREATE UNIQUE INDEX one_target_per_file ON target (server_id, directory, name) "
    "WHERE layout = 'combined'",
    "CREATE INDEX target_by_server ON target (server_id)",
    "CREATE INDEX target_due ON target (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX target_not_well ON target (certificate_id) WHERE error <> ''",
    """
    CREATE TABLE deployment (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        -- No reference: the history stays when a target is removed.
        target_id TEXT NOT NULL,
        target TEXT NOT NULL,
        certificate_id TEXT NOT NULL REFERENCES certificate (id),
        server TEXT NOT NULL,
        version INTEGER NOT NULL CHECK (version > 0),
        outcome TEXT NOT NULL CHECK (outcome IN (
            'deployed', 'verified', 'stale', 'failed', 'interrupted')),
        started_at TEXT NOT NULL CHECK (length(started_at) = 27),
        ended_at TEXT NOT NULL CHECK (length(ended_at) = 27),
        actor TEXT NOT NULL,
        place TEXT NOT NULL,
        error TEXT NOT NULL,
        hint TEXT NOT NULL,
        next_attempt_at TEXT CHECK (length(next_attempt_at) = 27)
    ) STRICT
    """,
    "CREATE INDEX deployment_by_certificate ON deployment (certificate_id, id)",
    "CREATE INDEX deployment_by_target ON deployment (target_id, id)",
    *(
        f"CREATE TRIGGER deployment_refuses_{verb} BEFORE {verb.upper()} ON deployment "
        "BEGIN SELECT RAISE(ABORT, 'deployment is insert-only'); END"
        for verb in ("update", "delete")
    ),
)


def upgrade() -> None:
    """Add the tables of deployment; the caller holds the transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
