"""The audit trail: what anyone ever did, kept for ever, and whether it still is what was written.

Each line carries a hash over itself and the line before, so one that was edited, inserted or taken
out of the middle shows. Who can write the file could make the chain anew, or cut it at its end:
therefore its head is sealed now and then with a key of the vault, and looked for later.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.problems import counted
from kmtui.db import activity as rows
from kmtui.db import intents, settings
from kmtui.model import Activity, ListQuery

SEALED_HEAD = "activity.head"
"""The setting that holds the newest line as it was sealed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at the whole trail found."""

    lines: int
    broken_at: int | None
    """The first line that is not what was written after the line before; None when all are."""
    sealed_at: datetime | None
    """When the head was sealed last; None when it never was."""
    sealed_line: int | None
    sealed_holds: bool | None
    """Whether that line is still there, unchanged; None when that cannot be told (locked)."""

    @property
    def intact(self) -> bool:
        """Whether nothing speaks against the trail."""
        return self.broken_at is None and self.sealed_holds is not False

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, in words."""
        if self.broken_at is None:
            chain = f"{counted(self.lines, 'line')}, the chain holds"
        else:
            chain = (
                f"line {self.broken_at} does not follow from the one before:"
                " it was changed, or one before it was taken out"
            )
        if self.sealed_at is None:
            return (chain,)
        at = f"{self.sealed_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        sealed = {
            True: f"line {self.sealed_line} is as sealed {at}",
            False: f"line {self.sealed_line}, sealed {at}, is gone or not what it was:"
            " the trail was rewritten or cut",
            None: "the vault is locked: what was sealed before is not compared",
        }
        return chain, sealed[self.sealed_holds]


class ActivityTrail:
    """Reads the append-only trail; writing is part of each service's transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, query: ListQuery) -> list[Activity]:
        """One page, newest first by default. An intent of an hour ago or earlier that has no
        result has the outcome `interrupted`.
        """

        def look(session: Session) -> list[Activity]:
            found = rows.page(session, query)
            cut = intents.interrupted(session, found, query.now)
            return [
                replace(line, outcome=intents.INTERRUPTED) if line.id in cut else line
                for line in found
            ]

        return await self._context.db.read(look)

    async def count(self, query: ListQuery) -> int:
        """How many lines the query matches."""
        return await self._context.db.read(lambda session: rows.count(session, query))

    async def verify(self) -> Verification:
        """Read the whole trail: some seconds for a million lines. Needs no open vault, but the
        sealed head is compared only with one.
        """
        locked = self._context.access.locked

        def look(session: Session) -> Verification:
            sealed = _Sealed.of(settings.get(session, SEALED_HEAD))
            holds: bool | None = None
            if sealed is not None and not locked:
                holds = self._holds(session, sealed)
            return Verification(
                lines=rows.count(session, ListQuery(now=self._context.clock())),
                broken_at=rows.first_broken_link(session),
                sealed_at=sealed.at if sealed else None,
                sealed_line=sealed.line if sealed else None,
                sealed_holds=holds,
            )

        return await self._context.db.read(look)

    async def prove(self) -> Verification:
        """As `verify`; an intact trail is sealed up to its newest line, where that can be."""
        found = await self.verify()
        if found.intact and self._context.access.mode == "RW":
            await self.seal_head()
        return found

    async def seal_head(self) -> None:
        """Seal the newest line, unless the one sealed before is not what it was.

        Raises VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        now = self._context.clock()

        def store(session: Session) -> None:
            sealed = _Sealed.of(settings.get(session, SEALED_HEAD))
            if sealed is not None and not self._holds(session, sealed):
                # Sealing what was tampered with would hide it.
                return
            line, hash_ = rows.head(session)
            if line:
                mac = self._context.secrets.mac("audit", _message(now, line, hash_))
                text = json.dumps([now.isoformat(), line, hash_, mac.hex()])
                settings.put(session, SEALED_HEAD, text)

        await self._context.db.write(store)

    def _holds(self, session: Session, sealed: _Sealed) -> bool:
        """Whether the seal is ours, and its line is there as it was."""
        mac = self._context.secrets.mac("audit", _message(sealed.at, sealed.line, sealed.hash))
        genuine = hmac.compare_digest(mac, sealed.mac)
        return genuine and rows.hash_of(session, sealed.line) == sealed.hash


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The head of the trail at some moment, and the seal over it."""

    at: datetime
    line: int
    hash: str
    mac: bytes

    @classmethod
    def of(cls, text: str | None) -> _Sealed | None:
        """What the setting says; something that nobody of us wrote seals nothing at all."""
        if text is None:
            return None
        try:
            at, line, hash_, mac = json.loads(text)
            return cls(datetime.fromisoformat(at), int(line), str(hash_), bytes.fromhex(mac))
        except (ValueError, TypeError):
            return cls(datetime.min.replace(tzinfo=UTC), 0, "", b"")


def _message(at: datetime, line: int, hash_: str) -> bytes:
    return f"{at.isoformat()} {line} {hash_}".encode()
