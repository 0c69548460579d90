"""The certificate that a server shows now, with the chain it sends along; its key stays there."""

from __future__ import annotations

import _ssl
import asyncio
import os
import socket
import ssl
from urllib.parse import urlsplit

from cryptography import x509

from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import EndServerError, InvalidInput
from kmtui.core.imports.files import naming
from kmtui.core.imports.found import FoundCertificate
from kmtui.core.imports.pool import Pool
from kmtui.core.imports.tree import FIELD
from kmtui.core.inspection import MAX_CERTIFICATES
from kmtui.core.names import is_ip

SECONDS = 10.0
"""For the connection and its handshake."""


def address_of(text: str) -> Address:
    """``https://HOST``, ``https://HOST:PORT`` or ``HOST:PORT``. Raises InvalidInput."""
    if not text.startswith("https://"):
        return parse_address(text, field=FIELD, default_port=443)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a URL", field=FIELD) from error
    if not host:
        raise InvalidInput(f"{text!r} names no host", field=FIELD)
    return Address(host, port or 443)


async def read_live(text: str) -> list[FoundCertificate]:
    """What a server shows for its own name (RFC 6066 section 3). Nothing of it is trusted.

    Raises InvalidInput, EndServerError.
    """
    address = address_of(text)
    if not address.host:
        raise InvalidInput(f"{text!r} names no host", field=FIELD)
    shown = await _shown(address)
    return await asyncio.to_thread(_found, shown, str(address))


def _found(shown: list[bytes], where: str) -> list[FoundCertificate]:
    pool = Pool()
    with naming(where):
        for position, der in enumerate(shown[:MAX_CERTIFICATES]):
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError as error:
                raise InvalidInput(f"unreadable certificate: {error}") from error
            pool.add_certificate(certificate, where, served=position == 0)
    return pool.certificates()


async def _shown(address: Address) -> list[bytes]:
    """The leaf and what came with it, DER. Raises EndServerError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Looked at, not trusted: an expired or private one is worth keeping, too.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name = "" if is_ip(address.host) else address.host
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, server_hostname=name
            )
            try:
                shown = _chain(writer.get_extra_info("ssl_object"))
            finally:
                writer.transport.abort()
    except TimeoutError as error:
        raise EndServerError(f"{address} does not answer within {SECONDS:.0f} seconds") from error
    except OSError as error:
        raise EndServerError(f"{address} shows no certificate: {_why(error)}") from error
    if not shown:
        raise EndServerError(f"{address} showed no certificate")
    return shown


def _chain(connection: ssl.SSLObject) -> list[bytes]:
    """Python 3.13 made a method public that older versions have within."""
    if hasattr(connection, "get_unverified_chain"):
        chain: list[bytes] = connection.get_unverified_chain()
        return chain
    inner = connection._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]
    return [certificate.public_bytes(_ssl.ENCODING_DER) for certificate in inner]


def _why(error: OSError) -> str:
    """An error of the network in the system's own words."""
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or error})"
    if not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error)
