"""Challenge names may be aliases: the record goes where the alias leads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from kmtui.core.challenges.delegation import Delegation
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.dns.authority import Authorities
from kmtui.core.dns.registry import open_provider
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.core.challenges.stub_nameserver import StubNameServer
from tests.dns.cases import case
from tests.servers.bind import Bind, TsigKey, Zone

NAME = "_acme-challenge.www.example.test"
SERVED = ("@ NS ns", "ns A 127.0.0.1", "www A 127.0.0.1")


@pytest.fixture
async def server() -> AsyncIterator[StubNameServer]:
    """Resolver and name server in one; `acme.example.net` is there, empty."""
    server = StubNameServer("127.0.0.1")
    server.serve("acme.example.net", *SERVED)
    async with server.running():
        yield server


def delegation(server: StubNameServer) -> Delegation:
    authorities = Authorities(Resolvers([server.endpoint], patience=0.2), patience=0.2)
    return Delegation(authorities, random_label=lambda: "nobody")


async def test_a_plain_name_stays(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED)

    found = await delegation(server).effective_name(NAME)

    assert (found.text, len(found.chain), found.note) == (NAME, 1, "")


async def test_a_chain_of_aliases_is_followed(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED, f"{NAME}. CNAME hop.example.test.",
                 "hop CNAME X.Acme.Example.Net.")  # fmt: skip

    found = await delegation(server).effective_name(NAME.upper() + ".")

    assert found.text == "x.acme.example.net"
    assert [name.to_text() for name in found.chain] == [
        NAME + ".",
        "hop.example.test.",
        "x.acme.example.net.",
    ]


async def test_never_stays_at_the_name(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED)

    found = await delegation(server).effective_name(NAME, "never")

    assert (found.text, len(found.chain)) == (NAME, 1)


async def test_an_alias_that_is_never_to_be_followed_is_in_the_way(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED, f"{NAME}. CNAME x.acme.example.net.")

    with pytest.raises(DnsProviderError) as caught:
        await delegation(server).effective_name(NAME, "never")

    assert caught.value.kind == "conflict"
    assert f"{NAME} is an alias to x.acme.example.net" in caught.value.message
    assert "remove the CNAME" in caught.value.hint


async def test_a_wildcard_alias_is_not_in_the_way(server: StubNameServer) -> None:
    server.serve("example.test", "@ NS ns", "ns A 127.0.0.1", "*.www CNAME web.example.test.")

    found = await delegation(server).effective_name(NAME, "never")

    assert found.text == NAME


async def test_a_fixed_alias_is_taken_as_it_is(server: StubNameServer) -> None:
    found = await delegation(server).effective_name(NAME, "x.acme.example.net")

    assert found.text == "x.acme.example.net"
    assert len(found.chain) == 2
    assert server.asked == []


@pytest.mark.parametrize("alias", ["a..b", "nodots", "x" * 64 + ".example.net"])
async def test_an_alias_that_cannot_be_is_bad_input(server: StubNameServer, alias: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await delegation(server).effective_name(NAME, alias)

    assert caught.value.field == "alias"


@case(15)
async def test_a_loop_is_told_with_its_chain(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED, f"{NAME}. CNAME a", "a CNAME b", "b CNAME a")

    with pytest.raises(DnsProviderError) as caught:
        await delegation(server).effective_name(NAME)

    assert caught.value.message == (
        f"{NAME} -> a.example.test -> b.example.test -> a.example.test is a loop of aliases"
    )


@case(15)
@pytest.mark.parametrize(("aliases", "followed"), [(16, True), (17, False)])
async def test_sixteen_aliases_are_enough(
    server: StubNameServer, aliases: int, followed: bool
) -> None:
    hops = [f"h{number} CNAME h{number + 1}" for number in range(1, aliases)]
    server.serve("example.test", *SERVED, f"{NAME}. CNAME h1", *hops)

    if followed:
        found = await delegation(server).effective_name(NAME)
        assert found.text == "h16.example.test"
    else:
        with pytest.raises(DnsProviderError, match="more than 16 aliases"):
            await delegation(server).effective_name(NAME)


@case(16)
async def test_an_alias_by_wildcard_is_not_followed(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED, "*.www CNAME web.example.net.")

    found = await delegation(server).effective_name(NAME)

    assert found.text == NAME
    assert "wildcard" in found.note


@case(16)
async def test_an_alias_beside_a_wildcard_is_followed(server: StubNameServer) -> None:
    server.serve("example.test", *SERVED, "*.www CNAME web.example.net.",
                 f"{NAME}. CNAME x.acme.example.net.")  # fmt: skip

    found = await delegation(server).effective_name(NAME)

    assert found.text == "x.acme.example.net"


async def test_a_name_that_cannot_be_looked_up_stays_and_says_so(server: StubNameServer) -> None:
    found = await delegation(server).effective_name("_acme-challenge.example.org")

    assert found.text == "_acme-challenge.example.org"
    assert "could not be looked for" in found.note


async def test_a_resolver_apart_is_not_asked_for_the_challenge_name(
    server: StubNameServer,
) -> None:
    server.serve("example.test", "@ NS ns", "ns A 127.0.0.2")
    authority = StubNameServer("127.0.0.2")
    authority.serve("example.test", f"{NAME}. CNAME {NAME}.acme.example.net.")
    async with authority.running():
        authorities = Authorities(
            Resolvers([server.endpoint]), endpoints=[authority.endpoint], patience=0.2
        )

        found = await Delegation(authorities).effective_name(NAME)

    assert found.text == f"{NAME}.acme.example.net"
    assert NAME not in {name for _, name, _ in server.asked}


async def test_where_port_53_outside_is_closed_the_resolver_answers(
    server: StubNameServer,
) -> None:
    silent = StubNameServer("127.0.0.2")
    silent.silent = True
    server.serve("example.test", "@ NS ns", "ns A 127.0.0.2", f"{NAME}. CNAME x.acme.example.net.")
    async with silent.running():
        authorities = Authorities(
            Resolvers([server.endpoint]), endpoints=[silent.endpoint], patience=0.1
        )

        found = await Delegation(authorities).effective_name(NAME)

    assert found.text == "x.acme.example.net"


@case(15)
async def test_the_account_of_the_effective_zone_publishes(
    bind_factory: Callable[..., Bind],
) -> None:
    """Account A owns example.test, account B owns acme.example.net: B is the one that counts."""
    key_a, key_b = TsigKey("key-a"), TsigKey("key-b")
    bind = bind_factory(
        zones=[
            Zone(
                "example.test",
                records="_acme-challenge.www CNAME x.acme.example.net.\n",
                grants=("key-a zonesub ANY",),
            ),
            Zone("acme.example.net", grants=("key-b zonesub ANY",)),
        ],
        keys=[key_a, key_b],
    )
    provider = open_provider(
        "rfc2136",
        {"server": bind.server, "tsig_name": key_b.name, "zones": "acme.example.net"},
        {"tsig_secret": key_b.secret},
    )
    resolvers = Resolvers.parse(bind.server)

    found = await Delegation(Authorities(resolvers)).effective_name(NAME)
    zone = await provider.find_zone(found.text)
    handles = await provider.add(zone, found.text, {"V1"}, 60)
    sights = await Propagation(resolvers).wait(found.text, {"V1"}, deadline=5)

    assert zone.text == "acme.example.net"
    assert bind.txt("x.acme.example.net") == ["V1"]
    assert [sight.seen for sight in sights] == [True]
    await provider.remove(handles)
    assert bind.txt("x.acme.example.net") == []
