"""HOST:PORT as an operator types it."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from kmtui.core.errors import InvalidInput


class Address(NamedTuple):
    """A host (name or IP address, "" for every interface) and a TCP or UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, field: str, default_port: int | None = None) -> Address:
    """Read ``host:port``, ``[v6]:port``, ``:port`` or, with a default port, a bare host.

    An IPv6 address without brackets is taken whole, without a port. Raises InvalidInput.
    """
    host, port = _split(text.strip())
    if host not in ("", "*") and not _is_host(host):
        raise InvalidInput(f"{host!r} is not a host name or IP address", field=field)
    if port is None:
        if default_port is None:
            raise InvalidInput(f"{text!r} has no port", field=field, hint="write HOST:PORT")
        return Address(host, default_port)
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise InvalidInput(f"{port!r} is not a port", field=field, hint="a number from 1 to 65535")
    return Address("" if host == "*" else host, int(port))


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest[1:] if rest.startswith(":") else (rest or None)
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.rstrip(".").split(".")
        return len(text) <= 253 and all(
            0 < len(label) <= 63
            and label.isascii()
            and label.replace("-", "").replace("_", "").isalnum()
            and not label.startswith("-")
            for label in labels
        )
    return True
