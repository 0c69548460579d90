"""TXT record sets in Azure: read whole, and changed only while nobody else changes them."""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import dns.name

from kmtui.core.dns.api import Reply
from kmtui.core.dns.azure_arm import ResourceManager
from kmtui.core.dns.azure_errors import Saying, arm_error
from kmtui.core.dns.azure_token import is_one_word
from kmtui.core.dns.azure_zones import ResourceId
from kmtui.core.dns.patience import pause
from kmtui.core.errors import DnsProviderError

PLACEHOLDER = "-"
"""What a record set holds that is kept although nothing is left in it; Azure takes no empty text.
Other ACME clients use the same."""
TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

GONE = frozenset({"ParentResourceNotFound", "ResourceNotFound", "ResourceGroupNotFound"})
"""Codes of a 404 that is about the zone and not about the record set alone."""


@dataclass(frozen=True, slots=True)
class TxtSet:
    """A record set. What others put there is kept as Azure shows it, string by string."""

    ttl: int
    records: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    etag: str = ""
    """Changes with each change; empty for a set that is not there yet."""

    @classmethod
    def read(cls, reply: Reply) -> TxtSet | None:
        """The set in a reply; None when it is none, or has no ETag to guard it by."""
        body = reply.json()
        if not isinstance(body, dict) or not isinstance(found := body.get("properties"), dict):
            return None
        etag = body.get("etag") or reply.headers.get("etag")
        records, metadata = found.get("TXTRecords") or [], found.get("metadata") or {}
        ttl = found.get("TTL")
        if (
            not is_one_word(etag)
            or not isinstance(ttl, int)
            or not isinstance(metadata, dict)
            or not isinstance(records, list)
            or not all(map(_is_record, records))
        ):
            return None
        return cls(ttl, tuple(records), metadata, etag)

    @property
    def values(self) -> frozenset[str]:
        """The values, each with its strings joined (RFC 8555 section 8.4 looks at those)."""
        return frozenset(_value(record) for record in self.records)

    def with_values(self, values: AbstractSet[str]) -> TxtSet:
        """The set with these values as well."""
        added = tuple({"value": [value]} for value in sorted(values - self.values))
        return replace(self, records=self.records + added)

    def without(self, values: AbstractSet[str]) -> TxtSet:
        """The set without these values."""
        kept = tuple(record for record in self.records if _value(record) not in values)
        return replace(self, records=kept)

    @property
    def body(self) -> dict[str, Any]:
        """What Azure stores."""
        properties = {"TTL": self.ttl, "TXTRecords": list(self.records)}
        if self.metadata:
            properties["metadata"] = dict(self.metadata)
        return {"properties": properties}


class TxtSets:
    """The TXT record sets of an account's zones.

    Each change reads a set and writes it back on the condition that its ETag is still the same, or
    that there still is none; else it begins anew.
    """

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm

    async def read(self, path: str) -> TxtSet | None:
        """The set at a path; None when it is not there. Raises DnsProviderError."""
        reply = await self._arm.call("GET", path, expected=(404,))
        if reply.status == 404:
            code = Saying.of(reply).code
            if not code:
                raise self._arm.api.unreadable(reply)
            if code in GONE:
                raise arm_error(self._arm.api, reply, path)
            return None
        found = TxtSet.read(reply)
        if found is None:
            raise self._arm.api.unreadable(reply)
        return found

    async def add(self, path: str, values: AbstractSet[str], ttl: int, *, kept: bool) -> None:
        """Have these values in the set. `kept`: our placeholder may stand in it for nothing."""

        def edit(found: TxtSet | None) -> TxtSet:
            if found is None:
                return TxtSet(ttl).with_values(values)
            if not found.records or (kept and found.values == {PLACEHOLDER}):
                # Nobody has anything in it, so its TTL is ours, too.
                found = replace(found, ttl=ttl, records=())
            return found.with_values(values)

        await self._change(path, edit)

    async def remove(self, path: str, values: AbstractSet[str], *, keep: bool | None) -> None:
        """Have these values in the set no more. `keep`: whether a set with nothing left stays, with
        the placeholder in it; None: it stays when it may not be deleted."""

        def edit(found: TxtSet | None) -> TxtSet | None:
            if found is None or not found.values & values:
                return found
            rest = found.without(values)
            if rest.records:
                return rest
            return rest.with_values({PLACEHOLDER}) if keep else None

        try:
            await self._change(path, edit)
        except DnsProviderError as error:
            if error.raw_code in GONE:
                return
            if keep is not None or error.kind != "permission":
                raise
            # A lock or a role may allow to change record sets and not to delete them.
            await self.remove(path, values, keep=True)

    async def prove_change(self, path: str) -> bool:
        """Prove the right to change the set by a write that cannot take effect: its condition does
        not hold. Returns whether the set is there. Raises DnsProviderError."""
        found = await self.read(path)
        value = secrets.token_urlsafe(32)
        wanted = (found or TxtSet(60)).with_values({value})
        reply = await self._write("PUT", path, wanted, {"If-Match": str(uuid.uuid4())})
        if reply.ok:
            await self.remove(path, {value}, keep=None)
        return found is not None

    async def prove_delete(self, path: str) -> None:
        """Prove the right to delete a set that is not there. Raises DnsProviderError."""
        await self._write("DELETE", path, None, {"If-Match": str(uuid.uuid4())})

    async def _change(self, path: str, edit: Callable[[TxtSet | None], TxtSet | None]) -> None:
        wait = FIRST_PAUSE
        for attempt in range(TRIES):
            found = await self.read(path)
            wanted = edit(found)
            if wanted == found:
                return
            condition = {"If-Match": found.etag} if found else {"If-None-Match": "*"}
            reply = await self._write("PUT" if wanted else "DELETE", path, wanted, condition)
            if reply.status != 412:
                return
            if attempt + 1 < TRIES:
                changed = arm_error(self._arm.api, reply, path)
                await pause(random.uniform(0, wait), "others change this name", error=changed)
                wait = min(wait * 2, LONGEST_PAUSE)
        raise arm_error(self._arm.api, reply, path)

    async def _write(
        self, method: str, path: str, wanted: TxtSet | None, condition: Mapping[str, str]
    ) -> Reply:
        """The reply, which may be that the condition did not hold (412), or that there is nothing
        to delete (404)."""
        expected = (412,) if method == "PUT" else (404, 412)
        body = wanted.body if wanted else None
        return await self._arm.call(method, path, body=body, headers=condition, expected=expected)


def txt_path(zone_id: str, zone: dns.name.Name, name: dns.name.Name) -> str:
    """The path of the TXT record set of `name`. Raises ValueError for anything but a zone's id."""
    known = ResourceId.parse(zone_id)
    relative = "@" if name == zone else name.relativize(zone).to_text()
    return f"{known.zone_id}/TXT/{quote(relative, safe='@')}"


def _is_record(record: object) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(strings := record.get("value"), list)
        and all(isinstance(string, str) for string in strings)
    )


def _value(record: Mapping[str, Any]) -> str:
    return "".join(record["value"])
