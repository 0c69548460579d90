"""Renewal information (RFC 9773): the certificate's name, usable windows, and all the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from josepy.json_util import decode_b64jose

from kmtui.core.acme import AcmeClient, RenewalInfo, cert_id
from kmtui.core.errors import AcmeError, CaUnreachable, InvalidInput, ProtocolViolation
from tests.core.acme.fake_ca import BASE, Clock, FakeCa, problem

# The example of RFC 9773 section 4.1: a serial whose first bit is set, hence the leading zero.
AUTHORITY = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
SERIAL = 0x87654321
NAME = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
PATH = f"/renewal-info/{NAME}"
KEY = ec.generate_private_key(ec.SECP256R1())
WINDOW = {"start": "2026-10-01T00:00:00Z", "end": "2026-10-03T00:00:00Z"}


def leaf(serial: int = SERIAL, *, authority: bytes | None = AUTHORITY) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(serial)
        .public_key(KEY.public_key())
        .not_valid_before(datetime(2026, 9, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 12, 1, tzinfo=UTC))
    )
    if authority is not None:
        identifier = x509.AuthorityKeyIdentifier(authority, None, None)
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(KEY, hashes.SHA256())


def answer(window: Any = WINDOW, *, retry_after: str | None = "21600", **more: Any) -> Any:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx.Response(200, json={"suggestedWindow": window, **more}, headers=headers)


def test_the_name_is_that_of_the_standards_example() -> None:
    assert cert_id(leaf()) == NAME


@given(serial=st.integers(min_value=1, max_value=2**159 - 1))
def test_the_serial_part_is_the_der_integer(serial: int) -> None:
    octets = decode_b64jose(cert_id(leaf(serial)).partition(".")[2])

    assert int.from_bytes(octets, "big", signed=True) == serial
    assert len(octets) == 1 or octets[0] or octets[1] & 0x80, "no octet more than needed"


def test_a_certificate_without_its_authoritys_key_has_no_name() -> None:
    with pytest.raises(InvalidInput):
        cert_id(leaf(authority=None))


async def test_a_window_is_read_without_an_account(ca: FakeCa, client: AcmeClient) -> None:
    ca.script[PATH].append(answer(explanationURL="https://ca.test/why"))

    info = await client.renewal_info(NAME)

    assert info == RenewalInfo(
        start=datetime(2026, 10, 1, tzinfo=UTC),
        end=datetime(2026, 10, 3, tzinfo=UTC),
        retry_after=21600,
        explanation_url="https://ca.test/why",
    )
    assert ca.requests[-1] == ("GET", PATH)
    assert ca.count("/new-account") == 0


async def test_a_ca_without_the_service_is_not_asked(ca: FakeCa, client: AcmeClient) -> None:
    directory = ca.directory()
    del directory["renewalInfo"]
    ca.script["/directory"].append(httpx.Response(200, json=directory))

    assert await client.renewal_info(NAME) is None
    assert [path for _, path in ca.requests] == ["/directory"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 60.0),
        ("59", 60.0),
        ("3600", 3600.0),
        ("999999999999", 86_400.0),
        (format_datetime(datetime.now(UTC) + timedelta(days=9), usegmt=True), 86_400.0),
        (format_datetime(datetime(1970, 1, 1, tzinfo=UTC), usegmt=True), 60.0),
    ],
    ids=["none", "too short", "an hour", "too long", "a date", "a date long ago"],
)
async def test_the_interval_stays_within_a_minute_and_a_day(
    ca: FakeCa, client: AcmeClient, header: str, seconds: float
) -> None:
    ca.script[PATH].append(answer(retry_after=header))

    info = await client.renewal_info(NAME)

    assert info is not None
    assert info.retry_after == seconds


@pytest.mark.edge(22)
@pytest.mark.parametrize(
    "reply",
    [
        answer({"start": WINDOW["end"], "end": WINDOW["start"]}),
        answer({"start": WINDOW["start"], "end": WINDOW["start"]}),
        answer({"start": WINDOW["start"]}),
        answer({"start": "soon", "end": "later"}),
        answer(None),
        answer("tomorrow"),
        answer(["2026-10-01T00:00:00Z"]),
        answer(retry_after=None),
        answer(retry_after="after lunch"),
        httpx.Response(200, html="<p>It works!</p>", headers={"Retry-After": "60"}),
        httpx.Response(200, content=b"", headers={"Retry-After": "60"}),
        httpx.Response(200, json=[], headers={"Retry-After": "60"}),
        httpx.Response(302, headers={"Location": f"{BASE}/elsewhere"}),
    ],
    ids=lambda reply: (
        f"{reply.status_code} {reply.content[:60]!r} {reply.headers.get('retry-after')}"
    ),
)
async def test_an_unusable_answer_is_a_violation(
    ca: FakeCa, client: AcmeClient, reply: httpx.Response
) -> None:
    ca.script[PATH].append(reply)

    with pytest.raises(ProtocolViolation):
        await client.renewal_info(NAME)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "http://ca.test/", 7, None, "https://" * 999]
)
async def test_an_explanation_that_is_no_link_is_left_out(
    ca: FakeCa, client: AcmeClient, link: object
) -> None:
    ca.script[PATH].append(answer(explanationURL=link))

    info = await client.renewal_info(NAME)

    assert info is not None
    assert info.explanation_url == ""


async def test_a_moved_service_is_found_again(ca: FakeCa, client: AcmeClient) -> None:
    await client.directory()
    moved = {**ca.directory(), "renewalInfo": f"{BASE}/ari/"}
    ca.script["/directory"].append(httpx.Response(200, json=moved))
    ca.script[PATH].append(problem(404, "malformed", "gone"))
    ca.script[f"/ari/{NAME}"].append(answer())

    assert await client.renewal_info(NAME) is not None


async def test_an_unknown_certificate_is_asked_for_once(ca: FakeCa, client: AcmeClient) -> None:
    ca.script[PATH].append(problem(404, "malformed", "never heard of it"))

    with pytest.raises(AcmeError, match="never heard"):
        await client.renewal_info(NAME)

    assert ca.count(PATH) == 1


async def test_a_short_outage_is_bridged_and_a_long_one_is_not_waited_for(
    ca: FakeCa, client: AcmeClient, clock: Clock
) -> None:
    ca.script[PATH].extend([httpx.ConnectError("refused"), answer()])
    assert await client.renewal_info(NAME) is not None

    ca.script[PATH].extend([httpx.ConnectError("refused")] * 9)
    with pytest.raises(CaUnreachable):
        await client.renewal_info(NAME)
    assert sum(clock.slept) < 10


@pytest.mark.parametrize("ahead", [timedelta(days=-3650), timedelta(0), timedelta(hours=1)])
async def test_the_cas_clock_is_compared_with_ours(ca: FakeCa, ahead: timedelta) -> None:
    theirs = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
    dated = httpx.Response(
        200, json=ca.directory(), headers={"Date": format_datetime(theirs, usegmt=True)}
    )
    ca.script["/directory"].append(dated)
    async with AcmeClient(
        f"{BASE}/directory", http=ca.transport, now=lambda: theirs + ahead
    ) as client:
        assert client.clock_skew is None

        await client.directory()

        assert client.clock_skew == ahead.total_seconds()
