"""What each ACME error type means for an operator, as data: what happened, what to do, what next.

Types are those of RFC 8555 section 6.7, RFC 9773 section 7.4 and the profiles draft, keyed by
their last word; words starting with ``kmtui:`` are our own, for what no problem document reports.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What the one who runs the work should do about a problem."""

    RETRY_NOW = "retry-now"
    RETRY_LATER = "retry-later"
    """After the Retry-After of the CA, else with growing pauses."""
    FIX_INPUT = "fix-input"
    """The same request would fail again: change it first."""
    NEEDS_HUMAN = "needs-human"
    """Something must be read, agreed to or set up at the CA."""
    NEW_ORDER = "new-order"
    DROP_REPLACES = "drop-replaces"
    """Send newOrder once more without `replaces` (RFC 9773 section 5)."""
    DONE = "done"
    """What was asked for is the case already."""
    STOP = "stop"


class Advice(NamedTuple):
    """Plain words for one error type."""

    what: str
    hint: str
    action: Action


_LATER, _FIX, _HUMAN = Action.RETRY_LATER, Action.FIX_INPUT, Action.NEEDS_HUMAN

ADVICE: dict[str, Advice] = {
    "accountDoesNotExist": Advice(
        "The CA does not know this account",
        "if the CA has lost it, register it again under the same name: it keeps its key, and retry",
        _HUMAN,
    ),
    "agreementRequired": Advice(
        "The CA asks for agreement to its terms of service",
        "read the terms, then agree: T on the account's sheet, or kmtui account update NAME "
        "--agree-tos; what waits for it goes on",
        _HUMAN,
    ),
    "alreadyReplaced": Advice(
        "The certificate to be replaced was replaced already",
        "order again without naming the predecessor",
        Action.DROP_REPLACES,
    ),
    "alreadyRevoked": Advice(
        "The certificate is revoked already", "nothing is left to do", Action.DONE
    ),
    "badCSR": Advice(
        "The CA does not accept the certificate signing request",
        "compare key type, names and extensions with what the CA allows; SSL.com also says this "
        "when the account has no e-mail address",
        _FIX,
    ),
    "badNonce": Advice(
        "The CA kept rejecting fresh request numbers (nonces)",
        "the CA is overloaded or runs on several servers that disagree; retry in some minutes",
        _LATER,
    ),
    "badPublicKey": Advice(
        "The CA does not accept this public key",
        "use another key type or size: EC P-256 is accepted nearly everywhere",
        _FIX,
    ),
    "badRevocationReason": Advice(
        "The CA does not accept this revocation reason",
        "use unspecified, keyCompromise, superseded or cessationOfOperation",
        _FIX,
    ),
    "badSignatureAlgorithm": Advice(
        "The CA does not accept this account key's signature algorithm",
        "use another account key type: EC P-256 (ES256) or RSA (RS256)",
        _FIX,
    ),
    "caa": Advice(
        "A CAA record forbids this CA to issue for the name",
        "add a CAA record with this CA's identifier at the name or its parent, or remove the "
        "record that forbids it",
        _FIX,
    ),
    "compound": Advice("The CA refused for several reasons", "read the reasons per name", _FIX),
    "conflict": Advice(
        "What was asked for collides with something the CA has already",
        "if a certificate was to be replaced, order without naming the predecessor",
        Action.DROP_REPLACES,
    ),
    "connection": Advice(
        "The CA could not connect to the server it wanted to check",
        "open port 80 to the whole internet for http-01 (CAs check from several places), look at "
        "A and AAAA records, or prove the name by dns-01",
        Action.NEW_ORDER,
    ),
    "dns": Advice(
        "The CA could not look up the name in DNS",
        "check that the record exists on every authoritative name server and that DNSSEC is "
        "valid; a missing TXT record often just needs a longer wait",
        Action.NEW_ORDER,
    ),
    "externalAccountRequired": Advice(
        "The CA registers only accounts bound to one it knows (EAB)",
        "get a key id and an HMAC key from the CA and register with them",
        _HUMAN,
    ),
    "incorrectResponse": Advice(
        "The CA found another answer than the one expected",
        "check that the TXT value or the file is the published one and that no old value, cache "
        "or redirect stands in between",
        Action.NEW_ORDER,
    ),
    "invalidContact": Advice(
        "The CA does not accept the e-mail address", "correct the account's e-mail address", _FIX
    ),
    "invalidProfile": Advice(
        "The CA does not offer this certificate profile",
        "choose a profile the CA lists, or none",
        _FIX,
    ),
    "malformed": Advice(
        "The CA could not make sense of the request",
        "read the CA's own words; if they do not help, this is worth a bug report",
        Action.STOP,
    ),
    "orderNotReady": Advice(
        "The order is not ready to be finalized", "ask for the order again, then go on", _LATER
    ),
    "rateLimited": Advice(
        "The CA's rate limit is reached",
        "wait as long as the CA says; ordering the same names again and again counts too",
        _LATER,
    ),
    "rejectedIdentifier": Advice(
        "The CA does not issue for this name",
        "check the name for typing errors; public CAs refuse internal names, and some refuse "
        "names on their block lists",
        _FIX,
    ),
    "serverInternal": Advice(
        "The CA has an internal error",
        "retry later; look at the CA's status page if it lasts",
        _LATER,
    ),
    "tls": Advice(
        "The CA got a TLS error from the server it wanted to check",
        "look at the server's TLS set-up on port 443, or use another challenge type",
        Action.NEW_ORDER,
    ),
    "unauthorized": Advice(
        "The account may not do this",
        "check that the object belongs to this account and that the account is valid",
        Action.STOP,
    ),
    "unsupportedContact": Advice(
        "The CA does not support this kind of contact", "use one plain e-mail address", _FIX
    ),
    "unsupportedIdentifier": Advice(
        "The CA does not issue for this kind of name",
        "IP addresses and wildcards are not offered everywhere; choose another CA or profile",
        _FIX,
    ),
    "userActionRequired": Advice(
        "The CA wants a human to act first",
        "open the link; where it is about changed terms of service, agree to them: T on the "
        "account's sheet, or kmtui account update NAME --agree-tos; what waits for it goes on",
        _HUMAN,
    ),
}
"""By the last word of the error type."""

CHALLENGE_ADVICE: dict[str, Advice] = {
    "unauthorized": Advice(
        "The CA looked and did not find the expected answer",
        "check that what the CA saw is this server or zone: other records at the name, a proxy, "
        "an error page or an old TXT value are the usual reasons",
        Action.NEW_ORDER,
    ),
    "malformed": Advice(
        "The CA could not read the answer it found",
        "check that TXT value or file holds the published value and nothing else",
        Action.NEW_ORDER,
    ),
    "rejectedIdentifier": Advice("The CA does not check this name", "see the CA's own words", _FIX),
}
"""Types that mean something else inside a challenge (RFC 8555 section 7.1.5)."""

ACCOUNT_GONE = Advice(
    "The account is deactivated at the CA",
    "deactivation is final: register a new account with a new key",
    _HUMAN,
)
_BINDING_SPENT = Advice(
    "The CA does not take this external account binding again",
    "bindings are often good for one registration: find the account by its key, or get a new "
    "binding from the CA",
    _HUMAN,
)
_PAUSED = Advice(
    "The CA paused issuance for this name after many failures",
    "repair the validation, then follow the CA's link to unpause the name",
    _HUMAN,
)

CLUES: tuple[tuple[str, str, Advice], ...] = (
    ("malformed", "terms of service", ADVICE["agreementRequired"]),
    ("malformed", "must agree", ADVICE["agreementRequired"]),
    ("malformed", "external account binding", _BINDING_SPENT),
    ("malformed", "key id", ADVICE["accountDoesNotExist"]),
    ("malformed", "keyid header", ADVICE["accountDoesNotExist"]),
    ("malformed", "kid does not have", ADVICE["accountDoesNotExist"]),
    ("malformed", "account not found", ADVICE["accountDoesNotExist"]),
    ("unauthorized", "deactivated", ACCOUNT_GONE),
    ("rateLimited", "unpause", _PAUSED),
    ("rateLimited", "paused", _PAUSED),
)
"""Type and a lower-case phrase of the detail: CAs that say something under another type."""

OWN_ADVICE: dict[str, Advice] = {
    "kmtui:ca-unreachable": Advice(
        "The CA cannot be reached",
        "check network, proxy and the directory URL; the CA may also be down",
        _LATER,
    ),
    "kmtui:ca-unknown-host": Advice(
        "The CA's host name cannot be resolved",
        "check the directory URL and this machine's DNS",
        _LATER,
    ),
    "kmtui:ca-untrusted": Advice(
        "The CA's TLS certificate is not trusted",
        "for a private CA give its root certificate as trust bundle; otherwise somebody stands in "
        "between, or this machine's trust store or clock is off",
        _HUMAN,
    ),
    "kmtui:response-lost": Advice(
        "The CA's answer did not arrive",
        "the request may have been carried out: ask for the state before repeating it",
        _LATER,
    ),
    "kmtui:not-acme": Advice(
        "What answers there is not an ACME server",
        "check the directory URL; a login page or proxy may stand in between",
        _FIX,
    ),
    "kmtui:overloaded": Advice(
        "The CA is overloaded or in maintenance", "retry later; kmtui keeps the work", _LATER
    ),
    "kmtui:http-error": Advice(
        "The CA answered with an error page", "retry later; check the directory URL", Action.STOP
    ),
    "kmtui:protocol": Advice(
        "The CA answered something that must not be acted on",
        "nothing was changed by it; try again, and tell the CA if it lasts",
        Action.STOP,
    ),
    "kmtui:not-offered": Advice(
        "The CA does not offer this", "see what the CA's directory lists", Action.STOP
    ),
    "kmtui:key-changing": Advice(
        "The key of the account is being replaced by another process",
        "it takes a moment: try again then",
        _LATER,
    ),
    "kmtui:profile-retired": Advice(
        "The CA does not offer this certificate profile any more",
        "the next order goes without it, as it is only preferred",
        Action.NEW_ORDER,
    ),
    "kmtui:key-in-use": Advice(
        "The new key belongs to an account at this CA already", "take a freshly made key", _FIX
    ),
    "kmtui:still-processing": Advice(
        "The CA is still working on it", "nothing is lost: ask again later", _LATER
    ),
    "kmtui:certificate-unread": Advice(
        "The CA may have issued, and the certificate could not be read",
        "nothing is lost: the order is asked again later, with the same key",
        _LATER,
    ),
    "kmtui:authorization-invalid": Advice(
        "The CA could not verify the name and gave no reason",
        "check the published answer, then start a new order",
        Action.NEW_ORDER,
    ),
    "kmtui:authorization-expired": Advice(
        "The CA's time for proving the name ran out", "start a new order", Action.NEW_ORDER
    ),
    "kmtui:authorization-deactivated": Advice(
        "The authorization was deactivated", "start a new order", Action.NEW_ORDER
    ),
    "kmtui:authorization-revoked": Advice(
        "The CA took the authorization back", "start a new order", Action.NEW_ORDER
    ),
    "kmtui:order-invalid": Advice(
        "The CA declared the order invalid and gave no reason",
        "look at the names' challenges, then start a new order",
        Action.NEW_ORDER,
    ),
}


MOVED_STATUSES = frozenset({404, 405, 410})
"""What a service answers that is no longer where the directory said when it was last read."""
REPLACES_REFUSED = frozenset({400, 403, 404, 409, 500})
"""How CAs refuse `replaces` in newOrder: gone, replaced, of another account, of another CA.

RFC 9773 section 5 names 409 alone; others answer 400, 403 or 404, under types of their own. Some
stumble over a predecessor for good: Pebble answers 500 where its serial begins with a zero octet.
"""


def advice_for(type_: str, detail: str, *, status: int | None, in_challenge: bool) -> Advice:
    """The words for a problem: by our own type, a clue in the detail, the type, the status."""
    if type_ in OWN_ADVICE:
        return OWN_ADVICE[type_]
    if status == 501:
        # Not implemented, whatever the type says: step-ca calls it rejectedIdentifier.
        return OWN_ADVICE["kmtui:not-offered"]
    short = type_.rsplit(":", 1)[-1]
    if in_challenge and short in CHALLENGE_ADVICE:
        return CHALLENGE_ADVICE[short]
    lower = detail.lower()
    for clue_type, phrase, advice in () if in_challenge else CLUES:
        if short == clue_type and phrase in lower:
            return advice
    if short in ADVICE:
        return ADVICE[short]
    if status == 429:
        return ADVICE["rateLimited"]
    if status is not None and status >= 500:
        return ADVICE["serverInternal"]
    return Advice("The CA refused", "read the CA's own words", Action.STOP)
