"""A name server's address and port, written ``host``, ``host:port`` or ``[IPv6]:port``."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

DNS_PORT = 53

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Where a name server listens; `host` is a name or an address without brackets."""

    host: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DNS_PORT else f"{host}:{self.port}"

    @property
    def numeric(self) -> bool:
        """Whether `host` is an address."""
        return _is_address(self.host)

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read one endpoint. Raises ValueError with a reason fit for an operator."""
        text = text.strip()
        if _is_address(text):
            return cls(text)
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or not _is_address(host) or (rest and not rest.startswith(":")):
                raise ValueError(f"{text!r} is not [IPv6]:port")
            return cls(host, _port(rest[1:]) if rest else DNS_PORT)
        host, colon, port = text.partition(":")
        if not _HOST.fullmatch(host):
            raise ValueError(f"{text!r} is not host, host:port or [IPv6]:port")
        return cls(host, _port(port) if colon else DNS_PORT)

    @classmethod
    def parse_list(cls, text: str) -> tuple[Endpoint, ...]:
        """Read endpoints separated by commas or blanks. Raises ValueError."""
        return tuple(cls.parse(part) for part in re.split(r"[,\s]+", text.strip()) if part)

    async def resolve(self) -> tuple[Endpoint, ...]:
        """The numeric endpoints behind a host name, by the system's resolver. Raises OSError."""
        if self.numeric:
            return (self,)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(Endpoint(str(info[4][0]), self.port) for info in found))


async def resolve_all(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """The numeric endpoints behind several; a host name that does not resolve is left out."""
    found: list[Endpoint] = []
    for endpoint in endpoints:
        try:
            found.extend(await endpoint.resolve())
        except OSError:
            continue
    return tuple(dict.fromkeys(found))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"{text!r} is not a port")
    return int(text)
