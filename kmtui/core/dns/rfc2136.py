"""RFC 2136: TXT records by dynamic update, signed with TSIG (RFC 8945)."""

from __future__ import annotations

import secrets as random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import ancestors, longest_match, parse_name, parse_names, text_of
from kmtui.core.dns.provider import (
    NOTHING_AROUND,
    Caps,
    Report,
    Secrets,
    Surroundings,
    TxtHandle,
    Zone,
    failure_lines,
)
from kmtui.core.dns.query import answer_of, cname_of, is_authoritative
from kmtui.core.dns.settings import read
from kmtui.core.dns.tsig import ALGORITHMS, DEFAULT_ALGORITHM, read_key
from kmtui.core.dns.update_server import UpdateServer
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine, Field


class Rfc2136:
    """A primary name server that takes updates: BIND, Knot, PowerDNS, Windows without GSS-TSIG."""

    name: ClassVar[str] = "rfc2136"
    title: ClassVar[str] = "RFC 2136 dynamic update"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="server",
            label="Primary name server",
            required=True,
            help="host, host:port or [IPv6]:port of the server that takes updates.",
        ),
        Field(name="tsig_name", label="TSIG key name", help="Empty: the server trusts addresses."),
        Field(
            name="tsig_algorithm",
            label="TSIG algorithm",
            default=DEFAULT_ALGORITHM,
            choices=tuple(ALGORITHMS),
        ),
        Field(
            name="tsig_secret",
            label="TSIG secret",
            secret=True,
            help="Base64, or the whole file that tsig-keygen wrote.",
        ),
        Field(
            name="zone",
            label="Zone",
            help="Only for servers that may not be asked for their zone.",
            rare=True,
        ),
        Field(
            name="transport", label="Transport", default="tcp", choices=("tcp", "udp"), rare=True
        ),
        Field(
            name="sign_query",
            label="Sign questions too",
            default="no",
            choices=("no", "yes"),
            help="For servers that choose a view by the key.",
            rare=True,
        ),
    )
    caps: ClassVar[Caps] = Caps(semantics="record")
    least_right: ClassVar[str] = (
        "BIND: update-policy { grant KEY name _acme-challenge.HOST.ZONE. TXT; }; · "
        "Knot: acl with action: update, update-type: [TXT] and update-owner-name of that name"
    )
    example: ClassVar[str] = (
        "kmtui dns add ns1 --provider rfc2136 --set server=192.0.2.1 --set tsig_name=kmtui. "
        "--secret tsig_secret=@tsig.key --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "`tsig-keygen kmtui.` makes a key; its output is what the secret `tsig_secret` takes.",
        'BIND, in the zone\'s statement: `update-policy { grant "kmtui." name '
        "_acme-challenge.www.example.org. TXT; };`, one grant for each name.",
        "Knot DNS, an acl of the zone: `key: kmtui.`, `action: update`, `update-type: [TXT]`, "
        "`update-owner: name`, `update-owner-match: equal`, `update-owner-name: "
        "[_acme-challenge.www]`.",
        "Give the primary, also a hidden one: a secondary answers NOTAUTH. A record counts as "
        "visible when the delegated name servers show it; `nameservers` names others.",
        "Kerberos (GSS-TSIG), as Windows domains use it, is not supported.",
    )
    docs: ClassVar[str] = "https://www.rfc-editor.org/rfc/rfc2136"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        patience: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience` is the limit in seconds for one exchange with the server."""
        self._clock = clock
        self._asked_for: dict[dns.name.Name, tuple[float, tuple[str, ...]]] = {}
        self._server = UpdateServer(
            endpoint=read("server", Endpoint.parse, settings.get("server", "")),
            key=read_key(
                settings.get("tsig_name", ""),
                settings.get("tsig_algorithm") or DEFAULT_ALGORITHM,
                secrets.get("tsig_secret", ""),
            ),
            udp=settings.get("transport") == "udp",
            sign_questions=settings.get("sign_query") == "yes",
            patience=patience,
        )
        zone = settings.get("zone", "")
        self._zone = read("zone", parse_name, zone) if zone else None
        self._allowed = read("zones", parse_names, settings.get("zones", ""))

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints: the primary, which may be one of the zone's name servers."""
        return (self._server.endpoint,)

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. An update that deletes a value nobody has shows each right."""
        zones = [*self._allowed, *([self._zone] if self._zone else [])]
        wanted = [read("name", parse_name, name.removeprefix("*.")) for name in names] or zones
        lines = list(await self._check_server())
        if lines[0].ok:
            for name in wanted:
                lines += await (self._check_zone if name in zones else self._check_name)(name)
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone. The update server itself is asked, by SOA."""
        name = parse_name(fqdn)
        if self._allowed and longest_match(name, self._allowed) is None:
            raise _not_found(name, self._allowed, "is in none of the zones of this account")
        if self._zone is not None:
            if not name.is_subdomain(self._zone):
                raise _not_found(name, [self._zone], "is not in the zone of this account")
            return Zone(id=text_of(self._zone), name=self._zone)
        found = await self._zone_at_server(name) or longest_match(name, self._allowed)
        if found is None:
            raise _not_found(
                name,
                ancestors(name),
                f"is in no zone that {self._server.endpoint} serves",
            )
        return Zone(id=text_of(found), name=found, nameservers=await self._nameservers(found))

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One update message: all values or none."""
        name = parse_name(fqdn)
        update = self._server.update(zone.name)
        # RFC 2136 section 3.4.2.2: adding to an alias is ignored and still answered NOERROR.
        update.absent(name, dns.rdatatype.CNAME)
        ttl = await self._ttl_in_use(name) or max(ttl, self.caps.min_ttl)
        for value in sorted(values):
            update.add(name, ttl, dns.rdatatype.TXT, _quoted(value))
        await self._server.send(update, zone.name, name)
        return [TxtHandle.of(zone, fqdn, value) for value in sorted(values)]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. An update is applied when it is answered."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. One update message for each zone."""
        by_zone: defaultdict[str, list[TxtHandle]] = defaultdict(list)
        for handle in handles:
            by_zone[handle.zone_name].append(handle)
        for zone_text, group in by_zone.items():
            zone = parse_name(zone_text)
            update = self._server.update(zone)
            for handle in group:
                update.delete(parse_name(handle.fqdn), dns.rdatatype.TXT, _quoted(handle.value))
            await self._server.send(update, zone, parse_name(group[0].fqdn))

    async def aclose(self) -> None:
        """See DnsProvider.aclose. Nothing is kept open."""

    async def _check_server(self) -> tuple[CheckLine, ...]:
        """Whether the server answers at all, and accepts the key."""
        key = self._server.key
        try:
            await self._server.ask(dns.name.root, dns.rdatatype.SOA, signed=True)
        except DnsProviderError as error:
            return failure_lines(error)
        trust = f"accepts key {key.label}" if key else "must trust this host's address: no TSIG key"
        return (CheckLine(True, f"{self._server.endpoint} answers and {trust}"),)

    async def _check_zone(self, name: dns.name.Name) -> tuple[CheckLine, ...]:
        """Whether the zone is served; rights may well be granted for single names only."""
        try:
            zone = await self.find_zone(text_of(name))
            # An update that changes nothing: the server still says whether it is primary.
            await self._server.send(self._server.update(zone.name), zone.name, name)
        except DnsProviderError as error:
            return failure_lines(error)
        return (CheckLine(True, f"{self._server.endpoint} is primary for {zone.text}"),)

    async def _check_name(self, name: dns.name.Name) -> tuple[CheckLine, ...]:
        """Whether the TXT record of a certificate's name, or that very name, can be changed."""
        if not name.labels[0].startswith(b"_"):
            name = dns.name.Name((b"_acme-challenge", *name.labels))
        try:
            zone = await self.find_zone(text_of(name))
            update = self._server.update(zone.name)
            update.absent(name, dns.rdatatype.CNAME)
            update.delete(name, dns.rdatatype.TXT, _quoted(random.token_urlsafe(32)))
            await self._server.send(update, zone.name, name)
        except DnsProviderError as error:
            return failure_lines(error)
        return (CheckLine(True, f"TXT at {text_of(name)} in zone {zone.text} can be changed"),)

    async def _zone_at_server(self, name: dns.name.Name) -> dns.name.Name | None:
        """The owner of the SOA that the server shows for `name`; None when it shows none."""
        handed_down: dns.name.Name | None = None
        for candidate in ancestors(name):
            reply = await self._server.ask(candidate, dns.rdatatype.SOA)
            if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                continue
            if not is_authoritative(reply):
                handed_down = handed_down or _handed_down(reply, candidate)
                continue
            if cname_of(reply, candidate):
                continue  # The SOA shown may be that of the alias's target.
            for rrset in (*reply.answer, *reply.authority):
                if rrset.rdtype == dns.rdatatype.SOA and longest_match(name, [rrset.name]):
                    if handed_down and handed_down != rrset.name:
                        raise _delegated_away(name, handed_down, rrset.name, self._server.endpoint)
                    return rrset.name.canonicalize()
        return None

    async def _nameservers(self, zone: dns.name.Name) -> tuple[str, ...]:
        """The zone's name servers, asked for again after a minute."""
        until, names = self._asked_for.get(zone, (0.0, ()))
        if self._clock() >= until:
            reply = await self._server.ask(zone, dns.rdatatype.NS)
            rrset = answer_of(reply, zone, dns.rdatatype.NS)
            names = tuple(sorted(text_of(rdata.target.canonicalize()) for rdata in rrset or ()))
            self._asked_for[zone] = (self._clock() + MEMORY, names)
        return names

    async def _ttl_in_use(self, name: dns.name.Name) -> int | None:
        """The TTL of the RRset that exists: an RR added with another TTL would change them all."""
        try:
            reply = await self._server.ask(name, dns.rdatatype.TXT)
        except DnsProviderError:
            # Servers may take updates and not answer questions; the update tells what is wrong.
            return None
        rrset = answer_of(reply, name, dns.rdatatype.TXT)
        return rrset.ttl if rrset is not None and is_authoritative(reply) else None


def _handed_down(reply: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """The zone that a referral hands `name` to (RFC 1034 section 4.3.2), not one upward."""
    return longest_match(
        name, [rrset.name for rrset in reply.authority if rrset.rdtype == dns.rdatatype.NS]
    )


def _delegated_away(
    name: dns.name.Name, cut: dns.name.Name, zone: dns.name.Name, server: Endpoint
) -> DnsProviderError:
    return DnsProviderError(
        f"{text_of(name)} is in {text_of(cut)}, which {server} does not serve: "
        f"its zone {text_of(zone)} hands it to other name servers",
        kind="zone_not_delegated_here",
        hint=f"use the primary name server of {text_of(cut)}",
    )


def _not_found(
    name: dns.name.Name, candidates: Sequence[dns.name.Name], why: str
) -> DnsProviderError:
    return DnsProviderError(
        f"{text_of(name)} {why} (tried {', '.join(map(text_of, candidates))})",
        kind="zone_not_found",
        hint="check `server` and `zones`; set `zone` when the server may not be asked",
    )


def _quoted(value: str) -> str:
    """A TXT value in zone file form."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
