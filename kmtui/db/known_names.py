"""The names that the inventory knows, for a shell that completes a word.

Read with the driver alone: what a key press waits for has no time to load an ORM. Nothing here is
sealed, and nothing is changed. A missing, newer or busy file offers nothing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

from kmtui.db import files

MOST = 200
"""Names offered at a time; more are found by typing on."""
PATIENCE = 0.3
"""Seconds to wait for a busy file."""

KINDS: dict[str, str] = {
    "accounts": "SELECT name FROM account ORDER BY name",
    "authorities": "SELECT name FROM ca ORDER BY name",
    "certificates": "SELECT name FROM certificate WHERE archived_at IS NULL ORDER BY name",
    "deleted certificates": "SELECT name FROM certificate"
    " WHERE archived_at IS NOT NULL AND purged_at IS NULL ORDER BY name",
    "dns accounts": "SELECT name FROM dns_account ORDER BY name",
    "end servers": "SELECT name FROM end_server ORDER BY name",
    "filters": "SELECT DISTINCT name FROM saved_filter ORDER BY name",
    "mappings": "SELECT DISTINCT pattern FROM mapping ORDER BY pattern",
    "requests": "SELECT CAST(number AS TEXT) FROM request ORDER BY number DESC",
    "slots": "SELECT CAST(id AS TEXT) FROM vault_slot ORDER BY id",
    "targets": "SELECT name FROM target WHERE certificate_id IN"
    " (SELECT id FROM certificate WHERE name = :within OR id = :within) ORDER BY name",
    "versions": "SELECT CAST(number AS TEXT) FROM version"
    " WHERE certificate_id IN (SELECT id FROM certificate WHERE name = :within OR id = :within)"
    " ORDER BY number DESC",
}
"""What can be offered, and the query of one column that finds it; `within` is a certificate."""


def known_names(inventory: Path, kind: str, prefix: str, *, within: str = "") -> list[str]:
    """At most `MOST` names of a kind of `KINDS` that begin with `prefix`, in any case."""
    start = prefix.casefold()
    try:
        with closing(
            sqlite3.connect(files.sqlite_uri(inventory, "ro"), uri=True, timeout=PATIENCE)
        ) as connection:
            rows = connection.execute(KINDS[kind], {"within": within})
            matching = (name for (name,) in rows if name.casefold().startswith(start))
            return list(islice(matching, MOST))
    except sqlite3.Error:
        return []
