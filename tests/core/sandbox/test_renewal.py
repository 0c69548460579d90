"""Renewal information of the practice CA, asked for by a foreign client (RFC 9773)."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509


async def sample(sandbox: Any, *, age: float, days: float = 90) -> tuple[str, x509.Certificate]:
    """A certificate of `days` days, issued `age` days ago."""
    begin = datetime.now(UTC) - timedelta(days=age)
    chain, _ = await sandbox.issue_sample(("www.kmtui.test",), begin, days)
    return chain, x509.load_pem_x509_certificate(chain.encode())


def serial(leaf: x509.Certificate) -> str:
    return format(leaf.serial_number, "x")


@pytest.mark.parametrize("days", [90, 6])
async def test_the_window_begins_where_renewals_are_usual(
    sandbox: Any, customer: Any, days: int
) -> None:
    chain, leaf = await sample(sandbox, age=0, days=days)

    at, _ = await asyncio.to_thread(customer.client.renewal_time, chain.encode())

    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    begin = leaf.not_valid_after_utc - life / (2 if days < 10 else 3)
    assert begin <= at <= begin + life / 30


async def test_a_revoked_one_wants_to_be_renewed_at_once(sandbox: Any, customer: Any) -> None:
    chain, leaf = await sample(sandbox, age=1)
    sandbox.note_revoked(serial(leaf), 1)

    at, _ = await asyncio.to_thread(customer.client.renewal_time, chain.encode())

    assert at <= datetime.now(UTC)


async def test_a_noted_window_is_told_with_its_reason(sandbox: Any, customer: Any) -> None:
    chain, leaf = await sample(sandbox, age=1)
    start = datetime.now(UTC).replace(microsecond=0)
    why = "https://kmtui.test/why"
    sandbox.note_window(serial(leaf), (start, start + timedelta(days=2)), why)

    at, _ = await asyncio.to_thread(customer.client.renewal_time, chain.encode())

    assert at <= start + timedelta(days=2)
    assert sandbox.window(serial(leaf)) == (start, start + timedelta(days=2))


@pytest.mark.parametrize("word", ["nothing", "a.b", "AAAA.AAAA", ".", "%00.%ff"])
async def test_what_was_never_issued_has_no_window(sandbox: Any, word: str) -> None:
    url = sandbox.directory_url.removesuffix("directory") + f"renewal-info/{word}"

    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(urllib.request.urlopen, url)

    assert refused.value.code == 404
    assert json.loads(refused.value.read())["type"].endswith(":malformed")
