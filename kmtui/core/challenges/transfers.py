"""Zone transfers that are late: servers behind the one that took an update, by SOA serial."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import dns.name
import dns.rdatatype
import dns.serial

from kmtui.core.dns.cuts import NameServer
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import text_of
from kmtui.core.dns.query import NoReply, answer_of, ask


async def late_transfers(
    zone: dns.name.Name,
    primaries: Iterable[Endpoint],
    servers: Sequence[NameServer],
    *,
    patience: float,
) -> tuple[str, ...]:
    """A sentence for each server whose copy of `zone` is older than the newest of `primaries`.

    Empty when no primary shows its serial: hidden ones may answer nobody but their secondaries.
    """

    async def serial(endpoint: Endpoint | None) -> int | None:
        return await _serial(zone, endpoint, patience) if endpoint else None

    newest, *copies = await asyncio.gather(
        _newest(zone, primaries, patience), *(serial(server.endpoint) for server in servers)
    )
    if newest is None:
        return ()
    return tuple(
        f"{server.name} ({server.address}) has {text_of(zone)} at serial {copy}, "
        f"its primary at {newest}"
        for server, copy in zip(servers, copies, strict=True)
        if copy is not None and _older(copy, newest)
    )


async def _newest(
    zone: dns.name.Name, primaries: Iterable[Endpoint], patience: float
) -> int | None:
    found = await asyncio.gather(*(_serial(zone, each, patience) for each in primaries))
    newest: int | None = None
    for each in found:
        if each is not None and (newest is None or _older(newest, each)):
            newest = each
    return newest


async def _serial(zone: dns.name.Name, endpoint: Endpoint, patience: float) -> int | None:
    try:
        reply = await ask(endpoint, zone, dns.rdatatype.SOA, patience=patience)
    except NoReply:
        return None
    rrset = answer_of(reply, zone, dns.rdatatype.SOA)
    return int(rrset[0].serial) if rrset else None


def _older(one: int, other: int) -> bool:
    """RFC 1982 section 3.2: serials wrap round."""
    return bool(dns.serial.Serial(one) < dns.serial.Serial(other))
