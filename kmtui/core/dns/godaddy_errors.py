"""What GoDaddy's refusals mean, and what to do about them.

https://developer.godaddy.com/doc/endpoint/domains
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kmtui.core.dns.api import Api, Reply
from kmtui.core.errors import DnsProviderError

LONGEST_TEXT = 300
"""Characters of the vendor's own words in a message."""

BUSY = "being used in another request"
DUPLICATE = "same attributes already exists"
QUOTA_EXCEEDED = "QUOTA_EXCEEDED"

BY_ALIAS = "let the name be an alias (CNAME) into a zone at another provider"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


_WRONG_KEY = Meaning(
    "auth",
    "key or secret is wrong",
    "set `api_key` and `api_secret` anew; keys of the test environment (OTE) work only there, "
    "with `base_url=https://api.ote-godaddy.com`",
)
_NO_ZONE = Meaning(
    "zone_not_found",
    "the account does not hold this zone",
    "check that the domain is in the account whose key this is, and uses GoDaddy's name servers",
)

MEANINGS = {
    "UNABLE_TO_AUTHENTICATE": _WRONG_KEY,
    "MISSING_CREDENTIALS": _WRONG_KEY,
    "MALFORMED_CREDENTIALS": _WRONG_KEY,
    "ACCESS_DENIED": Meaning(
        "plan_restriction",
        "the key is valid, and this account may not use the DNS interface",
        "GoDaddy opens it only to accounts with ten or more domains, or a Discount Domain Club "
        f"plan; else {BY_ALIAS}",
    ),
    "NOT_FOUND": _NO_ZONE,
    "UNKNOWN_DOMAIN": _NO_ZONE,
    "INVALID_BODY": Meaning(
        "invalid_request",
        "the record was refused",
        "GoDaddy takes TTLs from 600 to 604800 seconds",
    ),
    QUOTA_EXCEEDED: Meaning(
        "quota",
        "the account's calls of this month are used up",
        f"wait for the next month or ask GoDaddy for more; until then {BY_ALIAS}",
    ),
}

# A refusal without a code of the table, by HTTP status.
BY_STATUS = {
    401: _WRONG_KEY,
    403: Meaning(
        "permission",
        "the key may not do this",
        f"use a production key of the account that owns the domain; else {BY_ALIAS}",
    ),
    404: _NO_ZONE,
}
UNDER_WAY = Meaning(
    "transient",
    "another change of the zone is still under way",
    "try again in a minute; other programs may be changing the same zone",
)
OTHER = Meaning(
    "invalid_request",
    "the call was refused",
    "see GoDaddy's documentation for the code; its support finds the call by its X-Request-Id",
)


def said(reply: Reply) -> tuple[str, str]:
    """The code and the words of a reply; both empty when there are none."""
    body = reply.json()
    if not isinstance(body, dict):
        return "", ""
    fields = body.get("fields")
    words = [_text(body), *map(_text, fields if isinstance(fields, list) else ())]
    return str(body.get("code") or ""), "; ".join(filter(None, words))[:LONGEST_TEXT]


def refusal(api: Api, reply: Reply) -> DnsProviderError:
    """The error that a reply without success is."""
    code, _ = said(reply)
    return _error(api, reply, MEANINGS.get(code) or BY_STATUS.get(reply.status, OTHER))


def busy(api: Api, reply: Reply) -> DnsProviderError | None:
    """The error that a zone locked by a change is, as it is for seconds after each."""
    locked = reply.status == 409 or (reply.status == 422 and BUSY in said(reply)[1])
    return _error(api, reply, UNDER_WAY) if locked else None


def is_duplicate(reply: Reply) -> bool:
    """Whether a record is there already, or one that allows no other beside it: an alias."""
    code, words = said(reply)
    return reply.status == 422 and (code == "DUPLICATE_RECORD" or DUPLICATE in words)


def _error(api: Api, reply: Reply, meaning: Meaning) -> DnsProviderError:
    code, words = said(reply)
    return api.error(
        f"{api.title}: {meaning.message} ({words or f'HTTP {reply.status}'})",
        kind=meaning.kind,
        hint=meaning.hint,
        code=code or str(reply.status),
        reply=reply,
    )


def _text(part: Any) -> str:
    """The message of a body or of one of its fields, with the field's place."""
    if not isinstance(part, dict):
        return ""
    words = (str(part.get(key) or "") for key in ("path", "message"))
    return " ".join(filter(None, words))
