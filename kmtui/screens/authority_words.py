"""A CA in words, where one is chosen for an account."""

from __future__ import annotations

from kmtui.model import Authority
from kmtui.widgets.details import Fact


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
        return f"{ca.title} gives each customer a URL: kmtui ca add makes a CA of it"
    return None


def ca_facts(ca: Authority) -> list[Fact]:
    """What the catalogue knows: dates and alternatives of a retired CA, limits of others."""
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
    if ca.email_required:
        facts.append(("E-mail", "required"))
    if ca.lifetime_days:
        facts.append(("Lifetime", f"{ca.lifetime_days} days"))
    if ca.single_account:
        facts.append(("Accounts", "one only"))
    return [*facts, *(("Note", note) for note in ca.notes), *(("Limit", it) for it in ca.limits)]
