"""TXT record sets as Route 53 has them, and the batch that turns them into others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kmtui.core.dns.txt import joined, quoted
from kmtui.core.errors import DnsProviderError

RecordSet: TypeAlias = Mapping[str, Any]
Change: TypeAlias = Mapping[str, Any]
"""As the API has them."""

MOST_RECORDS = 1000
MOST_CHARACTERS = 32_000
"""Of one batch, counted over the values."""

_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class TxtSet:
    """The TXT set of one name; each value verbatim, as one or several quoted strings."""

    ttl: int
    values: tuple[str, ...]


Sets: TypeAlias = dict[str, TxtSet | None]
"""By name; None where there is no TXT set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Values to be added to one name, or to be taken from it; all others stay as they are."""

    fqdn: str
    """Lower case without final dot."""
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    ttl: int = 0
    """Of a set that is made anew; one that exists keeps its own."""

    def applied_to(self, current: TxtSet | None) -> TxtSet | None:
        """The set as it should be; None when nothing is left of it."""
        before = current.values if current else ()
        there = {joined(value) for value in before}
        values = (
            *(value for value in before if joined(value) not in self.remove),
            *(quoted(value) for value in sorted(self.add - there)),
        )
        return TxtSet(current.ttl if current else self.ttl, values) if values else None


def changes(before: Sets, after: Sets, *, create: str = "CREATE") -> list[Change]:
    """The batch that turns one state into the other, and is refused where `before` is not true.

    Route 53 has no version of a set to ask for. But it takes a batch as a whole or not at all, and
    deletes a set only when TTL and values are named exactly: deleting what was read and creating
    what is wanted is a compare-and-swap. UPSERT alone would overwrite what others added meanwhile;
    behind a DELETE it is as good as CREATE.
    """
    batch: list[Change] = []
    for fqdn in sorted(after):
        if before.get(fqdn) != after[fqdn]:
            for action, wanted in (("DELETE", before.get(fqdn)), (create, after[fqdn])):
                if wanted is not None:
                    batch.append({"Action": action, "ResourceRecordSet": _record_set(fqdn, wanted)})
    return batch


def fits(batch: Iterable[Change]) -> bool:
    """Whether Route 53 takes a batch of this size."""
    values = [
        record["Value"]
        for change in batch
        for record in change["ResourceRecordSet"]["ResourceRecords"]
    ]
    return len(values) <= MOST_RECORDS and sum(map(len, values)) <= MOST_CHARACTERS


def txt_sets(found: Iterable[RecordSet]) -> Iterator[tuple[str, TxtSet]]:
    """The TXT sets among record sets, by name.

    Raises DnsProviderError (``unsupported``) for one that is chosen by weight, place or health, or
    stands for another name: what is added to it would not be what everyone sees. So ask only with
    those whose names matter.
    """
    for each in found:
        if each["Type"] == "TXT":
            name = name_of(each["Name"])
            if "SetIdentifier" in each or "ResourceRecords" not in each:
                raise DnsProviderError(
                    f"the TXT record of {name} has a routing policy or is an alias record",
                    kind="unsupported",
                    hint="make it a simple record, or lead the name elsewhere by a CNAME record",
                )
            values = tuple(str(record["Value"]) for record in each["ResourceRecords"])
            yield name, TxtSet(int(each["TTL"]), values)


def name_of(text: str) -> str:
    """A name of Route 53's in our form: it escapes what is unusual in octal and ends with a dot."""
    plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), text)
    return plain.lower().removesuffix(".")


def place_of(fqdn: str) -> str:
    """What Route 53 lists names by: their labels from the right."""
    return ".".join(reversed(fqdn.split("."))) + "."


def _record_set(fqdn: str, wanted: TxtSet) -> RecordSet:
    records = [{"Value": value} for value in wanted.values]
    return {"Name": f"{fqdn}.", "Type": "TXT", "TTL": wanted.ttl, "ResourceRecords": records}
