"""A CA in words, in the list of CAs and on its sheet: does it answer, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.model import Authority, Contact
from kmtui.screens.checklines import CONTINUED
from kmtui.status import Cell, look, when
from kmtui.widgets.details import Fact

NO_URL = "each customer gets a URL: n adds it"


def answers_word(ca: Authority, contact: Contact | None) -> str:
    """``ok``, ``failing``, ``silent``, ``never``; ``retired`` of one that ended its service."""
    return "retired" if ca.retired else contact.word if contact else "never"


def answers_fact(ca: Authority, contact: Contact | None) -> list[Fact]:
    """Whether it answers, since when it does not and why, and what to do then."""
    if ca.retired is not None:
        return []
    word = answers_word(ca, contact)
    tone = look(word).tone
    if contact is None:
        return [("Answers", ("not asked yet: t asks it", "muted"))]
    last = f"last answer {when(contact.answered_at)}" if contact.answered_at else "never answered"
    if contact.failing_since is None:
        return [("Answers", (f"{word}, {last}", tone))]
    facts: list[Fact] = [
        ("Answers", (f"{word} since {when(contact.failing_since)}, {last}", tone)),
        (CONTINUED, contact.error),
    ]
    if contact.silent:
        facts.append((CONTINUED, "If it is gone for good, M moves its certificates to another CA."))
    return facts


def limits_word(ca: Authority) -> str:
    """What it allows at most, as far as is known: ``100 names, 90 d``."""
    names = ca.max_names and ("1 name" if ca.max_names == 1 else f"{ca.max_names} names")
    days = ca.lifetime_days and f"{ca.lifetime_days} d"
    only = "1 acct" if ca.single_account else ""
    return ", ".join(str(word) for word in (names, days, only) if word)


def authority_facts(ca: Authority, answers: Sequence[Fact]) -> list[Fact]:
    """What is known of a CA; `answers` are put where they belong."""
    facts: list[tuple[str, str | Cell | None]] = [
        ("CA", (ca.title, "strong")),
        ("Name", ca.name),
        *_retired_facts(ca),
        *answers,
        ("Directory", ca.directory_url or (NO_URL, "warn")),
        ("Kind", _kind(ca)),
        ("Registering", ", ".join(_asked(ca))),
        ("Names", _names(ca)),
        ("Lifetime", f"{ca.lifetime_days} days" if ca.lifetime_days else ""),
        ("Profiles", "\n".join(_profiles(ca))),
        ("Keys", ", ".join(ca.key_types)),
        ("Challenges", ", ".join(ca.challenge_types)),
        ("Renewal info", {True: "offered (RFC 9773)", False: "not offered", None: ""}[ca.ari]),
        ("Trust", "roots of its own" if ca.ca_bundle else ""),
        ("Proxy", ca.proxy),
        *_each("Limits", ca.limits),
        *_each("Notes", ca.notes),
        *_each("Sources", ca.sources),
        ("Looked up", str(ca.checked_on or "")),
    ]
    return [(label, value) for label, value in facts if value]


def _retired_facts(ca: Authority) -> list[Fact]:
    ended = ca.retired
    if ended is None:
        return []
    return [
        ("Retired", ("registering and issuing are refused", "bad")),
        (CONTINUED, f"no new accounts since {ended.no_new_accounts}"),
        (CONTINUED, f"no orders since {ended.last_orders}"),
        (CONTINUED, f"last certificate issued {ended.last_issuance}"),
        (CONTINUED, f"ACME endpoint off since {ended.endpoint_off}"),
        ("Instead", (", ".join(ended.alternatives), "strong")),
        (CONTINUED, "M on Certificates moves what it issued to another CA;"),
        (CONTINUED, "the history stays."),
    ]


def _kind(ca: Authority) -> str:
    kinds = {
        "for trying out: no browser trusts it": ca.test,
        "added by hand": ca.state == "custom" and not ca.overrides,
        f"added in place of {ca.name} of the catalogue": ca.overrides,
    }
    return ", ".join(word for word, holds in kinds.items() if holds)


def _asked(ca: Authority) -> list[str]:
    asked = {
        "e-mail required": ca.email_required,
        "EAB (key id and HMAC key) required": ca.eab == "required",
        "one account only": ca.single_account,
        "keys cannot be rolled": ca.key_rollover is False,
    }
    return [word for word, holds in asked.items() if holds]


def _names(ca: Authority) -> str:
    known = {
        f"at most {ca.max_names}": ca.max_names,
        "wildcards": ca.wildcard,
        "no wildcards": ca.wildcard is False,
        "IP addresses": ca.ip,
        "no IP addresses": ca.ip is False,
        "adds www. by itself": ca.adds_www,
    }
    return ", ".join(word for word, holds in known.items() if holds)


def _profiles(ca: Authority) -> list[str]:
    lines = []
    for profile in ca.profiles:
        hours = profile.lifetime_hours
        known = [
            f"{hours // 24} days" if hours else "",
            f"{profile.max_names} names" if profile.max_names else "",
            "IP addresses" if profile.ip else "",
        ]
        about = ", ".join(filter(None, known))
        lines.append(f"{profile.name}: {about}" if about else profile.name)
    return lines


def _each(label: str, sentences: Sequence[str]) -> list[Fact]:
    return [(label if at == 0 else CONTINUED, text) for at, text in enumerate(sentences)]
