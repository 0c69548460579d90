"""A zone on four name servers of different tempers, and requests that are proved there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import dns.name
import dns.rrset

from kmtui.core.core import Core
from kmtui.core.sandbox.ca import PracticeCa
from kmtui.core.sandbox.issuer import Issuer
from kmtui.core.sandbox.state import State
from kmtui.core.sandbox.validation import Validator
from kmtui.model import Request, RequestSpec
from tests.core.challenges.stub_nameserver import StubNameServer, all_running
from tests.dns.fake import Value
from tests.dns.fakes.dnsmadeeasy import FakeDnsMadeEasy

ZONE = "example.test"
NAME = f"_acme-challenge.{ZONE}"


@dataclass
class Lab:
    """An internal resolver, the zone's name servers, and the vendor that feeds those in `fed`.

    The resolver has a view of the zone of its own: no record of the vendor's ever reaches it.
    """

    core: Core
    resolver: StubNameServer
    servers: Sequence[StubNameServer]
    vendor: FakeDnsMadeEasy
    fed: list[StubNameServer] = field(default_factory=list)
    _held: dict[str, list[Value]] = field(default_factory=dict)

    def serve(self, *records: str) -> None:
        """The zone, with these records (zone file lines), on all servers and on the resolver."""
        for number in range(1, len(self.servers) + 1):
            records += (f"@ NS ns{number}", f"ns{number} A 127.0.0.{number + 1}")
        for server in (self.resolver, *self.servers):
            server.serve(ZONE, *records)

    def address(self, number: int) -> str:
        """Name and address of a server, as kmtui shows them."""
        return f"ns{number}.{ZONE} {self.servers[number - 1].endpoint}"

    def feed(self, *servers: StubNameServer) -> None:
        """From now on these have what the vendor has."""
        self.fed += servers
        for fqdn, values in self._held.items():
            self.publish(fqdn, values)

    def publish(self, fqdn: str, values: list[Value]) -> None:
        """What a change at the vendor does to the servers it feeds."""
        self._held[fqdn] = values
        for server in self.fed:
            _set_txt(server, fqdn, [value.strings for value in values])

    async def request(self, **settings: str) -> Request:
        """A request for the zone's own name, through an account at the vendor."""
        resolvers = ",".join(str(each.endpoint) for each in (self.resolver, *self.servers))
        await self.core.dns_accounts.add(
            "lab",
            provider="dnsmadeeasy",
            settings={**self.vendor.settings, "resolvers": resolvers, **settings},
            secrets=self.vendor.secrets,
            zones=[],
        )
        await self.core.mappings.add(f".{ZONE}", dns="lab")
        return await self.core.requests.create(RequestSpec(names=(ZONE,), account="practice"))

    async def log(self, request: Request) -> list[str]:
        """The lines of a request's log."""
        return [line.text for line in await self.core.requests.log(request.id)]


@asynccontextmanager
async def running(core: Core) -> AsyncIterator[Lab]:
    """The lab at work, with an account at a CA that looks at the first name server."""
    resolver = StubNameServer("127.0.0.1")
    servers = [StubNameServer(f"127.0.0.{number}") for number in (2, 3, 4, 5)]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(all_running((resolver, *servers)))
        vendor = FakeDnsMadeEasy()
        vendor.start()
        stack.callback(vendor.stop)
        vendor.add_zone(ZONE, nameservers=(f"ns1.{ZONE}",))
        lab = Lab(core, resolver, servers, vendor)
        vendor.on_change = lab.publish
        seen_by_all = servers[0].endpoint
        validator = Validator((seen_by_all.host,), seen_by_all.port, 0)
        ca = PracticeCa(Issuer.open(None), State.open(None), validator, zones=(ZONE,))
        await ca.start()
        stack.push_async_callback(ca.close)
        await core.cas.add("sandbox", directory_url=f"{ca.base}/directory")
        await core.accounts.register("practice", ca="sandbox", email="a@b.test", agree_tos=True)
        yield lab


def _set_txt(server: StubNameServer, fqdn: str, values: Iterable[tuple[str, ...]]) -> None:
    name, zone = dns.name.from_text(fqdn), dns.name.from_text(ZONE)
    others = [each for each in server.zones[zone] if each.name != name]
    texts = [" ".join(f'"{string}"' for string in strings) for strings in values]
    found = [dns.rrset.from_text(name, 60, "IN", "TXT", *texts)] if texts else []
    server.zones[zone] = [*others, *found]
