"""Which name servers are asked for a record, and why one of them may not have it yet."""

from __future__ import annotations

import dns.name
import pytest

from kmtui.core.errors import ChallengeNotVisible
from tests.core.challenges.lab import NAME, Lab, V, said
from tests.dns.cases import case


@case(24)
async def test_servers_named_on_the_account_are_asked_instead_of_the_delegated_ones(
    lab: Lab,
) -> None:
    lab.servers[2].add_txt(NAME, V)

    sights = await lab.watch(watched=[lab.servers[2].endpoint]).wait(NAME, {V})

    assert [(sight.name, sight.seen) for sight in sights] == [("127.0.0.4", True)]
    assert lab.servers[0].asked == lab.servers[1].asked == []


@case(24)
async def test_a_late_zone_transfer_is_told_by_the_serials(lab: Lab) -> None:
    for server, serial in zip(lab.servers, (3, 4_294_967_295, 3), strict=True):
        rrsets = server.zones[dns.name.from_text("example.test")]
        server.serve("example.test", f"example.test. SOA ns. host. {serial} 60 60 60 60")
        server.zones[dns.name.from_text("example.test")] += rrsets[1:]
    lab.servers[0].add_txt(NAME, V)
    lab.servers[2].add_txt(NAME, V)

    with pytest.raises(ChallengeNotVisible) as caught:
        await lab.watch().wait(NAME, {V}, deadline=0)

    assert "ns2.example.test (127.0.0.3" in said(caught.value)
    assert "has example.test at serial 4294967295, its primary at 3" in said(caught.value)
    assert "also-notify" in caught.value.hint
