"""Host keys: which keys of an SSH server are trusted, and how an operator compares them.

A pin is a fingerprint as OpenSSH prints it, or the lines of a known_hosts file that name the server
(sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": host keys, `@cert-authority` and `@revoked`). Nothing else
is trusted, and no file of this machine is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kmtui.core.addresses import Address
from kmtui.core.errors import InvalidInput

REVOKED = "@revoked "
"""How a known_hosts line begins whose key is never to be trusted."""

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public key as an operator compares it."""

    type: str
    """``ssh-ed25519``, ``ssh-rsa``, …"""
    sha256: str
    """``SHA256:`` and 43 characters of base64."""

    def __str__(self) -> str:
        return f"{self.type} {self.sha256}"


@dataclass(frozen=True, slots=True)
class Pins:
    """The keys that a server may show. Without any, it is never logged in to."""

    fingerprints: tuple[str, ...] = ()
    known_hosts: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Pins:
        """What the settings `host_key` and `known_hosts` hold. Raises InvalidInput."""
        text, known_hosts = settings.get("host_key", ""), settings.get("known_hosts", "")
        fingerprints = tuple(_FINGERPRINT.findall(text))
        if len(fingerprints) != text.count("SHA256:") or (text and not fingerprints):
            raise InvalidInput(
                "the host key is no SHA-256 fingerprint",
                field="host_key",
                hint="as ssh-keygen -l prints it: SHA256: and 43 characters",
            )
        if not fingerprints and not known_hosts:
            raise InvalidInput(
                "no host key is pinned: the server could be anybody",
                field="host_key",
                hint="give its fingerprint (SHA256:…) or a known_hosts file that names it",
            )
        return cls(fingerprints, known_hosts)


@dataclass(frozen=True, slots=True)
class Known:
    """What known_hosts lines hold for one server, as fingerprints."""

    keys: frozenset[str]
    authorities: frozenset[str]
    """Those that may sign a host's key (``@cert-authority``)."""
    revoked: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.keys or self.authorities or self.revoked)


NOTHING = Known(frozenset(), frozenset(), frozenset())


def known(address: Address, known_hosts: str) -> Known:
    """What the text holds for `address`; lines that cannot be read count for nothing.

    Imports asyncssh: call it in a thread.
    """
    import asyncssh

    # Without a port for the usual one: that is how files name it.
    port = address.port if address.port != asyncssh.DEFAULT_PORT else None
    keys: set[str] = set()
    authorities: set[str] = set()
    revoked: set[str] = set()
    for line in known_hosts.splitlines():
        # Matched as a key: asyncssh overlooks a revoked one with a port when nothing else matches.
        bare = line.strip().removeprefix(REVOKED)
        try:
            found, signing, *_ = asyncssh.import_known_hosts(bare).match(address.host, "", port)
        except ValueError:
            continue
        mine = keys if bare == line.strip() else revoked
        mine.update(key.get_fingerprint() for key in found)
        authorities.update(key.get_fingerprint() for key in signing)
    return Known(frozenset(keys), frozenset(authorities), frozenset(revoked))


def lines_naming(address: Address, known_hosts: str) -> str:
    """The lines of a known_hosts file that a connection to `address` would look at.

    Raises InvalidInput when no key is among them. Imports asyncssh: call it in a thread.
    """
    lines = [line.strip() for line in known_hosts.splitlines()]
    found = [line for line in lines if known(address, line)]
    if all(line.startswith(REVOKED) for line in found):
        raise InvalidInput(
            f"the known_hosts file does not name {address}",
            field="known_hosts",
            hint=f"ssh-keyscan -p {address.port} {address.host} shows the keys offered; compare "
            "them with the server's console first",
        )
    return "\n".join(found)
