"""CAs, as the catalogue and the operator describe them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kmtui.model.words import ChallengeType, KeyType

SILENT_AFTER = timedelta(days=2)
"""So long nothing but failures, and a CA counts as silent: a weekend's outage is told in time, a
bad hour is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """When a CA answered last, and since when it does not, as seen from here."""

    ca: str
    answered_at: datetime | None = None
    """When it last behaved as an ACME server; None when it never did."""
    failing_since: datetime | None = None
    """The first failure since it last answered; None while it answers."""
    failed_at: datetime | None = None
    """The last failure since then."""
    error: str = ""
    """What went wrong then."""

    @property
    def at(self) -> datetime:
        """When anything was heard or missed last."""
        return max(filter(None, (self.answered_at, self.failed_at)))

    @property
    def silent(self) -> bool:
        """Whether it was tried again and again for `SILENT_AFTER`, and never answered."""
        if self.failing_since is None or self.failed_at is None:
            return False
        return self.failed_at - self.failing_since >= SILENT_AFTER

    @property
    def word(self) -> str:
        """`ok`, `failing`, `silent`; `never` when it was not asked anything yet."""
        if self.silent:
            return "silent"
        if self.failing_since is not None:
            return "failing"
        return "ok" if self.answered_at is not None else "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of certificate a CA offers by name (draft-ietf-acme-profiles)."""

    name: str
    lifetime_hours: int | None = None
    max_names: int | None = None
    ip: bool = False
    """Whether it takes IP addresses as names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """So many of one thing in so many hours, counted for each account, name set, domain or name."""

    what: str
    """`order`, `certificate` or `failure` (a validation that failed)."""
    per: str
    """`account`, `names` (exactly the same set), `domain` (registered) or `name`."""
    most: int
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """When a CA ended its service, and where to go instead."""

    no_new_accounts: date
    last_orders: date
    last_issuance: date
    endpoint_off: str
    """Year and month its ACME endpoint stopped answering: ``2026-04``."""
    alternatives: tuple[str, ...]
    """Names of active CAs, the closest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA: its ACME directory, how it is trusted, and what it is known to allow.

    What is not known is None; the directory itself has the last word (RFC 8555 section 7.1.1).
    """

    name: str
    title: str
    directory_url: str
    """Empty while `state` is ``custom-url``: the CA gives each customer a URL of their own."""
    state: str
    """`active`, `retired`, `custom` (added by the operator) or `custom-url`."""
    overrides: bool = False
    """Whether it was added in the place of the catalogue's CA of that name."""
    eab: str = "none"
    """External account binding (RFC 8555 section 7.3.4): `none` or `required`."""
    single_account: bool = False
    """Whether kmtui keeps to one account there."""
    email_required: bool = False
    test: bool = False
    """Whether its certificates are for trying out: no browser trusts them."""
    max_names: int | None = None
    adds_www: bool = False
    """Whether it adds ``www.`` to the name unasked."""
    wildcard: bool | None = None
    ip: bool | None = None
    lifetime_days: int | None = None
    challenge_types: tuple[str, ...] = (ChallengeType.HTTP_01, ChallengeType.DNS_01)
    key_types: tuple[str, ...] = tuple(KeyType)
    """Key types of certificates it signs."""
    profiles: tuple[Profile, ...] = ()
    ari: bool | None = None
    key_rollover: bool | None = None
    orders_list: bool | None = None
    limits: tuple[str, ...] = ()
    """Rate and other limits, a sentence each."""
    rate_limits: tuple[RateLimit, ...] = ()
    """Those that are counted here, so that they are not run into."""
    notes: tuple[str, ...] = ()
    """What an operator should know before using it, a sentence each."""
    sources: tuple[str, ...] = ()
    checked_on: date | None = None
    retired: Retirement | None = None
    ca_bundle: str | None = None
    """PEM roots that replace the system's trust."""
    proxy: str | None = None
