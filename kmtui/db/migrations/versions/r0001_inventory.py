"""Schema 1: every table of the inventory, its indexes and its insert-only triggers.

Plain SQL, because a revision must not change when the classes in `tables.py` do. All tables are
STRICT: SQLite would else store any type anywhere. Times are 27 characters of UTC text. JSON is not
checked here: json_valid() is refused in a CHECK while trusted_schema is off.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SETTINGS = (
    """
    CREATE TABLE setting (
        name TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE vault_slot (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('passphrase', 'key-file')),
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        parameters TEXT NOT NULL,
        wrapped BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE secret (
        id TEXT PRIMARY KEY NOT NULL,
        owner_table TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        blob BLOB NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX one_secret_of_a_kind ON secret (owner_table, owner_id, kind)",
)

PARTIES = (
    """
    CREATE TABLE ca (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        directory_url TEXT NOT NULL,
        ca_bundle TEXT,
        proxy TEXT,
        max_names INTEGER CHECK (max_names > 0),
        single_account INTEGER NOT NULL CHECK (single_account IN (0, 1)),
        lifetime_days INTEGER CHECK (lifetime_days > 0),
        created_at TEXT NOT NULL CHECK (length(created_at) = 27)
    ) STRICT
    """,
    """
    CREATE TABLE account (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        ca TEXT NOT NULL,
        directory_url TEXT NOT NULL,
        account_url TEXT,
        status TEXT NOT NULL CHECK (status <> ''),
        email TEXT,
        key_type TEXT NOT NULL,
        key_thumbprint TEXT NOT NULL,
        terms_url TEXT,
        terms_agreed_at TEXT CHECK (length(terms_agreed_at) = 27),
        created_at TEXT NOT NULL CHECK (length(created_at) = 27)
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX one_account_per_url ON account (directory_url, account_url)
    """,
    """
    CREATE TABLE dns_account (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        provider TEXT NOT NULL,
        settings TEXT NOT NULL,
        zones TEXT NOT NULL,
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        last_test_at TEXT CHECK (length(last_test_at) = 27),
        last_test_ok INTEGER CHECK (last_test_ok IN (0, 1)),
        last_test_detail TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE end_server (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        kind TEXT NOT NULL CHECK (kind IN ('local', 'standalone', 'ssh')),
        settings TEXT NOT NULL,
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        last_test_at TEXT CHECK (length(last_test_at) = 27),
        last_test_ok INTEGER CHECK (last_test_ok IN (0, 1)),
        last_test_detail TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE mapping (
        id TEXT PRIMARY KEY NOT NULL,
        pattern TEXT NOT NULL CHECK (pattern <> ''),
        challenge_type TEXT NOT NULL,
        dns_account_id TEXT REFERENCES dns_account (id),
        server_id TEXT REFERENCES end_server (id),
        alias TEXT,
        webroot TEXT,
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        CHECK (
            (challenge_type = 'dns-01' AND dns_account_id IS NOT NULL AND server_id IS NULL)
            OR (challenge_type = 'http-01' AND server_id IS NOT NULL AND dns_account_id IS NULL)
        ),
        UNIQUE (pattern, challenge_type)
    ) STRICT
    """,
    "CREATE INDEX mapping_by_dns_account ON mapping (dns_account_id)",
    "CREATE INDEX mapping_by_server ON mapping (server_id)",
)

CERTIFICATES = (
    """
    CREATE TABLE certificate (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        names TEXT NOT NULL,
        search_text TEXT NOT NULL,
        account_id TEXT REFERENCES account (id),
        key_type TEXT NOT NULL,
        profile TEXT,
        auto_renew INTEGER NOT NULL CHECK (auto_renew IN (0, 1)),
        auto_save TEXT NOT NULL CHECK (auto_save IN ('ask', 'always')),
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        renew_at TEXT CHECK (length(renew_at) = 27),
        archived_at TEXT CHECK (length(archived_at) = 27),
        current_version INTEGER,
        unsaved_version INTEGER,
        version_count INTEGER NOT NULL,
        not_before TEXT CHECK (length(not_before) = 27),
        not_after TEXT CHECK (length(not_after) = 27),
        expiring_at TEXT CHECK (length(expiring_at) = 27),
        current_revoked_at TEXT CHECK (length(current_revoked_at) = 27),
        issuer TEXT NOT NULL,
        last_request_id TEXT,
        last_request_number INTEGER,
        last_request_kind TEXT,
        last_request_status TEXT,
        last_request_at TEXT CHECK (length(last_request_at) = 27),
        last_request_error TEXT NOT NULL,
        expiry_key TEXT NOT NULL CHECK (length(expiry_key) = 27),
        due_at TEXT NOT NULL CHECK (length(due_at) = 27)
    ) STRICT
    """,
    # One partial index per sort of the everyday list, so that OFFSET skips index entries only.
    *(
        f"CREATE INDEX live_certificate_by_{word} ON certificate ({column}, id) "
        "WHERE archived_at IS NULL"
        for word, column in (
            ("expiry", "expiry_key"),
            ("name", "name"),
            ("renewal", "due_at"),
            ("creation", "created_at"),
            ("issuer", "issuer"),
            ("versions", "version_count"),
            ("last_request", "last_request_at"),
        )
    ),
    # A filter's count reads this narrow copy of the words and no row: 100,000 names in 20 ms.
    "CREATE INDEX live_certificate_by_words ON certificate (search_text) WHERE archived_at IS NULL",
    "CREATE INDEX certificate_by_expiry ON certificate (expiry_key, id)",
    "CREATE INDEX certificate_by_name ON certificate (name, id)",
    "CREATE INDEX certificate_by_account ON certificate (account_id, expiry_key, id)",
    # What the counters above the list and `status:` ask for.
    *(
        f"CREATE INDEX certificate_{word} ON certificate ({columns}) WHERE archived_at IS NULL "
        "AND current_version IS NOT NULL AND current_revoked_at IS NULL"
        for word, columns in (
            ("expired", "not_after"),
            ("expiring", "expiring_at, not_after"),
            ("due", "due_at, expiring_at"),
        )
    ),
    "CREATE INDEX certificate_failing ON certificate (last_request_at) "
    "WHERE archived_at IS NULL AND last_request_status = 'failed'",
    "CREATE INDEX certificate_unsaved ON certificate (expiry_key) "
    "WHERE archived_at IS NULL AND unsaved_version IS NOT NULL",
    """
    CREATE TABLE certificate_name (
        name TEXT NOT NULL,
        certificate_id TEXT NOT NULL REFERENCES certificate (id) ON DELETE CASCADE,
        PRIMARY KEY (name, certificate_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX certificate_name_by_certificate ON certificate_name (certificate_id)",
)

ACTIVE = "('queued', 'ordering', 'presenting', 'propagating', 'validating', 'finalizing', 'parked')"

REQUESTS = (
    """
    CREATE TABLE request (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('issue', 'renew', 'reissue', 'move')),
        certificate_id TEXT REFERENCES certificate (id) ON DELETE SET NULL,
        account_id TEXT REFERENCES account (id) ON DELETE SET NULL,
        names TEXT NOT NULL,
        names_hash TEXT NOT NULL,
        search_text TEXT NOT NULL,
        spec TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN (
            'draft', 'queued', 'ordering', 'presenting', 'propagating', 'validating',
            'finalizing', 'available', 'saved', 'failed', 'cancelled', 'parked')),
        step TEXT NOT NULL,
        problem TEXT,
        created_at TEXT NOT NULL CHECK (length(created_at) = 27),
        finished_at TEXT CHECK (length(finished_at) = 27),
        not_before TEXT CHECK (length(not_before) = 27),
        order_url TEXT UNIQUE,
        order_status TEXT,
        version INTEGER,
        retry_of TEXT,
        csr BLOB,
        attempt INTEGER NOT NULL,
        owner TEXT
    ) STRICT
    """,
    f"CREATE UNIQUE INDEX one_active_request_per_certificate ON request (certificate_id) "
    f"WHERE status IN {ACTIVE}",
    # A CA may hand the same order to two requests with equal names: the second job would then
    # finalize the first one's order with another key.
    f"CREATE UNIQUE INDEX one_active_request_per_names ON request (account_id, names_hash) "
    f"WHERE status IN {ACTIVE}",
    "CREATE INDEX request_by_status ON request (status, number)",
    "CREATE INDEX request_by_certificate ON request (certificate_id, number)",
    "CREATE INDEX request_by_account ON request (account_id, number)",
    """
    CREATE TABLE request_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        request_id TEXT NOT NULL REFERENCES request (id),
        at TEXT NOT NULL CHECK (length(at) = 27),
        level TEXT NOT NULL CHECK (level IN ('info', 'good', 'warn', 'bad')),
        text TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX request_log_by_request ON request_log (request_id, id)",
    """
    CREATE TABLE challenge (
        id TEXT PRIMARY KEY NOT NULL,
        request_id TEXT NOT NULL REFERENCES request (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        identifier TEXT NOT NULL,
        wildcard INTEGER NOT NULL CHECK (wildcard IN (0, 1)),
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        fqdn TEXT NOT NULL,
        value TEXT NOT NULL,
        detail TEXT NOT NULL,
        servers TEXT NOT NULL,
        via TEXT NOT NULL,
        url TEXT,
        authorization_url TEXT,
        presented_at TEXT CHECK (length(presented_at) = 27),
        validated_at TEXT CHECK (length(validated_at) = 27)
    ) STRICT
    """,
    "CREATE UNIQUE INDEX challenge_by_request ON challenge (request_id, identifier, wildcard)",
    """
    CREATE TABLE cleanup (
        id TEXT PRIMARY KEY NOT NULL,
        request_id TEXT NOT NULL REFERENCES request (id),
        kind TEXT NOT NULL CHECK (kind IN ('dns-01', 'http-01')),
        dns_account_id TEXT REFERENCES dns_account (id) ON DELETE SET NULL,
        server_id TEXT REFERENCES end_server (id) ON DELETE SET NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        handle TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intended', 'presented', 'done', 'failed')),
        attempts INTEGER NOT NULL,
        next_attempt_at TEXT CHECK (length(next_attempt_at) = 27),
        last_error TEXT NOT NULL,
        created_at TEXT NOT NULL CHECK (length(created_at) = 27)
    ) STRICT
    """,
    "CREATE INDEX cleanup_pending ON cleanup (created_at, id) WHERE state <> 'done'",
    "CREATE INDEX cleanup_by_request ON cleanup (request_id)",
    "CREATE INDEX cleanup_by_dns_account ON cleanup (dns_account_id)",
    "CREATE INDEX cleanup_by_server ON cleanup (server_id)",
)

VERSIONS = (
    """
    CREATE TABLE version (
        id TEXT PRIMARY KEY NOT NULL,
        certificate_id TEXT NOT NULL REFERENCES certificate (id),
        request_id TEXT,
        number INTEGER NOT NULL CHECK (number > 0),
        serial TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        names TEXT NOT NULL,
        not_before TEXT NOT NULL CHECK (length(not_before) = 27),
        not_after TEXT NOT NULL CHECK (length(not_after) = 27),
        key_type TEXT NOT NULL,
        sha256 TEXT NOT NULL UNIQUE,
        spki_sha256 TEXT NOT NULL,
        issued_at TEXT NOT NULL CHECK (length(issued_at) = 27),
        why TEXT NOT NULL,
        -- No reference: a key may be destroyed while its version stays in the history.
        key_secret_id TEXT,
        search_text TEXT NOT NULL,
        chain_pem TEXT NOT NULL,
        UNIQUE (certificate_id, number)
    ) STRICT
    """,
    "CREATE INDEX version_by_issue ON version (issued_at, id)",
    "CREATE INDEX version_by_expiry ON version (not_after, id)",
    "CREATE INDEX version_by_serial ON version (serial)",
    """
    CREATE TABLE version_state (
        version_id TEXT PRIMARY KEY NOT NULL REFERENCES version (id),
        saved_at TEXT CHECK (length(saved_at) = 27),
        replaced_at TEXT CHECK (length(replaced_at) = 27),
        revoked_at TEXT CHECK (length(revoked_at) = 27),
        revocation_reason TEXT
    ) STRICT, WITHOUT ROWID
    """,
)

AUDIT = (
    """
    CREATE TABLE activity (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL CHECK (length(at) = 27),
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        object_type TEXT NOT NULL,
        object_id TEXT,
        object_name TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'failed', 'started')),
        detail TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX activity_by_object ON activity (object_id, id)",
    *(
        f"CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
        for table in ("version", "activity", "request_log")
        for verb in ("update", "delete")
    ),
)


def upgrade() -> None:
    """Create everything; the caller holds the transaction."""
    for statement in SETTINGS + PARTIES + CERTIFICATES + REQUESTS + VERSIONS + AUDIT:
        op.execute(statement)
    # The identity that sealed values are bound to.
    identity = sa.text("INSERT INTO setting (name, value) VALUES ('inventory.id', :id)")
    op.execute(identity.bindparams(id=str(uuid.uuid4())))
