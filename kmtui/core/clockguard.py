"""The clock guard: a clock that is wrong must renew nothing, for it would renew everything.

The inventory remembers when it was last used unattended. A clock before that time is believed only
when a CA's clock agrees; one that a CA contradicts by more than a day is never believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError, Refused
from kmtui.db import settings

LAST_SEEN = "clock.last_seen"
"""The setting that holds when an unattended run last believed the clock."""
TOLERANCE = timedelta(minutes=5)
"""Clocks of well-kept machines differ by seconds; five minutes are worth a word."""
REFUSED = timedelta(hours=24)
"""Beyond a day no judgement about due or expired holds."""
CLOCKS_ASKED = 3
"""CAs asked in turn until one answers."""


@dataclass(slots=True)
class Comparison:
    """Our clock beside those of CAs; one that could not be asked is in none of these."""

    agreeing: set[str] = field(default_factory=set)
    """CAs that confirm it."""
    warnings: list[str] = field(default_factory=list)
    """A sentence for each CA it differs from."""
    refused: dict[str, Refused] = field(default_factory=dict)
    """CAs that must not be used with this clock."""


class ClockGuard:
    """Compares this machine's clock with what the inventory and the CAs say."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        self._context = context
        self._cas = cas

    async def check(self, cas: Iterable[str]) -> None:
        """Let a credible clock pass; `cas` are asked only when it runs behind.

        Raises Refused when it is earlier than the last run and no CA agrees with it.
        """
        seen = await self._context.db.read(lambda session: settings.get(session, LAST_SEEN))
        now = self._context.clock()
        if seen is None or now >= (last := datetime.fromisoformat(seen)) - TOLERANCE:
            return
        for ca in list(dict.fromkeys(cas))[:CLOCKS_ASKED]:
            skew = await self.skew(ca)
            if skew is not None and abs(skew) <= TOLERANCE:
                return
        raise Refused(
            f"this machine's clock says {_time(now)} UTC, but kmtui ran at {_time(last)} UTC"
            " already, and no CA confirms the clock: nothing is renewed",
            hint="set the clock; with the right time a CA that answers is all that is needed",
        )

    async def compare(self, cas: Iterable[str]) -> Comparison:
        """What each of these CAs' clocks says about ours."""
        found = Comparison()
        for ca in dict.fromkeys(cas):
            skew = await self.skew(ca)
            if skew is None:
                continue
            if abs(skew) <= TOLERANCE:
                found.agreeing.add(ca)
                continue
            found.warnings.append(f"this machine's clock is {said(skew)} that of {ca}")
            try:
                too_far_off(skew.total_seconds(), ca)
            except Refused as error:
                found.refused[ca] = error
        return found

    async def skew(self, ca: str) -> timedelta | None:
        """How far our clock is ahead of a CA's; None when that CA cannot be asked."""
        try:
            client = await self._cas.client(ca)
            await client.directory(refresh=True)
        except KmtuiError:
            # Whether the CA can be used is for the request to find out, and to tell.
            return None
        return None if client.clock_skew is None else timedelta(seconds=client.clock_skew)

    async def believe(self) -> None:
        """Remember that the clock was right now."""
        text = self._context.clock().astimezone(UTC).isoformat()
        await self._context.db.write(lambda session: settings.put(session, LAST_SEEN, text))


def too_far_off(skew: float | None, who: str) -> None:
    """Refuse a clock that differs by more than a day from that of `who`. Raises Refused."""
    if skew is not None and abs(skew) > REFUSED.total_seconds():
        raise Refused(
            f"this machine's clock is {said(timedelta(seconds=skew))} that of {who}:"
            " nothing is renewed there",
            hint="set the clock",
        )


def said(skew: timedelta) -> str:
    """``3 days ahead of``, ``7 minutes behind``."""
    away, where = abs(skew), "ahead of" if skew > timedelta(0) else "behind"
    if away >= timedelta(days=2):
        return f"{away.days} days {where}"
    if away >= timedelta(hours=2):
        return f"{away // timedelta(hours=1)} hours {where}"
    return f"{away // timedelta(minutes=1)} minutes {where}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
