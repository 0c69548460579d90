"""A TXT record counts as visible when the servers the CA will ask show it."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.rcode
import pytest

from kmtui.core.challenges import propagation
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.dns.authority import Authorities, require_delegated
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.registry import open_provider
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.errors import ChallengeNotVisible, DnsProviderError
from kmtui.model import ServerSight
from tests.core.challenges.lab import NAME, Lab, V, said
from tests.core.challenges.stub_nameserver import StubNameServer
from tests.dns.cases import case
from tests.servers.bind import Bind


async def test_the_first_look_is_at_once(lab: Lab) -> None:
    lab.publish(V)

    sights = await lab.watch().wait(NAME, {V})

    assert [(sight.name, sight.seen) for sight in sights] == [
        ("ns1.example.test", True),
        ("ns2.example.test", True),
        ("ns3.example.test", True),
    ]
    assert all(sight.milliseconds is not None for sight in sights)
    assert lab.pauses == []


@case(24)
async def test_one_server_that_lags_is_waited_for(lab: Lab) -> None:
    first, second, third = lab.servers
    first.add_txt(NAME, V)
    third.add_txt(NAME, V)
    lab.after_pause[3] = lambda: second.add_txt(NAME, V)

    await lab.watch().wait(NAME, {V})

    assert lab.pauses == [0.25, 0.5, 1.0]


async def test_all_values_are_needed_and_others_do_not_matter(lab: Lab) -> None:
    lab.publish("foreign", '"V-" "value"', "V2")

    sights = await lab.watch().wait(NAME, {V, "V2"})

    assert all(sight.seen for sight in sights)


@case(24)
async def test_a_silent_server_is_passed_over_after_three_rounds(lab: Lab) -> None:
    for server in lab.servers[:2]:
        server.add_txt(NAME, V)
    lab.servers[2].silent = True

    sights = await lab.watch().wait(NAME, {V})

    assert lab.pauses == [2.0, 4.0]
    assert (sights[2].seen, sights[2].detail) == (False, "timeout")


async def test_strict_wants_the_silent_server_too(lab: Lab) -> None:
    for server in lab.servers[:2]:
        server.add_txt(NAME, V)
    lab.servers[2].silent = True

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch("strict").wait(NAME, {V}, deadline=20)

    assert "ns3.example.test (127.0.0.4" in said(caught.value)
    assert "does not answer (timeout)" in said(caught.value)
    assert lab.now == 20


async def test_the_error_names_who_lacks_it_and_what_was_seen(lab: Lab) -> None:
    lab.servers[0].add_txt(NAME, V)
    lab.servers[1].add_txt(NAME, "old")

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait(NAME, {V}, deadline=10)

    second, third = (server.endpoint for server in lab.servers[1:])
    assert said(caught.value) == (
        "TXT seen by 1 of 3 servers; "
        f"ns2.example.test ({second}) does not have it (TXT old); "
        f"ns3.example.test ({third}) does not have it (NXDOMAIN)"
    )
    assert caught.value.problem is not None
    assert caught.value.problem.type == "kmtui:dns-not-visible"
    assert [sight.seen for sight in caught.value.servers] == [True, False, False]


@case(24)
async def test_a_truncated_answer_is_asked_again_over_tcp(lab: Lab) -> None:
    lab.publish(V)
    lab.servers[0].truncate = True

    await lab.watch().wait(NAME, {V})

    assert ("tcp", NAME, "TXT") in lab.servers[0].asked
    assert ("tcp", NAME, "TXT") not in lab.servers[1].asked


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda server: setattr(server, "lame", True), "not authoritative"),
        (lambda server: setattr(server, "rcode", dns.rcode.SERVFAIL), "SERVFAIL"),
        (lambda server: setattr(server, "rcode", dns.rcode.REFUSED), "REFUSED"),
    ],
)
async def test_a_server_that_answers_wrongly_is_named(
    lab: Lab, spoil: Callable[[StubNameServer], None], word: str
) -> None:
    lab.publish(V)
    spoil(lab.servers[1])

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait(NAME, {V}, deadline=5)

    assert f"answers wrongly ({word})" in said(caught.value)
    assert "ns1.example.test" not in said(caught.value)


@case(24)
async def test_no_server_within_reach_suggests_other_policies(lab: Lab) -> None:
    for server in lab.servers:
        server.silent = True

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait(NAME, {V}, deadline=15)

    assert "TXT seen by 0 of 3 servers" in said(caught.value)
    assert "`recursive` or `delay`" in caught.value.hint


async def test_a_resolver_is_never_asked_for_the_record(lab: Lab) -> None:
    """It would remember for the zone's negative TTL that the name does not exist."""
    lab.after_pause[1] = lambda: lab.publish(V)

    await lab.watch().wait(NAME, {V})

    assert NAME not in {name for _, name, _ in lab.resolver.asked}
    assert sum(server.recursed for server in lab.servers) == 0


@case(24)
async def test_an_internal_view_of_the_resolver_does_not_matter(lab: Lab) -> None:
    lab.resolver.add_txt(NAME, "internal")
    lab.publish(V)

    sights = await lab.watch().wait(NAME, {V})

    assert all(sight.seen for sight in sights)


async def test_recursive_asks_the_resolvers_only(lab: Lab) -> None:
    lab.after_pause[2] = lambda: lab.resolver.add_txt(NAME, V)

    sights = await lab.watch("recursive").wait(NAME, {V})

    assert lab.pauses == [2.0, 4.0]
    assert [sight.address for sight in sights] == [str(lab.resolver.endpoint)]
    assert [server.asked for server in lab.servers] == [[], [], []]


@pytest.mark.parametrize(("policy", "pauses"), [("delay", [90.0]), ("off", [])])
async def test_delay_and_off_ask_nobody(lab: Lab, policy: str, pauses: list[float]) -> None:
    assert await lab.watch(policy, delay=90.0).wait(NAME, {V}) == ()

    assert lab.pauses == pauses
    assert lab.resolver.asked == []


async def test_pauses_grow_to_ten_seconds_and_end_with_the_deadline(lab: Lab) -> None:
    with pytest.raises(ChallengeNotVisible):
        await lab.watch().wait(NAME, {V}, deadline=40)

    assert lab.pauses[:7] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert max(lab.pauses) == 10.0
    assert sum(lab.pauses) == 40


async def test_changes_of_one_moment_are_told_together_and_nothing_twice(lab: Lab) -> None:
    for server in lab.servers[:2]:
        server.add_txt(NAME, V)
    lab.after_pause[2] = lambda: lab.servers[2].add_txt(NAME, V)
    told: list[tuple[ServerSight, ...]] = []

    async def on_sight(sights: tuple[ServerSight, ...]) -> None:
        told.append(sights)

    await lab.watch().wait(NAME, {V}, on_sight=on_sight)

    assert [sum(sight.seen for sight in sights) for sights in told] == [2, 3]


async def test_who_watches_sees_whom_the_wait_is_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagation, "TELL_AFTER", 0.05)
    lab.publish(V)
    lab.servers[2].silent = True
    told: list[tuple[ServerSight, ...]] = []

    await lab.watch().wait(NAME, {V}, on_sight=lambda sights: told.append(sights))

    assert [sight.detail for sight in told[0]] == ["", "", "asking"]
    assert [sight.detail for sight in told[-1]] == ["", "", "timeout"]


async def test_public_addresses_must_show_it_twice(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagation._View, "anycast", True)
    lab.publish(V)

    await lab.watch(settle=5.0).wait(NAME, {V})

    assert lab.pauses == [5.0]


async def test_an_address_without_a_route_is_left_out_quietly(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagation, "has_route", lambda server: ":" not in server.host)
    lab.resolver.serve("example.test", "@ NS ns1", "ns1 A 127.0.0.2", "ns1 AAAA 2001:db8::1")
    lab.servers[0].add_txt(NAME, V)

    sights = await lab.watch("strict").wait(NAME, {V})

    assert [sight.address for sight in sights] == [str(lab.servers[0].endpoint)]


async def test_a_name_server_without_address_is_shown(lab: Lab) -> None:
    lab.resolver.serve("example.test", "@ NS ns1", "@ NS gone", "ns1 A 127.0.0.2")
    lab.servers[0].add_txt(NAME, V)

    sights = await lab.watch().wait(NAME, {V})

    assert {sight.name: sight.detail for sight in sights} == {
        "ns1.example.test": "",
        "gone.example.test": "no address",
    }


async def test_a_challenge_name_that_is_delegated_is_asked_of_its_own_servers(lab: Lab) -> None:
    elsewhere = lab.servers[2]
    for server in lab.servers[:2]:
        server.serve("example.test", f"{NAME}. NS ns3.example.test.")
    elsewhere.serve(NAME)
    elsewhere.add_txt(NAME, V)

    sights = await lab.watch().wait(NAME, {V})

    assert [sight.name for sight in sights] == ["ns3.example.test"]


async def test_an_unknown_domain_ends_with_the_reason(lab: Lab) -> None:
    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait("_acme-challenge.example.org", {V}, deadline=4)

    assert "no zone was found" in said(caught.value)
    assert "REFUSED" in said(caught.value)


async def test_check_name_tells_which_servers_answer_for_the_zone(lab: Lab) -> None:
    lab.servers[1].lame = True
    lab.servers[2].silent = True

    cut, sights = await lab.watch().check_name(NAME)

    assert cut.zone.to_text() == "example.test."
    assert [(sight.seen, sight.detail) for sight in sights] == [
        (True, ""),
        (False, "not authoritative"),
        (False, "timeout"),
    ]
    assert NAME not in {name for _, name, _ in lab.resolver.asked}


@pytest.mark.parametrize(
    ("zone", "nameservers", "fine"),
    [
        ("example.test", ("ns1.example.test", "hidden.example.test"), True),
        ("example.test", (), True),
        ("example.test", ("ns1.parking.test", "ns2.parking.test"), False),
        ("test", ("ns1.example.test",), False),
    ],
)
async def test_a_zone_that_is_not_delegated_to_the_account_is_told(
    lab: Lab, zone: str, nameservers: tuple[str, ...], fine: bool
) -> None:
    known = Zone(id="1", name=dns.name.from_text(zone), nameservers=nameservers)
    endpoints = [server.endpoint for server in lab.servers]
    authorities = Authorities(Resolvers([lab.resolver.endpoint]), endpoints=endpoints)

    if fine:
        await require_delegated(known, NAME, authorities)
        return
    with pytest.raises(DnsProviderError) as caught:
        await require_delegated(known, NAME, authorities)
    assert caught.value.kind == "zone_not_delegated_here"
    for name in ("ns1.example.test", *nameservers):
        assert name in caught.value.message


async def test_a_long_record_of_others_is_cut(lab: Lab) -> None:
    lab.publish(*(f"{number}" * 200 for number in range(6)))

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait(NAME, {V}, deadline=2)

    assert len(caught.value.servers[0].detail) < 400
    assert "and 2 more" in caught.value.servers[0].detail


async def test_a_secondary_that_was_not_told_yet_is_waited_for(
    bind_factory: Callable[..., Bind],
) -> None:
    """BIND at 127.0.0.1 and 127.0.0.2 on one port that is not 53."""
    bind = bind_factory(zones=["lag.test"], secondaries=1, hold_transfers=True)
    provider = open_provider(
        "rfc2136",
        {"server": bind.server, "tsig_name": bind.tsig.name},
        {"tsig_secret": bind.tsig.secret},
    )
    name = "_acme-challenge.www.lag.test"
    await provider.add(await provider.find_zone(name), name, {V}, 60)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        bind.release("127.0.0.2")

    resolvers = Resolvers.parse(f"127.0.0.1:{bind.port},127.0.0.2:{bind.port}")
    sights = await Propagation(resolvers, sleep=sleep).wait(name, {V})

    assert [(sight.name, sight.seen) for sight in sights] == [
        ("ns1.lag.test", True),
        ("ns2.lag.test", True),
    ]
    assert pauses == [0.25]
