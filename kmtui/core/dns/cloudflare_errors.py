"""What Cloudflare's refusals mean, and what to do about them.

https://developers.cloudflare.com/fundamentals/api/troubleshooting/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kmtui.core.dns.api import Api, Reply
from kmtui.core.errors import DnsProviderError

LONGEST_TEXT = 300
"""Characters of the vendor's own words in a message."""

GONE = "81044"
IDENTICAL = frozenset({"81057", "81058"})
"""A record of this name, type and content exists."""
MAY_NOT_LIST = "com.cloudflare.api.account.zone.list"
"""The right that Cloudflare names when a token may not list zones."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


_ZONE_ID = Meaning(
    "zone_not_found",
    "no zone has this id",
    "`zone_id` takes the 32 characters on the zone's overview page",
)
_CREDENTIAL = Meaning(
    "auth",
    "the credential is malformed",
    "copy the whole token into `api_token`; a global key belongs into `api_key`, with `email`",
)
_ALIAS = Meaning(
    "conflict",
    "the name is an alias (CNAME), so it cannot hold a TXT record",
    "let the alias be followed, or remove the CNAME record",
)

MEANINGS = {
    "6003": _CREDENTIAL,
    "6111": Meaning(
        "auth",
        "the token is malformed",
        "copy the whole token; a global key is no token: it belongs into `api_key`, with `email`",
    ),
    "6102": Meaning(
        "auth",
        "the e-mail address is malformed",
        "`email` is the address with which the owner of the global key logs in",
    ),
    "6103": Meaning(
        "auth",
        "the key is malformed",
        "`api_key` takes the global key; a token belongs into `api_token`, and an Origin CA key "
        "does not work",
    ),
    "9103": Meaning(
        "auth",
        "e-mail address or global key is wrong",
        "compare both with the dashboard, or better make a token that may edit this zone's DNS",
    ),
    "9109": Meaning(
        "auth",
        "the token is invalid, or not valid from this host's address",
        "see in the dashboard (My Profile, API Tokens) whether it exists, has expired, or filters "
        "client addresses",
    ),
    "1000": Meaning(
        "auth",
        "the token is invalid",
        "see in the dashboard (My Profile, API Tokens) whether it exists and is active",
    ),
    "10000": Meaning(
        "permission",
        "the credential has no right to this",
        "give the token Zone:Read and DNS:Edit for this zone",
    ),
    "1009": Meaning(
        "permission",
        "the token may not change records here",
        "give the token DNS:Edit for this zone",
    ),
    MAY_NOT_LIST: Meaning(
        "permission",
        "the token may not list zones",
        "set `zone_id`, or give the token (or a second one, `zone_token`) Zone:Read",
    ),
    "1001": _ZONE_ID,
    "7000": _ZONE_ID,
    "7003": _ZONE_ID,
    "9021": Meaning(
        "invalid_request",
        "this TTL is not allowed",
        "set `ttl` to a value between 60 and 86400",
    ),
    GONE: Meaning("conflict", "the record is gone", "try again"),
    "81053": _ALIAS,
    "81054": _ALIAS,
    "81045": Meaning(
        "quota",
        "the zone holds as many records as its plan allows",
        "remove records that are not needed, or change the plan",
    ),
    "81057": Meaning("conflict", "an identical record exists", "try again"),
    "81058": Meaning("conflict", "an identical record exists", "try again"),
}

# A refusal without a code of the table, by HTTP status.
BY_STATUS = {
    401: Meaning("auth", "the credential is not accepted", "set `api_token` anew"),
    403: Meaning(
        "permission",
        "the credential has no right to this",
        "give the token Zone:Read and DNS:Edit for this zone",
    ),
}
OTHER = Meaning(
    "invalid_request",
    "the call was refused",
    "see the code in Cloudflare's documentation; its support finds the call by its Ray ID",
)


def refusal(api: Api, reply: Reply, body: dict[str, Any]) -> DnsProviderError:
    """The error that a reply without success is."""
    said = list(_said(body.get("errors")))
    text = "; ".join(filter(None, dict.fromkeys(text for _, text in said)))[:LONGEST_TEXT]
    # A chain tells what its error is about: "1004 DNS validation error" is any of a dozen.
    code = next((code for code, _ in reversed(said) if code in MEANINGS), "")
    if MAY_NOT_LIST in text:
        code = MAY_NOT_LIST
    meaning = MEANINGS.get(code) or BY_STATUS.get(reply.status, OTHER)
    code = code or next((code for code, _ in said), str(reply.status))
    return api.error(
        f"{api.title}: {meaning.message} ({text or f'HTTP {reply.status}'})",
        kind=meaning.kind,
        hint=meaning.hint,
        code=code,
        reply=reply,
    )


def _said(errors: Any) -> Iterator[tuple[str, str]]:
    """Codes and texts, each error before those of its chain."""
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield str(error.get("code", "")), str(error.get("message") or "")
            yield from _said(error.get("error_chain"))
