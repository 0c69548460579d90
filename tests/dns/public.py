"""The public DNS of a test: resolver and every name server in one, showing what vendors hold."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from tests.core.challenges.stub_nameserver import StubNameServer
from tests.dns.vendor import Vendor

PUBLIC = "127.0.0.9"


class PublicDns(StubNameServer):
    """Which servers each zone is delegated to, and the TXT values that its vendor has right now."""

    def __init__(self) -> None:
        super().__init__(PUBLIC)
        self.hides = False
        """Whether changes at the vendors stay unseen."""
        self._vendors: dict[dns.name.Name, Vendor] = {}

    @property
    def resolvers(self) -> str:
        """For the setting of that name."""
        return str(self.endpoint)

    def delegate(
        self, zone: str, nameservers: tuple[str, ...], *records: str, vendor: Vendor | None = None
    ) -> None:
        """`zone` is delegated to these name servers, all of which have addresses.

        They serve `records` (zone file lines) and the TXT values of `vendor`.
        """
        self.serve(zone, *(f"{zone}. NS {server}." for server in nameservers), *records)
        for parent in {server.partition(".")[2] for server in nameservers} - {zone}:
            inside = (server for server in nameservers if server.endswith(f".{parent}"))
            self.serve(parent, *(f"{server}. A {PUBLIC}" for server in inside))
        if vendor is not None:
            self._vendors[dns.name.from_text(zone)] = vendor

    def _fill(
        self, reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        self._look(name)
        super()._fill(reply, name, rdtype)
        while rdtype == dns.rdatatype.TXT and reply.answer[-1:]:
            if reply.answer[-1].rdtype != dns.rdatatype.CNAME:
                return
            name = reply.answer[-1][0].target
            self._look(name)
            rrsets = [rrset for zone in self.zones.values() for rrset in zone if rrset.name == name]
            reply.answer += rrsets
            if not rrsets:
                return

    def _look(self, name: dns.name.Name) -> None:
        """Bring the TXT set of a name to what its vendor holds."""
        zone = max((z for z in self._vendors if name.is_subdomain(z)), key=len, default=None)
        if zone is None:
            return
        fqdn = name.canonicalize().to_text(omit_final_dot=True)
        values = [] if self.hides else self._vendors[zone].txt(fqdn)
        others = [r for r in self.zones[zone] if (r.name, r.rdtype) != (name, dns.rdatatype.TXT)]
        texts = [" ".join(f'"{string}"' for string in value) for value in values]
        found = [dns.rrset.from_text(name, 60, "IN", "TXT", *texts)] if texts else []
        self.zones[zone] = [*others, *found]
