"""SSH connection: to a server whose key is pinned, with the credential chosen for it, nothing else.

asyncssh would read ~/.ssh/config (which can run a program or switch the check of host keys off),
~/.ssh/known_hosts, default keys, the agent of the environment and X.509 trust of the user. None of
that is asked here: each is switched off by name below.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import asyncssh

from kmtui.core.addresses import Address
from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Ran
from kmtui.core.servers.host_keys import NOTHING, HostKey, Known, Pins, known
from kmtui.core.servers.sftp import Sftp
from kmtui.core.servers.ssh_command import run_command
from kmtui.core.servers.ssh_credentials import Credentials, credentials
from kmtui.core.servers.ssh_errors import refused, unreachable
from kmtui.core.servers.ssh_login import SshLogin

CONNECT_SECONDS = 10.0
"""Until the TCP connection is made."""
LOGIN_SECONDS = 20.0
"""From there until we are logged in; a server may look our address up in the DNS first."""
KEEPALIVE_SECONDS = 10.0
KEEPALIVES = 3
"""Unanswered ones after which the connection is given up."""
COMMANDS = 5
"""At a time; OpenSSH allows ten sessions on a connection."""
BANNER_LIMIT = 1024
"""Characters kept of what a server says before the login."""

ED25519 = ("ssh-ed25519",)
ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
RSA = ("rsa-sha2-512", "rsa-sha2-256")
FAMILIES = {"ssh-ed25519": ED25519, "ecdsa-sha2-": ECDSA, "ssh-rsa": RSA}
"""How the type of a key begins, and the signatures made with it; what a server shows by default is
of the first family that both sides have."""
_ALL = (*ED25519, *ECDSA, *RSA)
_NO_SUCH_KEY = (asyncssh.KeyExchangeFailed, ConnectionResetError, BrokenPipeError)
"""What a server without a key of that type does: it says so, or hangs up first."""


class SshConnection:
    """A connection that is logged in, to the server that was meant."""

    def __init__(
        self, link: asyncssh.SSHClientConnection, login: SshLogin, *, by: str, banner: str
    ) -> None:
        self.link = link
        self.login = login
        self.by = by
        """What it was logged in with: ``the key SHA256:…``."""
        self.banner = banner
        """What the server said before the login; untrusted."""
        self.host_key = _host_key(link.get_server_host_key())
        self.making = asyncio.Lock()
        """Held while directories are made: two targets may lack the same parent."""
        self._dropped = False
        self._files: Sftp | None = None
        self._starting = asyncio.Lock()
        self._commands = asyncio.Semaphore(COMMANDS)

    async def files(self) -> Sftp:
        """Its file service, started when first asked for. Raises EndServerError."""
        async with self._starting:
            if self._files is None:
                self._files = await Sftp.start(self)
            return self._files

    async def run(self, command: str, *, seconds: float) -> Ran:
        """Run a command, as root where the login says sudo. Raises EndServerError."""
        async with self._commands:
            return await run_command(self, command, seconds=seconds, sudo=self.login.sudo)

    @property
    def closed(self) -> bool:
        """Whether it ended, by us, by the server, or by unanswered keepalives."""
        return self._dropped or self.link.is_closed()

    def drop(self) -> None:
        """End it at once, whatever is under way."""
        self._dropped = True
        self.link.abort()

    async def close(self) -> None:
        """End it, and wait a moment for the server to agree."""
        self.link.close()
        with suppress(TimeoutError, OSError, asyncssh.Error):
            async with asyncio.timeout(1):
                await self.link.wait_closed()


async def connect(login: SshLogin) -> SshConnection:
    """Log in. Raises HostKeyRefused before anything was sent, EndServerError for all else."""
    pins = login.pins
    lines = await asyncio.to_thread(known, login.address, pins.known_hosts)
    seen: list[HostKey] = []
    failure: EndServerError | None = None
    async with credentials(login) as held:
        for algorithms in _attempts(bool(lines.keys or lines.authorities), seen):
            visit = _Visit(pins, lines)
            try:
                link = await visit.log_in(login, algorithms, held)
                return SshConnection(link, login, by=held.said, banner=visit.banner)
            except asyncssh.HostKeyNotVerifiable as error:
                seen += [visit.seen] if visit.seen else []
                failure = refused(login, seen, pins, lines, error.reason)
            except EndServerError as error:
                cause = error.__cause__
                if visit.trusted or isinstance(cause, asyncssh.PermissionDenied):
                    raise
                if not seen and not isinstance(cause, _NO_SUCH_KEY):
                    raise
                failure = failure or error
    assert failure is not None
    raise failure


async def offered_key(address: Address) -> HostKey:
    """The key that a server shows to whom it does not know; nothing is sent to it.

    Raises EndServerError.
    """
    stranger = SshLogin(address=address, user="kmtui", pins=Pins())
    visit = _Visit(Pins(), NOTHING)
    with suppress(asyncssh.HostKeyNotVerifiable):
        # No key is pinned, so none is accepted.
        (await visit.log_in(stranger, _ALL, Credentials("", {}))).abort()
    if visit.seen is None:
        raise EndServerError(
            f"{address} shows no host key that can be pinned",
            hint="it needs a key of the type Ed25519, ECDSA or RSA",
        )
    return visit.seen


class _Visit(asyncssh.SSHClient):
    """One attempt: judges the key, and keeps what the server says."""

    def __init__(self, pins: Pins, lines: Known) -> None:
        self._pins = pins
        self._revoked = lines.revoked
        self._limit: asyncio.Timeout | None = None
        self.seen: HostKey | None = None
        """The key that is not pinned."""
        self.trusted = False
        """Whether it showed one that is."""
        self.banner = ""

    async def log_in(
        self, login: SshLogin, algorithms: Sequence[str], held: Credentials
    ) -> asyncssh.SSHClientConnection:
        host, port = login.address
        try:
            async with asyncio.timeout(CONNECT_SECONDS) as self._limit:
                return await asyncssh.connect(
                    host,
                    port,
                    client_factory=lambda: self,
                    username=login.user,
                    known_hosts=asyncssh.import_known_hosts(self._pins.known_hosts),
                    server_host_key_algs=list(algorithms) or (),
                    **{**_NOTHING_OF_THE_USER, **held.options},
                )
        except asyncssh.HostKeyNotVerifiable:
            raise
        except (OSError, ValueError, asyncssh.Error) as error:
            raise unreachable(login, error, held.said) from error

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        if self._limit is not None:
            self._limit.reschedule(None)  # from here on LOGIN_SECONDS count

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Asked for a key that the known_hosts lines do not hold."""
        shown = _host_key(key)
        self.trusted = shown.sha256 in set(self._pins.fingerprints) - self._revoked
        self.seen = None if self.trusted else shown
        return self.trusted

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banner = (self.banner + msg)[:BANNER_LIMIT]


_NOTHING_OF_THE_USER: dict[str, Any] = {
    "config": None,
    "tunnel": None,
    "proxy_command": None,
    "x509_trusted_certs": None,
    "x509_trusted_cert_paths": [],
    "password": None,
    "client_keys": None,
    "client_certs": [],
    "agent_path": None,
    "agent_forwarding": False,
    "pkcs11_provider": None,
    "gss_host": None,
    "gss_kex": False,
    "gss_auth": False,
    "host_based_auth": False,
    "public_key_auth": False,
    "password_auth": False,
    "kbdint_auth": False,
    "x11_forwarding": False,
    "request_pty": False,
    "connect_timeout": None,
    "login_timeout": LOGIN_SECONDS,
    "keepalive_interval": KEEPALIVE_SECONDS,
    "keepalive_count_max": KEEPALIVES,
    "utf8_decode_errors": "replace",
}


def _attempts(named: bool, seen: list[HostKey]) -> Iterator[Sequence[str]]:
    """Which signatures to ask for, one try after the other.

    A server shows one key, of a type that both sides have; the pinned one may be of another type.
    """
    if named:
        yield ()  # asyncssh asks for the types that the known_hosts lines hold
    yield _ALL
    for beginning, algorithms in FAMILIES.items():
        if not any(key.type.startswith(beginning) for key in seen):
            yield algorithms


def _host_key(key: asyncssh.SSHKey | None) -> HostKey:
    if key is None:  # only without a host key exchange, which is switched off
        return HostKey("", "")
    return HostKey(key.get_algorithm(), key.get_fingerprint())
