"""A trial of the right to change zones: a record that nobody needs, made and taken away again."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress

from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.provider import (
    DEFAULT_TTL,
    DnsProvider,
    TxtHandle,
    Zone,
    failure_lines,
)
from kmtui.core.dns.settings import read
from kmtui.core.errors import DnsProviderError, KmtuiError
from kmtui.core.together import whole
from kmtui.model import CheckLine


async def try_names(provider: DnsProvider, names: Iterable[str]) -> tuple[CheckLine, ...]:
    """For each name of a certificate: its zone, and whether TXT records there can be changed.

    Each zone is tried once. Failures are lines.
    """
    lines: list[CheckLine] = []
    tried: set[str] = set()
    for name in names:
        try:
            zone = await provider.find_zone(challenge_name(name))
        except KmtuiError as error:
            lines += failure_lines(error)
            continue
        if zone.id not in tried:
            tried.add(zone.id)
            lines += await whole(_try_zone(provider, zone))
    return tuple(lines)


def challenge_name(name: str) -> str:
    """Where the TXT record for a certificate's name goes (RFC 8555 section 8.4); that very name
    when it is one already. Raises InvalidInput."""
    found = text_of(read("name", parse_name, name.strip().removeprefix("*.")))
    return found if found.startswith("_") else f"_acme-challenge.{found}"


async def _try_zone(provider: DnsProvider, zone: Zone) -> tuple[CheckLine, ...]:
    name = f"_kmtui-test-{secrets.token_hex(4)}.{zone.text}"
    handle = TxtHandle.of(zone, name, secrets.token_urlsafe(32))
    try:
        await provider.add(zone, name, {handle.value}, DEFAULT_TTL)
    except DnsProviderError as error:
        if error.kind == "transient":
            with suppress(DnsProviderError):  # What got no answer may still have arrived.
                await provider.remove([handle])
        return failure_lines(error)
    try:
        await provider.remove([handle])
    except DnsProviderError as error:
        left = CheckLine(False, f"the test record {name} could not be removed again: remove it")
        return (left, *failure_lines(error))
    return (CheckLine(True, f"TXT records in zone {zone.text} can be made and removed"),)
