"""RFC 2136 against BIND: values come and go, and nothing else changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import dns.message
import dns.query
import dns.rdatatype
import pytest

from kmtui.core.dns.provider import TxtHandle
from kmtui.core.dns.registry import open_provider
from kmtui.core.dns.rfc2136 import Rfc2136
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.dns.cases import case
from tests.servers.bind import Bind, TsigKey, Zone

APEX = "_acme-challenge.example.test"


@pytest.fixture(scope="module")
def bind(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory(
        zones=[
            Zone(
                "example.test",
                records=(
                    "sub NS ns1\n"
                    "_acme-challenge.host NS ns1\n"
                    "away NS ns.elsewhere.test.\n"
                    "_acme-challenge.alias CNAME x.acme.other.test.\n"
                ),
            ),
            "sub.example.test",
            "_acme-challenge.host.example.test",
            "acme.other.test",
        ],
        keys=[TsigKey("main-key"), TsigKey("old-key", algorithm="hmac-md5")],
    )


def account(bind: Bind, key: TsigKey | None = None, **settings: str) -> Rfc2136:
    key = key or bind.tsig
    provider = open_provider(
        "rfc2136",
        {
            "server": bind.server,
            "tsig_name": key.name,
            "tsig_algorithm": key.algorithm,
            **settings,
        },
        {"tsig_secret": key.secret},
    )
    assert isinstance(provider, Rfc2136)
    return provider


async def publish(provider: Rfc2136, fqdn: str, *values: str, ttl: int = 60) -> list[TxtHandle]:
    return await provider.add(await provider.find_zone(fqdn), fqdn, set(values), ttl)


def ttl_at(bind: Bind, name: str) -> int:
    question = dns.message.make_query(name, dns.rdatatype.TXT)
    answer = dns.query.tcp(question, "127.0.0.1", port=bind.port, timeout=3)
    return answer.answer[0].ttl


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_wildcard_and_apex_values_are_served_at_once(bind: Bind, transport: str) -> None:
    provider = account(bind, transport=transport)

    handles = await publish(provider, APEX, "V1", "V2")

    assert bind.txt(APEX) == ["V1", "V2"]
    await provider.remove(handles)
    assert bind.txt(APEX) == []


async def test_foreign_values_keep_their_strings_and_their_ttl(bind: Bind) -> None:
    name = "_acme-challenge.foreign.example.test"
    bind.add(name, "TXT", '"F1"', ttl=3600)
    bind.add(name, "TXT", '"a" "b"', ttl=3600)
    before = bind.records("example.test")
    provider = account(bind)

    handles = await publish(provider, name, "V1", ttl=60)
    assert (name, "TXT", '"a" "b"') in bind.records("example.test")
    assert ttl_at(bind, name) == 3600
    await provider.remove(handles)

    assert bind.records("example.test") == before
    assert ttl_at(bind, name) == 3600


async def test_concurrent_adds_and_removes_lose_nothing(bind: Bind) -> None:
    name = "_acme-challenge.busy.example.test"
    first, second = account(bind), account(bind)
    zone = await first.find_zone(name)

    async def add(number: int) -> list[TxtHandle]:
        provider = (first, second)[number % 2]
        return await provider.add(zone, name, {f"V{number}"}, 60)

    handles = await asyncio.gather(*(add(number) for number in range(10)))
    assert bind.txt(name) == [f"V{number}" for number in range(10)]

    removes = (first.remove(handles[number]) for number in range(5))
    await asyncio.gather(*removes, *(add(number) for number in range(10, 15)))
    assert bind.txt(name) == sorted(f"V{number}" for number in range(5, 15))


async def test_adding_and_removing_twice_succeeds(bind: Bind) -> None:
    name = "_acme-challenge.twice.example.test"
    bind.add_txt(name, "F1")
    provider = account(bind)

    await publish(provider, name, "V1")
    handles = await publish(provider, name, "V1")
    assert bind.txt(name) == ["F1", "V1"]
    await provider.remove(handles)
    await provider.remove(handles)

    assert bind.txt(name) == ["F1"]


async def test_a_value_is_removed_by_name_and_value_alone(bind: Bind) -> None:
    name = "_acme-challenge.crash.example.test"
    provider = account(bind)
    await publish(provider, name, "V1", "V2")

    zone = await provider.find_zone(name)
    await provider.remove([TxtHandle.of(zone, name + ".", "V1")])

    assert bind.txt(name) == ["V2"]


@pytest.mark.parametrize(
    ("fqdn", "zone"),
    [
        ("_acme-challenge.a.sub.example.test", "sub.example.test"),
        ("_acme-challenge.sub.example.test", "sub.example.test"),
        ("_acme-challenge.host.example.test", "_acme-challenge.host.example.test"),
        ("_acme-challenge.www.example.test", "example.test"),
        ("_ACME-challenge.WWW.Example.Test.", "example.test"),
        ("_acme-challenge.alias.example.test", "example.test"),
    ],
)
async def test_the_longest_zone_is_found(bind: Bind, fqdn: str, zone: str) -> None:
    found = await account(bind).find_zone(fqdn)

    assert found.text == zone
    assert found.nameservers[0].startswith("ns1.")


async def test_the_challenge_name_may_be_a_zone_of_its_own(bind: Bind) -> None:
    name = "_acme-challenge.host.example.test"
    provider = account(bind)

    handles = await publish(provider, name, "V1")
    assert bind.txt(name) == ["V1"]
    await provider.remove(handles)

    assert bind.txt(name) == []


async def test_zones_match_by_labels(bind: Bind) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await account(bind).find_zone("_acme-challenge.badexample.test")

    assert caught.value.kind == "zone_not_found"
    assert "_acme-challenge.badexample.test, badexample.test, test" in caught.value.message


async def test_an_account_limited_to_zones_is_not_used_for_others(bind: Bind) -> None:
    provider = account(bind, zones="sub.example.test")

    with pytest.raises(DnsProviderError) as caught:
        await provider.find_zone(APEX)

    assert caught.value.kind == "zone_not_found"
    assert (await provider.find_zone("_acme-challenge.sub.example.test")).text == "sub.example.test"


async def test_a_zone_handed_to_other_servers_is_refused(bind: Bind) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await account(bind).find_zone("_acme-challenge.away.example.test")

    assert caught.value.kind == "zone_not_delegated_here"
    assert "away.example.test" in caught.value.message


async def test_a_configured_zone_needs_no_question(bind: Bind) -> None:
    provider = account(bind, zone="example.test", server="127.0.0.1:1")

    assert (await provider.find_zone(APEX)).text == "example.test"


@case(17)
async def test_a_value_under_an_alias_is_an_error_and_not_ignored(bind: Bind) -> None:
    provider = account(bind)

    with pytest.raises(DnsProviderError) as caught:
        await publish(provider, "_acme-challenge.alias.example.test", "V1")

    assert caught.value.kind == "conflict"
    assert "CNAME" in caught.value.message


async def test_names_are_sent_as_lower_case_a_labels(bind: Bind) -> None:
    provider = account(bind)

    handles = await publish(provider, "_acme-challenge.Bücher.example.test", "V1")

    assert handles[0].fqdn == "_acme-challenge.xn--bcher-kva.example.test"
    assert bind.txt("_acme-challenge.xn--bcher-kva.example.test") == ["V1"]
    await provider.remove(handles)


async def test_hmac_md5_keys_of_old_servers_work(bind: Bind) -> None:
    name = "_acme-challenge.md5.example.test"

    await publish(account(bind, bind.keys[1]), name, "V1")

    assert bind.txt(name) == ["V1"]


async def test_a_whole_key_file_is_enough(bind: Bind) -> None:
    name = "_acme-challenge.keyfile.example.test"
    statements = f'\talgorithm hmac-sha256;\n\tsecret "{bind.tsig.secret}";\n'
    clause = f'key "{bind.tsig.name}" {{\n{statements}}};\n'
    provider = open_provider("rfc2136", {"server": bind.server}, {"tsig_secret": clause})

    await provider.add(await provider.find_zone(name), name, {"V1"}, 60)

    assert bind.txt(name) == ["V1"]


async def test_a_check_shows_rights_and_leaves_nothing(bind: Bind) -> None:
    before = bind.records("example.test")

    report = await account(bind, zones="example.test").check(
        ["example.test", "www.example.test", "*.other.test", "_acme-challenge.alias.example.test"]
    )

    assert [line.ok for line in report.lines if line.ok is not None] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert "_acme-challenge.other.test is in none of the zones" in report.lines[3].text
    assert bind.records("example.test") == before


async def test_a_check_of_a_server_that_is_down_says_so_once(bind: Bind) -> None:
    report = await account(bind, server="127.0.0.1:1").check(["www.example.test"])

    assert not report.ok
    assert report.lines[0].text == "nothing listens at 127.0.0.1:1"


async def test_a_name_that_cannot_be_is_bad_input(bind: Bind) -> None:
    with pytest.raises(InvalidInput):
        await account(bind).check(["a..b"])
