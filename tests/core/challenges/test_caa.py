"""Which CA may issue for a name, for whom and how (RFC 8659, RFC 8657)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.challenges.caa import Issuer, Property, Records, refusal, relevant_records
from kmtui.core.dns.resolvers import Resolvers
from tests.core.challenges.stub_nameserver import StubNameServer

ACCOUNT = "https://ca.example.net/acct/1"


def why(
    *records: tuple[str, str],
    wildcard: bool = False,
    account: str | None = ACCOUNT,
    method: str = "dns-01",
    flags: int = 0,
) -> str:
    properties = tuple(Property(flags, tag, value) for tag, value in records)
    return refusal(
        Records("example.test", properties),
        ("ca.example.net", "ca2.example.net"),
        wildcard=wildcard,
        account_url=account,
        method=method,
    )


@pytest.mark.parametrize(
    "records",
    [
        (),
        (("iodef", "mailto:security@example.test"),),
        (("issue", "ca.example.net"),),
        (("issue", "CA2.Example.Net ; policy=ev"),),
        (("issue", "other.example"), ("issue", "ca.example.net")),
        (("issuewild", ";"),),  # says nothing of names that are no wildcards
        (("issue", f"ca.example.net; accounturi={ACCOUNT}"),),
        (("issue", "ca.example.net; validationmethods=http-01,dns-01"),),
        (
            ("issue", "ca.example.net; accounturi=https://ca.example.net/acct/2"),
            ("issue", f"ca2.example.net; accounturi={ACCOUNT}"),
        ),
    ],
)
def test_what_does_not_exclude_a_ca_lets_it_issue(records: tuple[tuple[str, str], ...]) -> None:
    assert why(*records) == ""


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((("issue", ";"),), "allows nobody, not ca.example.net or ca2.example.net"),
        ((("issue", "other.example"),), "allows other.example"),
        ((("issue", ""),), "allows nobody"),
        (
            (("issue", "ca.example.net; accounturi=https://ca.example.net/acct/2"),),
            "only the account https://ca.example.net/acct/2 may ask",
        ),
        (
            (("issue", "ca.example.net; validationmethods=http-01"),),
            "only http-01 may prove the name, not dns-01",
        ),
    ],
)
def test_what_excludes_a_ca_is_told(records: tuple[tuple[str, str], ...], said: str) -> None:
    assert said in why(*records)
    assert "example.test" in why(*records)


def test_a_wildcard_follows_issuewild_and_issue_without_one() -> None:
    assert why(("issue", "ca.example.net"), wildcard=True) == ""
    assert why(("issue", "other.example"), ("issuewild", "ca.example.net"), wildcard=True) == ""
    assert "allows nobody" in why(("issue", "ca.example.net"), ("issuewild", ";"), wildcard=True)


def test_an_account_that_has_no_url_yet_is_not_held_against_it() -> None:
    value = "ca.example.net; accounturi=https://ca.example.net/acct/2"

    assert why(("issue", value), account=None) == ""


def test_a_critical_property_that_nobody_knows_stops_every_ca() -> None:
    assert "critical" in why(("future", "x"), ("issue", "ca.example.net"), flags=128)
    assert why(("future", "x"), ("issue", "ca.example.net")) == ""


@given(st.text(max_size=200))
def test_any_value_can_be_read(value: str) -> None:
    issuer = Issuer.parse(value)

    assert issuer.domain == issuer.domain.strip().lower()
    issuer.refusal(account_url=ACCOUNT, method="dns-01")


@pytest.fixture
async def server() -> AsyncIterator[StubNameServer]:
    server = StubNameServer("127.0.0.1")
    async with server.running():
        yield server


async def test_the_closest_set_counts_alone(server: StubNameServer) -> None:
    server.serve("test", 'example CAA 0 issue "far.example"', 'www.example CAA 0 issue "near.test"')
    resolvers = Resolvers([server.endpoint])

    near = await relevant_records("a.www.example.test", resolvers)
    far = await relevant_records("*.example.test", resolvers)

    assert (near.owner, near.properties[0].value) == ("www.example.test", "near.test")
    assert (far.owner, far.properties[0].value) == ("example.test", "far.example")


async def test_nothing_at_all_restricts_nobody(server: StubNameServer) -> None:
    server.serve("test", "www.example A 127.0.0.1")

    assert await relevant_records("www.example.test", Resolvers([server.endpoint])) == Records()
