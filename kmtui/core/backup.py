"""Backups: the whole inventory in one file, taken while it is in use, and looked through.

A plain backup is an inventory: what is public in it (names, dates, history, who did what) can be
read by whoever has the file, and what is sealed opens with the ways its vault had on that day. One
that is sealed as a whole shows nothing without its own key; what is sealed inside still needs the
vault's.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, KmtuiError, Refused
from kmtui.core.private_files import refuse_inventory, refuse_special
from kmtui.core.sealed_file import SealingKey, seal
from kmtui.core.slots import Argon2Cost
from kmtui.db import snapshot
from kmtui.db.snapshot import Census

FOLDER = "backup-"
"""How the directory of a copy that is being sealed begins; then comes who makes it."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made."""

    path: Path
    octets: int
    sealed_by: str
    """`passphrase` or `key-file`; empty when the file itself is not sealed."""
    vault: Sequence[str]
    """How the vault inside opens: `passphrase`, `key-file`."""
    certificates: int


class Backups:
    """Copies the inventory to files elsewhere."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def make(
        self,
        path: Path,
        *,
        key: SealingKey | None = None,
        replace: bool = False,
        cost: Argon2Cost | None = None,
    ) -> Backup:
        """Write a backup to `path`, sealed as a whole with `key` where one is given.

        The file is private, on the disk when this returns, and there in whole or not at all; one
        that is there already stays unless `replace`. Needs no open vault. Raises Refused,
        InvalidInput (``file``), DatabaseError for an inventory that is damaged.
        """
        path = await asyncio.to_thread(path.absolute)
        where = str(path)
        await self._record("started", where)
        try:
            octets, held = await asyncio.to_thread(self._make, path, key, replace, cost)
        except KmtuiError as error:
            await self._record("failed", f"{where}: {error.message}")
            raise
        how = f", sealed by a {key.kind}" if key else ""
        await self._record("ok", f"{where}, {octets} octets{how}")
        return Backup(
            path=path,
            octets=octets,
            sealed_by=key.kind if key else "",
            vault=held.vault,
            certificates=held.certificates,
        )

    def _make(
        self, path: Path, key: SealingKey | None, replace: bool, cost: Argon2Cost | None
    ) -> tuple[int, Census]:
        """Blocks; the size of the file, and what is in it."""
        if os.path.lexists(path) and not replace:
            raise _taken(path)
        database = self._context.db.path
        refuse_inventory(path, database.parent, field="file")
        refuse_special(path, field="file")
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            if key is None:
                snapshot.copy(database, partial)
                held = snapshot.census(partial)
            else:
                held = self._seal(database, partial, key, cost)
            octets = partial.stat().st_size
            if replace:
                partial.replace(path)
            else:
                # A link, not a rename: it fails where something has appeared meanwhile.
                os.link(partial, path)
                partial.unlink()
            snapshot.sync(path.parent)
        except FileExistsError:
            raise _taken(path) from None
        except OSError as error:
            raise InvalidInput(f"cannot write {path}: {error.strerror}", field="file") from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return octets, held

    def _seal(
        self, database: Path, partial: Path, key: SealingKey, cost: Argon2Cost | None
    ) -> Census:
        with self._folder() as folder:
            plain = folder / "copy"
            snapshot.copy(database, plain)
            with plain.open("rb") as source, open(os.open(partial, _NEW, 0o600), "wb") as target:
                seal(source, target, key, at=self._context.clock(), cost=cost)
                target.flush()
                os.fsync(target.fileno())
            return snapshot.census(plain)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Where the plain copy lies meanwhile: beside the inventory, no less private than that is.

        What a killed process left there is removed.
        """
        owners, beside = self._context.owners, self._context.db.path.parent
        if not owners.me:
            # Nothing can be written there.
            with tempfile.TemporaryDirectory(prefix=FOLDER) as elsewhere:
                yield Path(elsewhere)
            return
        for left in beside.glob(f"{FOLDER}*"):
            if not owners.alive(left.name.removeprefix(FOLDER)):
                shutil.rmtree(left, ignore_errors=True)
        folder = beside / f"{FOLDER}{owners.me}"
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _record(self, outcome: str, detail: str) -> None:
        """In the trail, where it can be written: looking is allowed on a read-only disk."""
        if self._context.access.read_only:
            return

        def store(session: Session) -> None:
            self._context.record(session, "backup", "inventory", None, "", outcome, detail)

        await self._context.db.write(store)


def _taken(path: Path) -> Refused:
    return Refused(
        f"exists already, and is not overwritten: {path}",
        hint="name another file, or say that it is to be replaced (--force)",
    )
