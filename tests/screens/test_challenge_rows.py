"""What each name server shows of a challenge, told as it is."""

from __future__ import annotations

from kmtui.model import Challenge, ServerSight
from kmtui.screens.challenge_rows import challenge_facts


def told(*sights: ServerSight) -> list[tuple[str, object]]:
    challenge = Challenge(
        id="1",
        request_id="1",
        identifier="www.example.test",
        wildcard=False,
        type="dns-01",
        status="waiting",
        fqdn="",
        value="",
        detail="",
        servers=sights,
        via="",
    )
    return challenge_facts(challenge)[2:]


def test_each_server_is_told_with_what_it_did() -> None:
    facts = told(
        ServerSight(name="ns1.test", address="192.0.2.1", seen=True, milliseconds=12.4),
        ServerSight(
            name="ns2.test", address="192.0.2.2", seen=False, detail="NXDOMAIN", milliseconds=3.0
        ),
        ServerSight(name="ns3.test", address="192.0.2.3", seen=False, detail="timeout"),
        ServerSight(name="ns4.test", address="192.0.2.4", seen=False, detail="asking"),
        ServerSight(name="ns5.test", address="", seen=False, detail="no address"),
    )

    assert facts == [
        ("+", ("ns1.test 192.0.2.1  seen  12 ms", "good")),
        (".", ("ns2.test 192.0.2.2  not yet: NXDOMAIN  3 ms", "working")),
        ("x", ("ns3.test 192.0.2.3  no answer: timeout", "bad")),
        (".", ("ns4.test 192.0.2.4  is being asked", "working")),
        ("x", ("ns5.test  no answer: no address", "bad")),
    ]
