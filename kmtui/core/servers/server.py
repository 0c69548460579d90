"""End server: a place that serves http-01 answers (RFC 8555 section 8.3).

A kind of end server is one file with one class, named once in the registry. Forms and command
options are generated from its `title` and `fields`; nothing else knows the kinds by name.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Protocol, TypeAlias

from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import ProtocolViolation
from kmtui.core.servers.host import Host
from kmtui.core.servers.listener import PATH, Listeners
from kmtui.core.servers.ssh_connections import SshConnections
from kmtui.model import CheckLine, Field

WELL_KNOWN = tuple(PATH.strip("/").split("/"))
"""The directories below a web root where answers live (RFC 8555 section 8.3)."""

PROBE = Field(
    name="probe",
    label="Probe address",
    help="HOST:PORT asked instead of the name itself before the CA is; for a lab or a split DNS",
    rare=True,
)
"""A field that every kind has: where the advisory probe of http-01 connects to."""

# RFC 8555 section 8.3: base64url without padding, at least 128 bits. The token comes from a CA and
# becomes a file name and a URL path, so it is checked again here, where it is used.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")

Handle: TypeAlias = dict[str, Any]
"""What `clean_up` needs, JSON-able. Always has `token` and `key_authorization`."""


class Shared:
    """What the end servers of one process share: listeners, connections, directories they made."""

    def __init__(self) -> None:
        self.listeners = Listeners()
        self.connections = SshConnections()
        self.made: set[tuple[str, int]] = set()
        """Path and inode of each directory made below a web root and not yet removed."""

    @asynccontextmanager
    async def anew(self) -> AsyncIterator[Shared]:
        """The same with no connection open yet, to see machines as they are now."""
        found = Shared()
        found.listeners, found.made = self.listeners, self.made
        try:
            yield found
        finally:
            await found.connections.close()

    async def close(self) -> None:
        """Stop listeners, close connections. Challenge files stay: the journal removes them."""
        await self.listeners.close()
        await self.connections.close()


class EndServer(Protocol):
    """One configured end server.

    Built as ``cls(settings, secrets, shared)``; that MUST be quick, MUST NOT touch the outside
    world, and raises InvalidInput (with `field`) on bad settings.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    notes: ClassVar[tuple[str, ...]]
    """What to know before setting one up, a sentence or two each."""
    takes_files: ClassVar[bool]
    """Whether certificates can be put there: then `host` gives a machine."""
    probe: Address | None
    """Where the advisory probe connects to; None: to the addresses of the name."""

    def __init__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
    ) -> None: ...

    @staticmethod
    def stored(settings: Mapping[str, str]) -> dict[str, str]:
        """Settings that were checked, as they are stored: what is not needed of them goes.

        May take a moment: call it in a thread. Raises InvalidInput.
        """
        ...

    @staticmethod
    def where(settings: Mapping[str, str]) -> str:
        """Where it serves, as an operator names it: a path, an address, user and machine."""
        ...

    def host(self) -> Host | None:
        """The machine it stands on, when certificates can be put there. Quick, as building is."""
        ...

    async def check(self) -> Sequence[CheckLine]:
        """Try what a challenge would need and leave nothing behind; never raises for a finding."""
        ...

    async def intended(self, token: str, key_authorization: str) -> Handle:
        """What `present` is about to make: enough for `clean_up`, should it be cut off.

        MUST NOT change anything. Raises ProtocolViolation for a token that is no token.
        """
        ...

    async def present(
        self, token: str, key_authorization: str, noted: Handle | None = None
    ) -> Handle:
        """Make the answer readable at /.well-known/acme-challenge/TOKEN.

        MUST be repeatable: after a crash it is called again with the same values, and with what was
        `noted` of the attempt before. MUST NOT change what is there and is not ours. Raises
        EndServerError, or ProtocolViolation for a token that is no token.
        """
        ...

    async def clean_up(self, handle: Handle) -> None:
        """Remove the answer if it is ours; absent is success, foreign content stays.

        MUST accept a handle with only `token` and `key_authorization`: a crash may come between
        the effect and the record of its handle. Raises EndServerError when it must be tried again.
        """
        ...


def probe_address(settings: Mapping[str, str]) -> Address | None:
    """What the field `PROBE` holds. Raises InvalidInput."""
    text = settings.get(PROBE.name, "")
    return parse_address(text, field=PROBE.name, default_port=80) if text else None


def check_token(token: str) -> str:
    """The token itself, when it is one. Raises ProtocolViolation."""
    if not TOKEN.fullmatch(token):
        raise ProtocolViolation(
            f"the CA sent a challenge token that is not base64url: {token[:40]!r}",
            hint="nothing was written; report this to the CA",
        )
    return token
