"""Restoring a backup: opened and looked through beside the inventory, then put in its place.

An inventory that can still be used is not replaced by chance, and what is replaced is kept. Nothing
is changed before everything that can be told about the backup was told.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from sqlmodel import Session

from kmtui.core.clock import Clock, utc_now
from kmtui.core.errors import DatabaseError, InvalidInput, Refused
from kmtui.core.locks import FOLDER, RESTORING, FileLock
from kmtui.core.owners import Owners, described
from kmtui.core.sealed_file import MAGIC, SealingKey, unseal
from kmtui.core.secret_check import SecretCheck, check
from kmtui.core.stored_slots import StoredSlots
from kmtui.core.vault import Vault
from kmtui.db import activity, certificates, files, snapshot
from kmtui.db.database import Database
from kmtui.model import ListQuery

UNPACKED = "restore"
"""Directory below the data directory that a backup is unpacked to."""
JOURNAL = "-journal"
"""What SQLite adds to the name of a database for its unfinished transaction."""

Unlock = Callable[[Vault], None]
"""Opens the vault of the backup. Raises VaultError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """A backup that was looked through, and what became of it."""

    certificates: int
    newest: datetime | None
    """When the last line of its trail was written."""
    secrets: SecretCheck | None
    """What a look at its sealed values found; None when they were not looked at."""
    restored: bool
    kept: Path | None
    """The inventory that was there before."""


def restore(
    data: Path,
    backup: Path,
    *,
    key: SealingKey | None = None,
    unlock: Unlock | None = None,
    force: bool = False,
    dry_run: bool = False,
    actor: str = "",
    origin: str = "",
    clock: Clock = utc_now,
) -> Restoration:
    """Put a backup in the place of the inventory in `data`, brought to this program's schema.

    `unlock` asks for a look at every sealed value first, and at every key. With `dry_run` nothing
    is put anywhere. `force` lets an inventory give way that can still be used; it is kept beside.
    Blocks. Raises DatabaseError (not an inventory, damaged, of a newer kmtui), WrongKey,
    TamperedSecret (cut or changed), Refused, InvalidInput, VaultError.
    """
    files.private_directory(data, create=True)
    place = data / files.FILE_NAME
    lock = FileLock.take(data / FOLDER / RESTORING)
    if lock is None:
        raise Refused(f"another process restores a backup to {data}")
    with lock, _unpacked(data, backup, key) as unpacked:
        with _opened(unpacked, backup) as database:
            found = _look(database, unlock, clock)
            _refuse_programs(unpacked)
            if dry_run:
                return found
            _refuse(data, place, force)
            _record(database, backup, actor, origin, clock)
        kept = _put(unpacked, place, clock())
    return Restoration(
        certificates=found.certificates,
        newest=found.newest,
        secrets=found.secrets,
        restored=True,
        kept=kept,
    )


@contextmanager
def _unpacked(data: Path, backup: Path, key: SealingKey | None) -> Iterator[Path]:
    """The backup as a database in a private directory of its own, which goes away again."""
    folder = data / UNPACKED
    # What a killed process left there is of no use.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        target = folder / files.FILE_NAME
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with backup.open("rb") as source, open(os.open(target, new, 0o600), "wb") as plain:
                beginning = source.read(max(len(MAGIC), len(snapshot.SQLITE_MAGIC)))
                source.seek(0)
                if beginning.startswith(MAGIC):
                    if key is None:
                        raise InvalidInput(
                            f"{backup} is sealed with a key of its own",
                            field="seal-passphrase-file",
                            hint="give --seal-passphrase-file FILE or --seal-key-file FILE",
                        )
                    unseal(source, plain, key)
                elif beginning.startswith(snapshot.SQLITE_MAGIC):
                    shutil.copyfileobj(source, plain)
                    _copy_journal(backup, target)
                else:
                    raise InvalidInput(
                        f"{backup} is not a backup of kmtui",
                        field="file",
                        hint="kmtui backup FILE makes one",
                    )
                plain.flush()
                os.fsync(plain.fileno())
        except OSError as error:
            raise InvalidInput(
                f"cannot read {backup}: {error.strerror}",
                field="file",
                hint="name a file that kmtui backup made",
            ) from error
        yield target
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_journal(backup: Path, target: Path) -> None:
    """Take along the unfinished transaction of a database that was set aside, for SQLite to undo.

    Raises OSError.
    """
    journal = backup.with_name(backup.name + JOURNAL)
    if journal.is_file():
        shutil.copyfile(journal, target.with_name(target.name + JOURNAL))


@contextmanager
def _opened(unpacked: Path, backup: Path) -> Iterator[Database]:
    """The unpacked database, migrated and looked through; errors name the backup."""
    try:
        database = Database.open(unpacked)
        try:
            database.verify_sync()
            yield database
        finally:
            database.close_sync()
    except DatabaseError as error:
        message = error.message.replace(str(unpacked), str(backup))
        raise DatabaseError(message, hint="try an older backup") from error


def _look(database: Database, unlock: Unlock | None, clock: Clock) -> Restoration:
    """What is in it. Raises Refused for one whose secrets do not open or fit."""
    vault = Vault(StoredSlots(database), clock=clock)
    if unlock is not None:
        unlock(vault)

    def look(session: Session) -> Restoration:
        query = ListQuery(now=clock(), include_archived=True)
        last = activity.page(session, ListQuery(now=clock(), limit=1))
        return Restoration(
            certificates=certificates.count(session, query),
            newest=last[0].at if last else None,
            secrets=check(session, vault) if unlock is not None else None,
            restored=False,
            kept=None,
        )

    found = database.read_sync(look)
    if found.secrets is not None and found.secrets.problems:
        count, first = len(found.secrets.problems), found.secrets.problems[0]
        more = f", and {count - 1} more" if count > 1 else ""
        raise Refused(f"the backup is not sound: {first}{more}", hint="try an older backup")
    return found


def _refuse_programs(unpacked: Path) -> None:
    """Raise Refused for a backup that has other triggers and views than a new inventory has.

    They would run with whatever is stored later; and without ours lines of the trail could change.
    """
    fresh = unpacked.with_name(f"new-{unpacked.name}")
    Database.open(fresh).close_sync()
    ours, found = snapshot.programs(fresh), snapshot.programs(unpacked)
    if other := sorted({name for name, _ in ours.items() ^ found.items()}):
        raise Refused(
            f"the backup was changed by another program: {', '.join(other[:3])}",
            hint="try an older backup",
        )


def _refuse(data: Path, place: Path, force: bool) -> None:
    """Leave alone what is in use, and without `force` what can still be used."""
    if os.path.lexists(place) and not force and snapshot.is_sound(place):
        raise Refused(
            f"there is an inventory in {data} already",
            hint="restore to another place (--data DIR), or --force: it is kept beside the backup",
        )
    owners = Owners.onlooker(data)
    for path in (data / FOLDER).glob("*.owner"):
        if owners.alive(path.stem):
            raise Refused(
                f"{described(path.stem)} is using the inventory in {data}",
                hint="end it first: what it writes from now on would be lost",
            )


def _record(database: Database, backup: Path, actor: str, origin: str, clock: Clock) -> None:
    def store(session: Session) -> None:
        activity.append(
            session,
            at=clock(),
            actor=actor,
            action="restore",
            object_type="inventory",
            object_id=None,
            object_name="",
            detail=f"from {backup}",
            origin=origin,
        )

    database.write_sync(store)


def _put(unpacked: Path, place: Path, now: datetime) -> Path | None:
    """Put the database in its place; what was there stays beside it, and its name is returned."""
    kept = _free(place.with_name(f"{place.name}.before-restore-{now:%Y%m%dT%H%M%SZ}"))
    try:
        moved = _move(place, kept)
        try:
            unpacked.rename(place)
        except OSError:
            _move(kept, place)
            raise
        snapshot.sync(place.parent)
    except OSError as error:
        raise DatabaseError(f"cannot put {place} in its place: {error.strerror}") from error
    return kept if moved else None


def _free(path: Path) -> Path:
    """The path, or one like it where something is there: what was kept before stays."""
    others = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain([path], others) if not os.path.lexists(each))


def _move(source: Path, target: Path) -> bool:
    """Rename a database with its unfinished transaction; False when there is none."""
    if not os.path.lexists(source):
        return False
    # The journal first: a database without it would look finished and be half a transaction.
    journal = source.with_name(source.name + JOURNAL)
    if journal.exists():
        journal.rename(target.with_name(target.name + JOURNAL))
    source.rename(target)
    return True
