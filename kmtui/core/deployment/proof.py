"""Proof: what a server shows to those who connect is the version that was put there.

It is compared with the version's fingerprint, so nothing is trusted: not the chain, not the name,
not the dates of what is shown.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC

from cryptography import x509

from kmtui.core import inspection
from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import InvalidInput
from kmtui.core.names import is_ip
from kmtui.model import Served, Version

ONE_LOOK = 5.0
"""Seconds for one connection and its handshake."""
AFTER_RELOAD = 15.0
"""Seconds that a server has to show the new version: old workers may still answer for a while."""
BETWEEN = 0.5
"""Seconds between two looks."""

VERIFIED, STALE, UNREACHABLE = "verified", "stale", "unreachable"

Look = Callable[[Address, str | None], Awaitable[bytes]]
"""Address and server name to the certificate shown, DER; raises OSError, TimeoutError."""


async def look(address: Address, server_name: str | None) -> bytes:
    """The certificate that a server shows for a name. Raises OSError (also ssl's), TimeoutError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The question is which certificate is shown; whether it would be trusted is another one.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(ONE_LOOK):
        _, writer = await asyncio.open_connection(
            address.host, address.port, ssl=context, server_hostname=server_name or ""
        )
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
    if not shown:
        raise OSError("it showed no certificate")
    return bytes(shown)


async def prove(
    verify: str, version: Version, *, seconds: float = 0.0, look: Look = look
) -> Served:
    """Whether the server at `verify` shows `version`; looked at again until `seconds` are over."""
    address = parse_address(verify, field="verify")
    server_name = name_to_ask_for(version)
    deadline = time.monotonic() + seconds
    while True:
        served = await _one_look(address, server_name, version, look)
        if served.outcome == VERIFIED or time.monotonic() + BETWEEN > deadline:
            return served
        await asyncio.sleep(BETWEEN)


def name_to_ask_for(version: Version) -> str | None:
    """A name of the certificate for the handshake (RFC 6066 section 3); None for addresses only.

    Of a wildcard, some name below it: servers match those, not the asterisk.
    """
    names = [name for name in version.names if not is_ip(name)]
    plain = [name for name in names if not name.startswith("*.")]
    if plain:
        return plain[0]
    return f"www.{names[0].removeprefix('*.')}" if names else None


async def _one_look(
    address: Address, server_name: str | None, version: Version, look: Look
) -> Served:
    try:
        facts = inspection.facts(x509.load_der_x509_certificate(await look(address, server_name)))
    except TimeoutError:
        return Served(outcome=UNREACHABLE, detail=f"{address} does not answer")
    except (OSError, ValueError, InvalidInput) as error:
        return Served(outcome=UNREACHABLE, detail=f"{address} shows no certificate: {_why(error)}")
    same = facts.sha256 == version.sha256
    until = f"{facts.not_after.astimezone(UTC):%Y-%m-%d}"
    what = (
        f"{address} serves version {version.number}"
        if same
        else f"{address} serves another certificate: serial {facts.serial} of {facts.issuer}, "
        f"valid until {until}"
    )
    return Served(
        outcome=VERIFIED if same else STALE,
        detail=what,
        sha256=facts.sha256,
        serial=facts.serial,
        issuer=facts.issuer,
        names=facts.names,
        not_after=facts.not_after,
    )


def _why(error: Exception) -> str:
    """An error of the network in the system's own words."""
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or error})"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)
