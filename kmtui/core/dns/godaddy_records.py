"""The TXT records at one name of a GoDaddy zone, changed without any guard of the vendor's.

There is no condition on a write and no deletion of one record: PATCH adds, PUT and DELETE replace
the whole set. So each write is read back, and what it or somebody else lost is added again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias
from urllib.parse import quote

from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.godaddy_errors import BY_ALIAS, is_duplicate, refusal
from kmtui.core.dns.patience import pause, tell
from kmtui.core.dns.txt import joined
from kmtui.core.errors import DnsProviderError

Record: TypeAlias = dict[str, Any]
"""One record as GoDaddy gives it: ``data``, ``name``, ``ttl``, ``type`` and what it may add."""

Call: TypeAlias = Callable[..., Awaitable[Reply]]
"""`Api.call` with the account's credentials."""

SHORTEST_TTL = 600
MOST_WRITES = 4
MOST_RECORDS = 100
"""At one name. A longer reply may be cut short, and must not be written back."""
NO_PATCH = frozenset({403, 404, 405, 501})
"""Statuses of accounts that may replace records and not add them."""


class TxtRecords:
    """The TXT records at one name."""

    def __init__(
        self, api: Api, call: Call, zone_path: str, name: str, fqdn: str, settle_seconds: float
    ) -> None:
        """`name` is relative to the zone, ``@`` for the zone's own; `fqdn` is what is shown."""
        self._api = api
        self._call = call
        self._zone = f"{zone_path}/records"
        self._place = f"{self._zone}/TXT/{quote(name, safe='@')}"
        self._name = name
        self._fqdn = fqdn
        self._settle_seconds = settle_seconds
        self._refused_as_duplicate = False

    async def settle(
        self,
        *,
        wanted: AbstractSet[str] = frozenset(),
        unwanted: AbstractSet[str] = frozenset(),
        ttl: int = SHORTEST_TTL,
    ) -> None:
        """Write until a reading shows all that is wanted, nothing unwanted, and all of others.

        Raises DnsProviderError: ``permission`` when writes succeed and change nothing,
        ``conflict`` when others undo them.
        """
        first: AbstractSet[str] | None = None
        others: dict[str, Record] = {}
        for turn in range(MOST_WRITES + 1):
            if turn > 1:
                await pause(self._settle_seconds * (turn - 1), f"{self._fqdn} changes slowly")
            records = await self._read()
            there = {joined(record["data"]): record for record in records}
            first = there.keys() if first is None else first
            others |= {text: there[text] for text in there.keys() - wanted - unwanted}
            lost = others.keys() - there.keys()
            if wanted <= there.keys() and not unwanted & there.keys() and not lost:
                return
            if turn == MOST_WRITES:
                break
            for text in sorted(lost):
                await tell(
                    f"{self._fqdn}: the value {text!r} of somebody else vanished while ours "
                    "changed; it is added again"
                )
            missing = [others[text] for text in sorted(lost)]
            missing += self._made(wanted - there.keys(), records, ttl)
            if unwanted & there.keys():
                kept = [record for record in records if joined(record["data"]) not in unwanted]
                await self._replace([*kept, *missing])
            else:
                await self._add(missing, records)
        raise self._unsettled(changed=there.keys() != first)

    async def _read(self) -> list[Record]:
        """The records that hold anything: writes under Domain Protection may leave empty ones."""
        reply = await self._call("GET", self._place)
        if reply.status == 404:
            return []
        if not reply.ok:
            raise refusal(self._api, reply)
        records = reply.json()
        if not isinstance(records, list) or not all(map(_is_record, records)):
            raise self._api.unreadable(reply)
        return [record for record in records if record["data"].strip()]

    def _made(self, values: AbstractSet[str], beside: Iterable[Record], ttl: int) -> list[Record]:
        """Records of our own, with the TTL of those that are there."""
        in_use = [record["ttl"] for record in beside if isinstance(record.get("ttl"), int)]
        ttl = max(SHORTEST_TTL, min(in_use, default=ttl))
        return [
            {"type": "TXT", "name": self._name, "data": value, "ttl": ttl}
            for value in sorted(values)
        ]

    async def _add(self, missing: list[Record], records: list[Record]) -> None:
        """Add records; the next reading shows whether they are there."""
        reply = await self._call("PATCH", self._zone, body=missing)
        self._refused_as_duplicate = is_duplicate(reply)
        if reply.status in NO_PATCH:
            await self._replace([*records, *missing])
        elif not reply.ok and not self._refused_as_duplicate:
            raise refusal(self._api, reply)

    async def _replace(self, records: list[Record]) -> None:
        """Make these all there are. GoDaddy takes no notice of an empty PUT."""
        self._refused_as_duplicate = False
        if len(records) >= MOST_RECORDS:
            raise self._api.error(
                f"{self._api.title}: {self._fqdn} holds too many records to be written as a whole",
                kind="unsupported",
                hint="remove by hand what is not needed there",
            )
        if records:
            reply = await self._call("PUT", self._place, body=records)
        else:
            reply = await self._call("DELETE", self._place)
            if reply.status == 404:
                return
        if not reply.ok:
            raise refusal(self._api, reply)

    def _unsettled(self, *, changed: bool) -> DnsProviderError:
        """Why the last reading still differs from what was written."""
        if self._refused_as_duplicate:
            return self._api.error(
                f"{self._api.title}: {self._fqdn} holds a record that allows no TXT record beside "
                "it, probably an alias (CNAME)",
                kind="conflict",
                hint="let the alias be followed, or remove the CNAME record",
                code="DUPLICATE_RECORD",
            )
        if changed:
            return self._api.error(
                f"{self._api.title}: other programs keep changing {self._fqdn}",
                kind="conflict",
                hint="see which programs write this name, and try again when they are done",
            )
        return self._api.error(
            f"{self._api.title} reported success and changed nothing at {self._fqdn}: "
            "the domain may be under Domain Protection",
            kind="permission",
            hint=f"switch off Domain Protection for DNS changes of the domain; else {BY_ALIAS}",
        )


def _is_record(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("data"), str)
