"""The local count of orders, certificates and failures, held against each CA's rate limits.

A CA tells that a limit is reached when it is too late: the wait is then hours or a week. What this
inventory did itself is known before, so it is said before. Other clients of the same account or
domain are not seen here: the CA has the last word.
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlmodel import Session

from kmtui.core.errors import OverLimit
from kmtui.core.problems import counted
from kmtui.db import rate_events
from kmtui.db.requests import names_hash
from kmtui.model import Authority, RateLimit, RequestKind

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

SAME_NAMES = RateLimit(what="certificate", per="names", most=3, hours=168)
"""Held everywhere: a fourth certificate for the same names within a week is a loop or a mistake,
and the strictest public CA gives five."""
SHARED = ("domain", "name")
"""What limits count for, whichever account asks."""
MOST_SCOPES = 5
"""Domains or names told of one limit."""
KEPT = timedelta(days=60)
"""How long events are kept; no limit looks back further."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one limit is used up in one scope."""

    limit: RateLimit
    scope: str
    used: int
    free_at: datetime | None
    """When the next one is free again; None while there is room."""

    def __str__(self) -> str:
        noun = {"failure": "failed validation"}.get(self.limit.what, self.limit.what)
        whose = {"names": "exactly these names", "account": "this account"}.get(
            self.limit.per, self.scope
        )
        hours = self.limit.hours
        span = counted(hours // 24, "day") if hours % 24 == 0 else counted(hours, "hour")
        return f"{counted(self.used, noun)} for {whose} in {span}, of {self.limit.most}"


async def prepare() -> None:
    """Read the public suffix list, once and for all: 0.2 s for which a transaction that counts
    domains would keep everybody else from writing."""
    if not _suffixes.cache_info().currsize:
        await asyncio.to_thread(_read_suffixes)


def ordered(session: Session, *, at: datetime, ca: str, account_id: str, request_id: str) -> None:
    """Note a new order."""
    rate_events.add(
        session,
        at=at,
        ca=ca,
        what="order",
        per="account",
        scopes=[account_id],
        request_id=request_id,
    )
    rate_events.forget_before(session, at - KEPT)


def issued(
    session: Session, *, at: datetime, ca: str, names: Sequence[str], request_id: str
) -> None:
    """Note a certificate: it counts for its set of names and for each registered domain."""
    for per, scopes in (("names", [names_hash(names)]), ("domain", domains(names))):
        rate_events.add(
            session,
            at=at,
            ca=ca,
            what="certificate",
            per=per,
            scopes=scopes,
            request_id=request_id,
        )


def failed(session: Session, *, at: datetime, ca: str, name: str, request_id: str) -> None:
    """Note a validation that the CA carried out in vain."""
    bare = name.removeprefix("*.")
    rate_events.add(
        session, at=at, ca=ca, what="failure", per="name", scopes=[bare], request_id=request_id
    )


def standings(
    session: Session,
    authority: Authority,
    *,
    account_id: str,
    names: Sequence[str],
    kind: str,
    now: datetime,
) -> list[Standing]:
    """How far each limit that this request would count against is used up.

    A renewal for unchanged names does not count against orders and domains at CAs that publish
    such limits (https://letsencrypt.org/docs/rate-limits/#limit-exemptions-for-renewals).
    """
    scopes: dict[str, Iterable[str]] = {
        "account": [account_id],
        "names": [names_hash(names)],
        "name": {name.removeprefix("*.") for name in names},
    }
    exempt = ("account", "domain") if kind == RequestKind.RENEW else ()
    limits = [limit for limit in (SAME_NAMES, *authority.rate_limits) if limit.per not in exempt]
    return [
        _standing(session, authority.name, limit, scope, now)
        for limit in limits
        for scope in (domains(names) if limit.per == "domain" else scopes[limit.per])
    ]


def of_account(
    session: Session, authority: Authority, *, account_id: str, now: datetime
) -> list[Standing]:
    """How far each limit that is counted for an account is used up; then those that all accounts
    here use up together, of each limit the domains or names that use the most of it.

    Of a set of names only a digest is kept: those limits are told where the names are at hand.
    """
    own = [
        _standing(session, authority.name, limit, account_id, now)
        for limit in authority.rate_limits
        if limit.per == "account"
    ]
    shared = [
        _standing(session, authority.name, limit, scope, now)
        for limit in authority.rate_limits
        if limit.per in SHARED
        for scope in rate_events.scopes(
            session,
            ca=authority.name,
            what=limit.what,
            per=limit.per,
            start=now - timedelta(hours=limit.hours),
            most=MOST_SCOPES,
        )
    ]
    return own + shared


def refuse_over(found: Iterable[Standing]) -> None:
    """Raise OverLimit for the first limit that is used up, with the time when it is free again."""
    for standing in found:
        if standing.free_at is not None:
            raise OverLimit(
                f"that would be too many: {standing}",
                hint=f"wait until {standing.free_at:%Y-%m-%d %H:%M} UTC, or use --force",
            )


def warnings(found: Iterable[Standing]) -> list[str]:
    """A line for each limit that the next one or the one after it would reach."""
    return [
        f"close to a limit: {standing}"
        for standing in found
        if standing.used and standing.used >= standing.limit.most - 1
    ]


def domains(names: Iterable[str]) -> list[str]:
    """The registered domain of each name, each once; addresses and suffixes stand for themselves.

    By the public suffix list, private section included, as the CAs count
    (https://publicsuffix.org/).
    """
    return sorted({_domain(name.removeprefix("*.")) for name in names})


def _domain(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return str(_suffixes().privatesuffix(name) or name)


_READING = threading.Lock()


def _read_suffixes() -> None:
    with _READING:  # the first few requests come at once
        _suffixes()


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _standing(session: Session, ca: str, limit: RateLimit, scope: str, now: datetime) -> Standing:
    span = timedelta(hours=limit.hours)
    events = rate_events.since(
        session, ca=ca, what=limit.what, per=limit.per, scope=scope, start=now - span
    )
    over = len(events) - limit.most
    return Standing(limit, scope, len(events), events[over] + span if over >= 0 else None)
