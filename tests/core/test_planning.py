"""How a name is proved: its own choice, the request's, else the longest mapping."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kmtui.core.errors import InvalidInput
from kmtui.core.planning import Means, proof
from kmtui.model import ChallengeChoice, DnsAccount, EndServer, Mapping

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DNS = DnsAccount(
    id="d1", name="ns", provider="rfc2136", settings={}, secret_names=(), zones=(), created_at=NOW
)
WEB = EndServer(id="s1", name="web", kind="local", settings={}, secret_names=(), created_at=NOW)


def mapping(pattern: str, *, alias: str | None = None, server: bool = False) -> Mapping:
    return Mapping(
        id=pattern,
        pattern=pattern,
        challenge_type="http-01" if server else "dns-01",
        dns_account_id=None if server else DNS.id,
        dns_account=None if server else DNS.name,
        server_id=WEB.id if server else None,
        server=WEB.name if server else None,
        alias=alias,
        webroot=None,
        created_at=NOW,
    )


MEANS = Means(
    mappings=(
        mapping(".example.org", alias="x.acme.example.net"),
        mapping("www.example.org", server=True),
        mapping(".web.example.org", server=True),
    ),
    dns_accounts=(DNS,),
    servers=(WEB,),
)


@pytest.mark.parametrize(
    ("name", "choice", "expected"),
    [
        ("www.example.org", None, ("http-01", "web")),
        ("a.example.org", None, ("dns-01", "ns")),
        ("*.example.org", None, ("dns-01", "ns")),
        ("*.web.example.org", None, ("dns-01", "ns")),
        ("www.example.org", ChallengeChoice(type="dns-01"), ("dns-01", "ns")),
        ("www.example.org", ChallengeChoice(dns_account="ns"), ("dns-01", "ns")),
        ("elsewhere.test", ChallengeChoice(server="web"), ("http-01", "web")),
    ],
)
def test_the_way_of_a_name(
    name: str, choice: ChallengeChoice | None, expected: tuple[str, str]
) -> None:
    way = proof(name, {"": choice} if choice else {}, MEANS)

    assert (way.type, way.via) == expected


def test_a_names_own_choice_goes_before_the_requests() -> None:
    choices = {"": ChallengeChoice(server="web"), "a.example.org": ChallengeChoice(type="dns-01")}

    assert proof("a.example.org", choices, MEANS).type == "dns-01"
    assert proof("b.example.org", choices, MEANS).type == "http-01"


def test_the_alias_of_the_mapping_goes_along() -> None:
    assert proof("a.example.org", {}, MEANS).alias == "x.acme.example.net"


@pytest.mark.parametrize(
    ("name", "choice", "field"),
    [
        ("elsewhere.test", ChallengeChoice(), "challenge"),
        ("*.example.org", ChallengeChoice(server="web"), "challenge"),
        ("192.0.2.1", ChallengeChoice(dns_account="ns"), "challenge"),
        ("a.example.org", ChallengeChoice(type="tls-alpn-01"), "challenge"),
        ("a.example.org", ChallengeChoice(dns_account="nobody"), "dns"),
        ("a.example.org", ChallengeChoice(server="nobody"), "server"),
    ],
)
def test_what_cannot_work_names_the_field(name: str, choice: ChallengeChoice, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        proof(name, {"": choice}, MEANS)

    assert caught.value.field == field
    assert name in caught.value.message or "nobody" in caught.value.message or "alpn" in str(caught)
