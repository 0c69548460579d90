"""CAA: which CAs may issue for a domain, for whom and by which method (RFC 8659, RFC 8657)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import dns.name
import dns.rdatatype

from kmtui.core.dns.names import ancestors, text_of
from kmtui.core.dns.query import MAX_RECORDS
from kmtui.core.dns.resolvers import Resolvers

ISSUE = "issue"
ISSUE_WILD = "issuewild"
KNOWN = frozenset({ISSUE, ISSUE_WILD, "iodef", "issuemail", "contactemail", "contactphone"})
CRITICAL = 128
"""RFC 8659 section 4.1: a CA that does not know a property so marked must not issue."""


@dataclass(frozen=True, slots=True)
class Property:
    """One CAA record: flags, tag (lower case) and value, untrusted."""

    flags: int
    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class Issuer:
    """The value of an ``issue`` property: a CA's identity and its parameters."""

    domain: str
    """Lower case; empty: nobody."""
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> Issuer:
        """Read ``ca.example.net; accounturi=…; validationmethods=…`` (RFC 8659 section 4.2)."""
        domain, *rest = value.split(";")
        pairs = (part.partition("=") for part in rest if part.strip())
        parameters = {name.strip().lower(): text.strip() for name, _, text in pairs}
        return cls(domain.strip().lower(), parameters)

    def refusal(self, *, account_url: str | None, method: str) -> str:
        """Why its parameters exclude this account or method; empty when they do not.

        RFC 8657 sections 3 and 4.
        """
        wanted = self.parameters.get("accounturi")
        if wanted is not None and account_url is not None and wanted != account_url:
            return f"only the account {wanted} may ask"
        methods = self.parameters.get("validationmethods")
        if methods is not None and method not in [word.strip() for word in methods.split(",")]:
            return f"only {methods} may prove the name, not {method}"
        return ""


@dataclass(frozen=True, slots=True)
class Records:
    """The CAA set that applies to a name, and the name it was found at; empty without one."""

    owner: str = ""
    properties: tuple[Property, ...] = ()


async def relevant_records(name: str, resolvers: Resolvers) -> Records:
    """The closest CAA set at `name` or above (RFC 8659 section 3). Raises DnsLookupFailed."""
    for candidate in ancestors(dns.name.from_text(name.removeprefix("*."))):
        reply = await resolvers.ask(candidate, dns.rdatatype.CAA)
        # An alias's set counts as the name's own: a resolver follows it.
        found = [
            Property(rdata.flags, _text(rdata.tag).lower(), _text(rdata.value))
            for rrset in reply.answer
            if rrset.rdtype == dns.rdatatype.CAA
            for rdata in list(rrset)[:MAX_RECORDS]
        ]
        if found:
            return Records(text_of(candidate), tuple(found))
    return Records()


def refusal(
    records: Records,
    identities: Collection[str],
    *,
    wildcard: bool,
    account_url: str | None,
    method: str,
) -> str:
    """Why a CA known by these `identities` must not issue; empty when it may.

    `account_url` is None before the account has one.
    """
    for each in records.properties:
        if each.flags & CRITICAL and each.tag not in KNOWN:
            return f"its CAA record has a critical property {each.tag!r} that no CA may ignore"
    issuers = _issuers(records.properties, wildcard=wildcard)
    if issuers is None:
        return ""
    ours = [issuer for issuer in issuers if issuer.domain in {i.lower() for i in identities}]
    if not ours:
        allowed = sorted({issuer.domain for issuer in issuers if issuer.domain})
        return (
            f"CAA at {records.owner} allows {', '.join(allowed) or 'nobody'}, "
            f"not {' or '.join(sorted(identities))}"
        )
    whys = [issuer.refusal(account_url=account_url, method=method) for issuer in ours]
    return f"CAA at {records.owner}: {whys[0]}" if all(whys) else ""


def _issuers(properties: Iterable[Property], *, wildcard: bool) -> Sequence[Issuer] | None:
    """Who may issue; None when nothing restricts it (RFC 8659 sections 4.2 and 4.3)."""
    by_tag = {
        tag: [Issuer.parse(each.value) for each in properties if each.tag == tag]
        for tag in (ISSUE, ISSUE_WILD)
    }
    if wildcard and by_tag[ISSUE_WILD]:
        return by_tag[ISSUE_WILD]
    return by_tag[ISSUE] or None


def _text(octets: bytes) -> str:
    return octets.decode("ascii", "backslashreplace")
