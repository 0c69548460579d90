"""What SQLite refused, in the words of kmtui's error tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from kmtui.core.errors import DatabaseError, InvalidInput, KmtuiError, ReadOnly, Refused

TAKEN = {
    "account.name": "an account of this name exists already",
    "account.directory_url, account.account_url": "this account is in the inventory already",
    "ca.name": "a CA of this name exists already",
    "certificate.name": "a certificate of this label exists already",
    "dns_account.name": "a DNS account of this name exists already",
    "end_server.name": "an end server of this name exists already",
    "mapping.pattern, mapping.challenge_type": "this pattern is mapped already",
}
"""Unique columns an operator types the value of, by the words of SQLite's message."""

CONFLICTS = {
    "request.certificate_id": "a request for this certificate is under way",
    "request.account_id, request.names_hash": (
        "a request for the same names with this account is under way"
    ),
    "request.order_url": "another request holds this order",
    "version.sha256": "this certificate is in the inventory already",
    "version.certificate_id, version.number": "this version number is taken",
    "target.certificate_id, target.name": "the certificate has a target of this name already",
    "target.server_id, target.directory": "another target has this directory already",
    "target.server_id, target.directory, target.name": (
        "another target of this name has this directory already"
    ),
    "secret.owner_table, secret.owner_id, secret.kind": "a secret of this kind is stored already",
}
"""Unique columns that guard the work itself."""

UNDER_WAY = "kmtui request list shows it; go on with it there, or cancel it"
"""What to do about a request that stands in the way of another."""

FAULTS = {
    "locked": ("another process is writing to the inventory", "try again in a moment"),
    "full": ("the disk is full", "free some space: nothing was lost"),
    "not a database": ("it is not an SQLite database", "restore a backup"),
    "malformed": ("the file is damaged", "copy it aside and restore a backup"),
    "unable to open": ("the file cannot be opened", "look at its directory and its modes"),
    "disk I/O error": ("the disk failed", "look at the system log"),
}
"""Part of SQLite's message to what happened and what to do."""


def refusal(error: IntegrityError) -> KmtuiError:
    """The error an operator can act on, for a row that a constraint refused."""
    said = str(error.orig)
    kind, _, columns = said.partition(" failed: ")
    if kind == "UNIQUE constraint" and columns in TAKEN:
        field = columns.partition(",")[0].partition(".")[2]
        return InvalidInput(TAKEN[columns], field=field)
    if kind == "UNIQUE constraint":
        hint = UNDER_WAY if columns.startswith("request.") else ""
        return Refused(CONFLICTS.get(columns, f"this exists already ({columns})"), hint=hint)
    if said.startswith("FOREIGN KEY"):
        return Refused("something else still uses it, or what it refers to is gone")
    return Refused(f"the inventory does not allow this: {said}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or SQLAlchemy raises about the database at `path` into errors of ours.

    Raises InvalidInput or Refused for a row that a constraint refused, ReadOnly, DatabaseError.
    """
    try:
        yield
    except IntegrityError as error:
        raise refusal(error) from error
    except DBAPIError as error:
        raise _fault(path, str(error.orig)) from error
    except NoFreeConnection as error:
        raise _fault(path, "locked") from error
    except sqlite3.Error as error:
        raise _fault(path, str(error)) from error


def _fault(path: Path, said: str) -> KmtuiError:
    if "readonly" in said:
        return ReadOnly(f"{path} cannot be written", hint="look at its owner and the file system")
    for part, (what, hint) in FAULTS.items():
        if part in said:
            return DatabaseError(f"{path}: {what}", hint=hint)
    return DatabaseError(f"{path}: {said}")
