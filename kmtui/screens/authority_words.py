"""A CA in words, where one is chosen for an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmtui.core.errors import NotFound
from kmtui.model import Account, Authority
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core


async def known_authority(core: Core, name: str | None) -> Authority | None:
    """The CA of that name; None where it left the catalogue since, or nobody asked one."""
    try:
        return await core.cas.recent(name) if name else None
    except NotFound:
        return None


def ca_label(ca: Authority) -> str:
    marks = {
        "retired": ca.state == "retired",
        "overridden": ca.overrides,
        "EAB": ca.eab == "required",
        "for tests": ca.test and ca.state != "retired",
    }
    said = ", ".join(word for word, holds in marks.items() if holds)
    return f"{ca.title} ({said})" if said else ca.title


def ca_refusal(ca: Authority) -> str | None:
    """Why nobody can register there, if so."""
    if ca.retired is not None:
        return f"{ca.title} ended its service: no new accounts since {ca.retired.no_new_accounts}"
    if not ca.directory_url:
        return f"{ca.title} gives each customer a URL: I, then n, makes a CA of it"
    return None


def accounts_at(ca: Authority, accounts: Sequence[Account]) -> list[str]:
    """The names of those accounts that are in use there."""
    return [each.name for each in accounts if each.ca == ca.name and each.status != "deactivated"]


def ca_facts(ca: Authority, registered: Sequence[str] = ()) -> list[Fact]:
    """What the catalogue knows: dates and alternatives of a retired CA, limits of others.

    `registered` are the accounts that are there already.
    """
    facts: list[Fact] = [("CA", ca.directory_url or (ca_refusal(ca) or "", "warn"))]
    if (ended := ca.retired) is not None:
        return [
            ("Retired", (f"no new accounts since {ended.no_new_accounts}", "bad")),
            ("", f"No orders since {ended.last_orders}, last issuance {ended.last_issuance},"),
            ("", f"endpoint off since {ended.endpoint_off}."),
            ("Instead", (", ".join(ended.alternatives), "strong")),
        ]
    if ca.overrides:
        facts.append(("Added", f"in place of {ca.name} as the catalogue knows it"))
    if ca.single_account and registered:
        facts.append(("Accounts", (f"one only, and {registered[0]} is there already", "warn")))
    elif ca.single_account:
        facts.append(("Accounts", "one only"))
    if ca.email_required:
        facts.append(("E-mail", "required"))
    if ca.lifetime_days:
        most = f", {ca.max_names} names at most" if ca.max_names else ""
        facts.append(("Issues", f"certificates for {ca.lifetime_days} days{most}"))
    return [*facts, *(("Note", note) for note in ca.notes), *(("Limit", it) for it in ca.limits)]
