"""Changes of TXT sets at Route 53: by compare-and-swap, and in as few calls as possible."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from kmtui.core.dns.patience import pause
from kmtui.core.dns.route53_calls import CHANGE, Calls
from kmtui.core.dns.route53_errors import PASSING, Refusal
from kmtui.core.dns.route53_sets import (
    Edit,
    Sets,
    TxtSet,
    changes,
    fits,
    name_of,
    place_of,
    txt_sets,
)
from kmtui.core.errors import DnsProviderError

MOST_NAMES = 200
"""Of one batch: in all but odd cases far below what Route 53 takes."""
PAGE = 100
"""Record sets in one answer when several names are read: enough for most zones."""
MOST_SAID = 3
"""Names in a message."""
MOST_SWAPS = 12
"""Tries, each after reading anew, while others change the same names."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 4.0


@dataclass(slots=True, eq=False)
class _Wish:
    """An edit that waits to be carried out."""

    edit: Edit
    done: bool = False
    change: str | None = None
    alone: bool = False
    """It was in a batch that was refused: one of them is at fault, and only that one may fail."""


@dataclass(slots=True)
class _Zone:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Wish] = field(default_factory=list)


class Changes:
    """The changes of one account. What waits for the same zone is written in one batch.

    A whole AWS account has five calls a second, and a zone takes one change at a time: with a batch
    for each name, a hundred names would take a minute.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._zones: defaultdict[str, _Zone] = defaultdict(_Zone)

    async def make(self, zone_id: str, edit: Edit) -> str | None:
        """Carry out an edit. The id of the change for GetChange; None when it is everywhere
        already, or there was nothing to change.

        Raises DnsProviderError, of kind ``conflict`` when others keep changing the name.
        """
        zone, wish = self._zones[zone_id], _Wish(edit)
        zone.waiting.append(wish)
        try:
            async with zone.lock:
                await asyncio.sleep(0)  # Whoever asks in this moment comes along.
                # Who came before may have taken this one along.
                if not wish.done:
                    await self._write(zone_id, _batch(wish, zone.waiting))
            return wish.change
        finally:
            zone.waiting.remove(wish)

    async def _write(self, zone_id: str, batch: Sequence[_Wish]) -> None:
        try:
            change = await self._swap(zone_id, [wish.edit for wish in batch])
        except DnsProviderError as error:
            if len(batch) == 1 or error.kind in PASSING:
                raise
            for wish in batch:
                wish.alone = True
            batch = batch[:1]
            change = await self._swap(zone_id, [batch[0].edit])
        for wish in batch:
            wish.done, wish.change = True, change

    async def _swap(self, zone_id: str, edits: Sequence[Edit]) -> str | None:
        names = sorted({edit.fqdn for edit in edits}, key=place_of)
        said = ", ".join(names[:MOST_SAID]) + (" and others" if len(names) > MOST_SAID else "")
        lost = DnsProviderError(
            f"others keep changing the TXT record of {said}",
            kind="conflict",
            hint="try again later; see which other program writes there",
        )
        # A page says what is there. What it does not show is taken as absent, although Amazon may
        # sort an odd name otherwise: a CREATE is refused then, but a removal must know.
        certain = {edit.fqdn for edit in edits if edit.remove}
        doubtful: set[str] = set()
        again, create = FIRST_PAUSE, "CREATE"
        for _ in range(MOST_SWAPS):
            before = await self._read(zone_id, names, doubtful, certain)
            after = dict(before)
            for edit in edits:
                after[edit.fqdn] = edit.applied_to(after[edit.fqdn])
            batch = changes(before, after, create=create if all(before.values()) else "CREATE")
            if not batch:
                return None
            if len(after) > 1 and not fits(batch):
                raise DnsProviderError("this is too much for one batch", kind="quota")
            answer = await self._calls.attempt(
                CHANGE, HostedZoneId=zone_id, ChangeBatch={"Comment": "kmtui", "Changes": batch}
            )
            if not isinstance(answer, Refusal):
                info = answer["ChangeInfo"]
                return str(info["Id"]) if info["Status"] != "INSYNC" else None
            if not answer.lost_race:
                raise self._calls.error(answer)
            # Amazon never misses a set that the batch itself deletes. What stands in for it may:
            # moto looks at its journal, where a set like this one was created once.
            create = "UPSERT" if answer.lost_race_to_create else "CREATE"
            doubtful = answer.names & set(names) or set(names)
            await pause(random.uniform(0, again), f"others change {said}", error=lost)
            again = min(again * 2, LONGEST_PAUSE)
        raise lost

    async def _read(
        self, zone_id: str, names: Sequence[str], doubtful: set[str], certain: set[str]
    ) -> Sets:
        """What is at the names now: by pages, one by one for those in doubt, and for those that
        must be known for certain when no page shows them."""
        several = [name for name in names if name not in doubtful]
        found = await self._look_over(zone_id, several) if len(several) > 1 else {}
        for name in names:
            if name not in found or (name in certain and found[name] is None):
                found[name] = await self._look_at(zone_id, name)
        return found

    async def _look_at(self, zone_id: str, fqdn: str) -> TxtSet | None:
        answer = await self._calls.call(
            "list_resource_record_sets",
            HostedZoneId=zone_id,
            StartRecordName=f"{fqdn}.",
            StartRecordType="TXT",
            MaxItems="1",
        )
        # It is the next set when there is none of this name.
        there = [each for each in answer["ResourceRecordSets"] if name_of(each["Name"]) == fqdn]
        return dict(txt_sets(there)).get(fqdn)

    async def _look_over(self, zone_id: str, names: Sequence[str]) -> Sets:
        """What is at `names`, which are in Route 53's order, by as few pages as possible."""
        found: Sets = {}
        left = list(names)
        while left:
            answer = await self._calls.call(
                "list_resource_record_sets",
                HostedZoneId=zone_id,
                StartRecordName=f"{left[0]}.",
                StartRecordType="TXT",
                MaxItems=str(PAGE),
            )
            sets = answer["ResourceRecordSets"]
            shown = dict(txt_sets(each for each in sets if name_of(each["Name"]) in left))
            more = answer.get("IsTruncated")
            end = place_of(name_of(answer["NextRecordName"])) if more else None
            read = {
                name
                for name in left
                if name in shown or name == left[0] or end is None or place_of(name) < end
            }
            found.update((name, shown.get(name)) for name in read)
            left = [name for name in left if name not in read]
        return found


def _batch(first: _Wish, waiting: Iterable[_Wish]) -> list[_Wish]:
    """What is written together with `first`: all that waits."""
    others = (wish for wish in waiting if wish is not first and not (wish.done or wish.alone))
    return [first] if first.alone else [first, *islice(others, MOST_NAMES - 1)]
