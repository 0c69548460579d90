"""The weeks ahead: what expires in each and what is planned to renew, so that a wave is seen.

Weeks begin on Mondays, at midnight UTC. What lies before the present week, and what comes after the
last one asked for, are a line each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlmodel import Session

from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput
from kmtui.db import accounts
from kmtui.db import timeline as rows
from kmtui.model import Authority

WEEK, DAY = timedelta(days=7), timedelta(days=1)
WEEKS = 26
"""How many are shown unless another number is asked for: a year's half."""
MOST_WEEKS = 520
_BEGIN = datetime.min.replace(tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
"""Before what certificates without an expiry sort by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What happens from `start` on and before `end`."""

    start: datetime | None
    """None for everything before the present week."""
    end: datetime | None
    """None for everything after the last week."""
    expires: int
    """Certificates that expire, as they are now; revoked ones do not count."""
    unattended: int
    """Those of them that renew unattended before; the others are left to an operator."""
    renews: int
    """Renewals that are planned: by the CA's renewal information, or a part of the life."""
    wave: str = ""
    """Why they may be too many at once for a CA; empty when they are not."""

    @property
    def by_hand(self) -> int:
        """How many expire unless an operator renews them."""
        return self.expires - self.unattended

    @property
    def expiring_filter(self) -> str:
        """The filter that shows what expires."""
        return f"expires:{self._dates()} !status:revoked"

    @property
    def renewing_filter(self) -> str:
        """The filter that shows what renews."""
        return f"renews:{self._dates()} renew:on"

    def _dates(self) -> str:
        first = f"{self.start:%Y-%m-%d}" if self.start else ""
        last = f"{self.end - DAY:%Y-%m-%d}" if self.end else "9998"
        return f"{first}..{last}"


class Timeline:
    """Counts what is to come."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        self._context = context
        self._cas = cas

    async def weeks(self, count: int = WEEKS) -> list[Week]:
        """What is before this week, `count` weeks from this one on, and what comes later.

        Raises InvalidInput.
        """
        if not 1 <= count <= MOST_WEEKS:
            raise InvalidInput(f"from 1 to {MOST_WEEKS} weeks are shown", field="weeks")
        known = {authority.name: authority for authority in await self._cas.all()}
        first = monday(self._context.clock())
        edges = [_BEGIN, *(first + number * WEEK for number in range(count + 1)), _END]

        def counted(session: Session) -> list[Week]:
            ca_of = {account.id: account.ca for account in accounts.list_all(session)}
            return [_week(session, start, end, ca_of, known) for start, end in pairwise(edges)]

        return await self._context.db.read(counted)


def monday(moment: datetime) -> datetime:
    """The beginning of the week that a moment is in."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - day.weekday() * DAY


def _week(
    session: Session,
    start: datetime,
    end: datetime,
    ca_of: Mapping[str, str],
    known: Mapping[str, Authority],
) -> Week:
    expiring = rows.expiring(session, start, end)
    at_account = rows.renewing(session, start, end)
    within = start is not _BEGIN and end is not _END
    return Week(
        start=None if start is _BEGIN else start,
        end=None if end is _END else end,
        expires=sum(expiring.values()),
        unattended=expiring.get(True, 0),
        renews=sum(at_account.values()),
        wave=_wave(at_account, ca_of, known) if within else "",
    )


def _wave(
    at_account: Mapping[str | None, int], ca_of: Mapping[str, str], known: Mapping[str, Authority]
) -> str:
    """The first account of which more renewals are planned than its CA takes at once.

    Renewals of unchanged names count against nothing but what is counted per account, and not even
    against that where the CA exempts renewals; what it published is the measure anyway, for a wave
    is heavy on everything else, too.
    """
    per_ca: Counter[str] = Counter()
    for account_id, number in at_account.items():
        ca = ca_of.get(account_id or "", "")
        per_ca[ca] = max(per_ca[ca], number)
    for ca, number in per_ca.most_common():
        limits = known[ca].rate_limits if ca in known else ()
        takes = [each for each in limits if each.per == "account" and each.what != "failure"]
        strictest = min(takes, key=lambda each: each.most, default=None)
        if strictest is not None and number > strictest.most:
            return (
                f"{number} with one account at {known[ca].title}, which takes "
                f"{strictest.most} in {strictest.hours} h"
            )
    return ""
