"""A ChangeBatch as Route 53 judges it: as a whole, and exactly against what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

_SPACE = {"r53": "https://route53.amazonaws.com/doc/2013-04-01/"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change; the name without final dot."""

    action: str
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]

    def as_created(self) -> dict[str, Any]:
        """The entry of moto's journal that says: this set is what there is."""
        return {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": self.name,
                "Type": self.type,
                "TTL": self.ttl,
                "ResourceRecords": [{"Value": value} for value in self.values],
            },
        }


def read_batch(body: bytes) -> list[Change]:
    """The changes of a ChangeResourceRecordSetsRequest."""
    return [
        Change(
            action=_text(change, "Action"),
            name=_text(change, "ResourceRecordSet/Name").rstrip("."),
            type=_text(change, "ResourceRecordSet/Type"),
            ttl=int(_text(change, "ResourceRecordSet/TTL")),
            values=tuple(
                found.text or ""
                for found in change.iterfind(
                    _path("ResourceRecordSet/ResourceRecords/ResourceRecord/Value"), _SPACE
                )
            ),
        )
        for change in ElementTree.fromstring(body).iterfind(
            _path("ChangeBatch/Changes/Change"), _SPACE
        )
    ]


def what_is_wrong(zone: Any, batch: Sequence[Change]) -> list[str]:
    """Why Route 53 refuses the batch, in its words; nothing when it takes it."""
    there = {
        (found.name.rstrip("."), found.type): (int(found.ttl), sorted(found.records))
        for found in zone.rrsets
        if found.type in ("TXT", "CNAME")
    }
    wrong = []
    for change in batch:
        wanted = f"resource record set [name='{change.name}.', type='{change.type}']"
        place = (change.name, change.type)
        if not f".{change.name}.".endswith(f".{zone.name}"):
            wrong.append(f"RRSet with DNS name {change.name}. is not permitted in zone {zone.name}")
        elif change.action == "DELETE":
            found = there.pop(place, None)
            if found is None:
                wrong.append(f"Tried to delete {wanted} but it was not found")
            elif found != (change.ttl, sorted(change.values)):
                wrong.append(
                    f"Tried to delete {wanted} but the values provided do not match the current "
                    "values"
                )
        elif len(set(change.values)) < len(change.values):
            wrong.append(f"Duplicate Resource Record: '{change.values[-1]}'")
        elif (change.name, "CNAME") in there:
            wrong.append(
                f"RRSet of type {change.type} with DNS name {change.name}. is not permitted "
                "because a conflicting RRSet of type CNAME with the same DNS name already exists "
                f"in zone {zone.name}"
            )
        elif place in there and change.action == "CREATE":
            wrong.append(f"Tried to create {wanted} but it already exists")
        else:
            there[place] = (change.ttl, sorted(change.values))
    return wrong


def _text(change: ElementTree.Element, path: str) -> str:
    found = change.find(_path(path), _SPACE)
    return "" if found is None else found.text or ""


def _path(path: str) -> str:
    return "/".join(f"r53:{part}" for part in path.split("/"))
