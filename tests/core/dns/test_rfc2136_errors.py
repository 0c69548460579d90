"""Every way a name server says no has its own words, without a secret in them."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable

import dns.message
import dns.name
import dns.rcode
import pytest
import time_machine

from kmtui.core.dns.provider import TxtHandle
from kmtui.core.dns.provider import Zone as AccountZone
from kmtui.core.dns.registry import open_provider
from kmtui.core.errors import DnsProviderError
from tests.dns.cases import case
from tests.servers.bind import Bind, TsigKey, Zone

NAME = "_acme-challenge.www.example.test"


@pytest.fixture(scope="module")
def bind(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory(
        zones=[Zone("example.test", grants=(f"main-key name {NAME} TXT",))],
        keys=[TsigKey("main-key"), TsigKey("other-key", algorithm="hmac-sha512")],
    )


@pytest.fixture
async def silent_server() -> AsyncIterator[str]:
    """The endpoint of a server that accepts connections and never answers."""

    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay, "127.0.0.1")
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def refusal(
    bind: Bind,
    *,
    zone: str = "example.test",
    name: str = NAME,
    tsig_name: str = "main-key",
    algorithm: str = "hmac-sha256",
    secret: str = "",
    server: str = "",
) -> DnsProviderError:
    secret = secret or bind.tsig.secret
    provider = open_provider(
        "rfc2136",
        {
            "server": server or bind.server,
            "tsig_name": tsig_name,
            "tsig_algorithm": algorithm,
        },
        {"tsig_secret": secret},
        patience=0.3,
    )
    where = AccountZone(id=zone, name=dns.name.from_text(zone))
    with pytest.raises(DnsProviderError) as caught:
        await provider.add(where, name, {"V1"}, 60)
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(provider))
    assert secret not in shown + caught.value.hint
    return caught.value


@case(18)
async def test_each_refusal_has_its_own_words(bind: Bind, silent_server: str) -> None:
    other_secret = TsigKey("main-key").secret
    errors = [
        await refusal(bind, tsig_name="nobody"),
        await refusal(bind, secret=other_secret),
        await refusal(bind, algorithm="hmac-sha384"),
        await refusal(bind, zone="example.org", name="_acme-challenge.example.org"),
        await refusal(bind, name="_acme-challenge.mail.example.test"),
        await refusal(bind, name="_acme-challenge.example.org"),
        await refusal(bind, server="127.0.0.1:1"),
        await refusal(bind, server=silent_server),
    ]
    with time_machine.travel(3600, tick=True):
        errors.append(await refusal(bind))

    assert [error.kind for error in errors] == [
        "auth",
        "auth",
        "auth",
        "zone_not_found",
        "permission",
        "invalid_request",
        "transient",
        "transient",
        "clock_skew",
    ]
    assert len({error.message for error in errors}) == 9
    assert all(error.hint for error in errors)


async def test_an_unknown_key_is_named_with_its_algorithm(bind: Bind) -> None:
    error = await refusal(bind, tsig_name="nobody")

    assert error.message == f"{bind.server} does not know key nobody with hmac-sha256"


async def test_a_wrong_algorithm_is_told_from_an_unknown_key(bind: Bind) -> None:
    error = await refusal(bind, algorithm="hmac-md5")

    assert error.raw_code == "hmac-sha256"
    assert error.hint == "set `tsig_algorithm` to hmac-sha256"


async def test_a_refusal_names_the_policy_to_change(bind: Bind) -> None:
    error = await refusal(bind, name="_acme-challenge.mail.example.test")

    assert "_acme-challenge.mail.example.test in example.test" in error.message
    assert "update-policy" in error.hint


async def test_a_policy_for_one_name_is_enough(bind: Bind) -> None:
    provider = open_provider(
        "rfc2136",
        {"server": bind.server, "tsig_name": "MAIN-KEY"},
        {"tsig_secret": bind.tsig.secret},
    )

    handles = await provider.add(await provider.find_zone(NAME), NAME, {"V1"}, 60)

    assert bind.txt(NAME) == ["V1"]
    await provider.remove(handles)


async def test_an_answer_without_signature_is_not_believed(bind: Bind) -> None:
    """A box in between that answers NOERROR itself must not pass for the server."""

    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(2):
            query = await reader.readexactly(int.from_bytes(size))
            writer.write(size[:0] + (12).to_bytes(2) + query[:2] + b"\xa8\x00" + bytes(8))
        writer.close()

    server = await asyncio.start_server(agree, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refusal(bind, server=f"127.0.0.1:{port}")

    assert error.kind == "auth"


async def test_a_lost_datagram_is_sent_again() -> None:
    """A server that misses the first two questions and refuses the third."""
    missed: list[bytes] = []

    class Deaf(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            if len(missed) < 2:
                missed.append(data)
                return
            reply = dns.message.make_response(dns.message.from_wire(data))
            reply.set_rcode(dns.rcode.NOTIMP)
            self.transport.sendto(reply.to_wire(), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Deaf, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    provider = open_provider(
        "rfc2136", {"server": f"127.0.0.1:{port}", "transport": "udp"}, {}, patience=0.3
    )
    where = AccountZone(id="1", name=dns.name.from_text("example.test"))

    with pytest.raises(DnsProviderError) as caught:
        await provider.remove([TxtHandle.of(where, NAME, "V1")])

    assert caught.value.kind == "unsupported"
    assert missed[0] == missed[1]
    transport.close()
