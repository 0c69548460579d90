"""What ClouDNS's refusals mean, and what to do about them.

They come with HTTP status 200 and have no codes: only their text tells them apart.
https://www.cloudns.net/wiki/article/42/
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmtui.core.dns.api import Api, Reply
from kmtui.core.errors import DnsProviderError

LONGEST_TEXT = 300
"""Characters of the vendor's own words in a message."""

INVALID_TTL = re.compile(r"invalid ttl", re.IGNORECASE)
TOO_FAST = re.compile(
    r"request blocked|too many requests|rate limit|requests per (second|minute|hour)", re.IGNORECASE
)
PER_SECOND = re.compile(r"per second", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


# The first row whose expression is found in the text.
MEANINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (
            r"invalid authentication|wrong password|parameter '(sub-)?auth",
            Meaning(
                "auth",
                "the API user or its password is not accepted",
                "compare both under API & Resellers in the control panel: an API user has an id "
                "and a password of its own; see there also whether its IP addresses include this "
                "host's",
            ),
        ),
        (
            INVALID_TTL.pattern,
            Meaning(
                "invalid_request",
                "the zone does not allow this TTL",
                "set `ttl` to one that the control panel offers for the zone",
            ),
        ),
        (
            r"(missing|invalid) domain[- ]name|no such zone",
            Meaning(
                "zone_not_found",
                "the API user sees no such zone",
                "create the zone, or delegate it to the sub-user",
            ),
        ),
        (
            r"invalid record-id|no such record",
            Meaning("conflict", "the record is gone", "try again"),
        ),
        (
            r"limits? of your plan|records? limit|limit .*records",
            Meaning(
                "quota",
                "the zone or the sub-user holds as many records as it may",
                "remove records that are not needed, or raise the limit",
            ),
        ),
        (
            r"\bplan\b|upgrade|not available for your",
            Meaning(
                "plan_restriction",
                "the plan of this account does not include it",
                "the HTTP API is part of paid plans: change the plan, or map the names to another "
                "DNS account",
            ),
        ),
        (
            r"(don't|do not|no) (have )?(access|permission)|not allowed|ip address",
            Meaning(
                "permission",
                "the API user may not do this",
                "delegate the zone to the sub-user with the right to change records, and see "
                "whether the API user's IP addresses include this host's",
            ),
        ),
        (
            r"type of zone|not a master zone",
            Meaning(
                "unsupported",
                "records of this zone are not changed at ClouDNS",
                "use the DNS account of the zone's primary server",
            ),
        ),
        (
            r"cname",
            Meaning(
                "conflict",
                "the name is an alias (CNAME), so it cannot hold a TXT record",
                "let the alias be followed, or remove the CNAME record",
            ),
        ),
    )
)
OTHER = Meaning("invalid_request", "the call was refused", "ask ClouDNS's support about this text")


def refused(reply: Reply) -> str | None:
    """Why ClouDNS refused a call, in its words; None for an answer."""
    body = reply.json()
    if not isinstance(body, dict) or body.get("status") != "Failed":
        return None
    return str(body.get("statusDescription") or "no reason given")[:LONGEST_TEXT]


def limited(reply: Reply) -> float | None:
    """See Api: a call that was too fast, and for how many seconds calls are held."""
    text = refused(reply) or ""
    if TOO_FAST.search(text):
        return 1.0 if PER_SECOND.search(text) else 0.0
    return (reply.retry_after or 0.0) if reply.status == 429 else None


def refusal(api: Api, reply: Reply, text: str) -> DnsProviderError:
    """The error that a refusal is."""
    meaning = next((found for pattern, found in MEANINGS if pattern.search(text)), OTHER)
    return api.error(
        f"{api.title}: {meaning.message} ({text})",
        kind=meaning.kind,
        hint=meaning.hint,
        code=text,
        reply=reply,
    )
