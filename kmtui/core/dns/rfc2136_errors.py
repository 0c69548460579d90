"""What a name server's refusal of a dynamic update means, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.tsig import TsigKey
from kmtui.core.errors import DnsProviderError

Kinds = type[BaseException] | tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried: fills the placeholders of the tables below."""

    server: Endpoint
    zone: str
    name: str
    key: TsigKey | None

    @property
    def words(self) -> dict[str, str]:
        """Placeholder to text."""
        return {
            "server": str(self.server),
            "zone": self.zone,
            "name": self.name,
            "key": f"key {self.key.label}" if self.key else "no key",
        }


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


# RFC 2136 section 2.2, and what BIND, Knot and PowerDNS mean by each code.
RCODES = {
    dns.rcode.REFUSED: Meaning(
        "permission",
        "{server} refused to change TXT at {name} in {zone} with {key}",
        "let the zone's update-policy or allow-update accept this key for TXT at this name",
    ),
    dns.rcode.NOTAUTH: Meaning(
        "zone_not_found",
        "{server} is not primary for {zone}",
        "it is a secondary, shows this host another view, or `zone` is wrong; give the primary",
    ),
    dns.rcode.NOTZONE: Meaning(
        "invalid_request",
        "{name} lies outside {zone}, says {server}",
        "correct or clear `zone`",
    ),
    dns.rcode.YXRRSET: Meaning(
        "conflict",
        "{name} is an alias (CNAME), so it cannot hold a TXT record",
        "let the alias be followed, or remove the CNAME record",
    ),
    dns.rcode.SERVFAIL: Meaning(
        "transient",
        "{server} failed to change {zone} (SERVFAIL)",
        "often the server may not write its zone file or journal; see its log",
    ),
    dns.rcode.FORMERR: Meaning(
        "unsupported",
        "{server} did not understand the update of {zone} (FORMERR)",
        "it may not support TSIG or dynamic update",
    ),
    dns.rcode.NOTIMP: Meaning(
        "unsupported",
        "{server} does not support dynamic update (NOTIMP)",
        "enable it on the server, or use another provider",
    ),
}
OTHER_RCODE = Meaning("invalid_request", "{server} answered {code} to the update of {zone}", "")

# RFC 8945 section 5.2: what a server says of the signature; the last row is what we say of its own.
FAILURES: tuple[tuple[Kinds, Meaning], ...] = (
    (
        dns.tsig.PeerBadKey,
        Meaning(
            "auth",
            "{server} does not know {key}",
            "compare name and algorithm with the server's key statement",
        ),
    ),
    (
        dns.tsig.PeerBadSignature,
        Meaning(
            "auth",
            "{server} knows {key}, but the secret is another one",
            "paste the secret again from the server's key statement",
        ),
    ),
    (
        dns.tsig.PeerBadTime,
        Meaning(
            "clock_skew",
            "the clocks of this host and of {server} are more than five minutes apart",
            "set both clocks by NTP",
        ),
    ),
    (
        dns.tsig.PeerError,
        Meaning("auth", "{server} does not accept a signature by {key}", "try another algorithm"),
    ),
    (
        (dns.exception.Timeout, TimeoutError),
        Meaning(
            "transient",
            "{server} did not answer in time",
            "check address, port and firewall, and whether `transport` should be tcp or udp",
        ),
    ),
    (
        ConnectionRefusedError,
        Meaning(
            "transient",
            "nothing listens at {server}",
            "check `server`, and whether the name server is running",
        ),
    ),
    (
        OSError,
        Meaning("transient", "{server} cannot be reached ({code})", "check `server` and the route"),
    ),
    (
        EOFError,
        Meaning("transient", "{server} closed the connection without an answer", "try again"),
    ),
    (
        dns.exception.DNSException,
        Meaning(
            "auth",
            "the answer of {server} is not signed with {key}, or is malformed ({code})",
            "something between may have answered instead; check `server`",
        ),
    ),
)

WRONG_ALGORITHM = Meaning(
    "auth",
    "{server} has {key}, but for {code}",
    "set `tsig_algorithm` to {code}",
)
UNSIGNED = Meaning(
    "auth",
    "{server} answered without a signature by {key}; it may not be the server that was asked",
    "check `server`",
)


def error_of(meaning: Meaning, attempt: Attempt, code: str = "") -> DnsProviderError:
    """The error to raise. `code` is the other side's own word."""
    words = attempt.words | {"code": code}
    return DnsProviderError(
        meaning.message.format(**words),
        kind=meaning.kind,
        hint=meaning.hint.format(**words),
        raw_code=code,
    )


def rcode_error(rcode: int, attempt: Attempt) -> DnsProviderError:
    """What a response code other than NOERROR means."""
    return error_of(RCODES.get(dns.rcode.Rcode(rcode), OTHER_RCODE), attempt, _rcode_word(rcode))


def failure_error(failure: BaseException, attempt: Attempt) -> DnsProviderError:
    """What an exception of the exchange means; the first fitting row."""
    meaning = next(meaning for kind, meaning in FAILURES if isinstance(failure, kind))
    code = getattr(failure, "strerror", None) or type(failure).__name__
    return error_of(meaning, attempt, str(code))


def _rcode_word(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))
