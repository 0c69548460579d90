"""What DNS Made Easy's refusals mean, and what to do about them.

https://api-docs.dnsmadeeasy.com/
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from kmtui.core.dns.api import Api, Reply
from kmtui.core.errors import DnsProviderError

LONGEST_TEXT = 300
"""Characters of the vendor's own words in a message."""
MOST_SKEW = 30.0
"""Seconds by which the date in a signature may be off, as far as is known."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


# By status and a part of the vendor's words, in lower case; an empty part is any other words.
MEANINGS = {
    (403, "unable to verify hmac"): Meaning(
        "auth",
        "the secret does not belong to the key",
        "copy `api_key` and `api_secret` again from one account (Config, Account Information)",
    ),
    (403, "missing api key or hmac"): Meaning(
        "auth",
        "key or signature did not arrive",
        "check any proxy between: it must let the x-dnsme headers pass",
    ),
    (403, ""): Meaning(
        "auth",
        "the key is not accepted",
        "keys of the sandbox work only with `sandbox=yes`, others only without; the account needs "
        "the Business plan or a larger one",
    ),
    (401, ""): Meaning(
        "auth",
        "the key is not accepted",
        "set `api_key` and `api_secret` anew",
    ),
    (404, ""): Meaning(
        "zone_not_found",
        "the account does not hold this zone",
        "check that the domain is in the account whose key this is",
    ),
}
OTHER = Meaning(
    "invalid_request",
    "the call was refused",
    "see the words in DNS Made Easy's documentation; its support finds the call by its request id",
)


def said(reply: Reply) -> str:
    """The vendor's words; empty for the pages of HTML that some errors are."""
    body = reply.json()
    errors = body.get("error") if isinstance(body, dict) else None
    words = errors if isinstance(errors, list) else [errors or ""]
    return "; ".join(filter(None, map(str, words)))[:LONGEST_TEXT]


def refusal(api: Api, reply: Reply, now: datetime) -> DnsProviderError:
    """The error that a reply without success is; `now` is this host's time."""
    skew = seconds_ahead(reply, now)
    if reply.status == 403 and skew is not None and abs(skew) > MOST_SKEW:
        return api.error(
            f"this host's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} "
            f"{api.title}'s, so its signatures are not accepted",
            kind="clock_skew",
            hint="set the clock, best by NTP: each call is signed with its time",
            code=str(reply.status),
            reply=reply,
        )
    words = said(reply)
    meaning = next(
        (
            meaning
            for (status, part), meaning in MEANINGS.items()
            if status == reply.status and part in words.lower()
        ),
        OTHER,
    )
    return api.error(
        f"{api.title}: {meaning.message} ({words or f'HTTP {reply.status}'})",
        kind=meaning.kind,
        hint=meaning.hint,
        code=str(reply.status),
        reply=reply,
    )


def seconds_ahead(reply: Reply, now: datetime) -> float | None:
    """By how much this host's clock is ahead of the vendor's; None when the reply has no date."""
    try:
        return (now - parsedate_to_datetime(reply.headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None


def is_too_fast(reply: Reply) -> bool:
    """Whether a call was refused by the rate limit: a 400 like other errors, or one day a 429."""
    limit = reply.status == 400 and "rate limit exceeded" in said(reply).lower()
    return limit or reply.status == 429


def is_duplicate(reply: Reply) -> bool:
    """Whether the very record is there already."""
    return reply.status == 400 and "already exists" in said(reply).lower()
