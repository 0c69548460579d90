"""The sandbox: a practice CA and its name servers, in this process, on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import dns.tsig
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmtui.core.errors import Refused
from kmtui.core.sandbox import renewal
from kmtui.core.sandbox.ca import PracticeCa
from kmtui.core.sandbox.issuer import Issuer
from kmtui.core.sandbox.nameserver import NameServer
from kmtui.core.sandbox.state import State
from kmtui.core.sandbox.validation import Validator
from kmtui.model import KeyType

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Sandbox:
    """A CA and the name servers of `zones`; enter it to start it.

    `http_port` is where http-01 answers are expected on 127.0.0.1 (a free port when not given);
    `state_dir` keeps keys, accounts and ports for the next time; `pace` is how long the CA takes
    for each validation and issuance, `lag` how long the secondary name server stays behind, both
    in seconds; `nonce_rejection` is the share of good nonces the CA refuses.

    Entering raises Refused when a port that a kept sandbox had is in use now.
    """

    tsig_name = "kmtui-sandbox."
    tsig_algorithm = "hmac-sha256"

    def __init__(
        self,
        zones: Sequence[str] = ("kmtui.test", "shop.test"),
        *,
        http_port: int | None = None,
        state_dir: Path | None = None,
        pace: float = 1.0,
        lag: float = 2.0,
        nonce_rejection: float = 0.0,
    ) -> None:
        self.zones = tuple(zones)
        self.http_port = http_port or 0
        self._state_dir = state_dir
        self._pace = pace
        self._lag = lag
        self._nonce_rejection = nonce_rejection
        self._closing = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._state = await asyncio.to_thread(State.open, self._state_dir)
        self._issuer = await asyncio.to_thread(Issuer.open, self._state_dir)
        ports = self._state.ports
        try:
            await self._start(ports.get("ca", 0), ports.get("dns", 0), ports.get("http", 0))
        except OSError as error:
            await self._closing.aclose()
            raise Refused(
                f"the sandbox cannot listen: {error.strerror or error}",
                hint="another demo may use the same directory: stop it, or keep this one elsewhere",
            ) from error
        self._state.ports = {
            "ca": self._ca.port,
            "dns": self._name_server.port,
            "http": self.http_port,
        }
        await asyncio.to_thread(self._state.save)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the CA and the name servers."""
        await self._closing.aclose()

    async def _start(self, ca_port: int, dns_port: int, http_port: int) -> None:
        key = dns.tsig.Key(self.tsig_name, self.tsig_secret, self.tsig_algorithm)
        self._name_server = NameServer(self.zones, key, lag=self._lag)
        await self._name_server.start(dns_port)
        self._closing.push_async_callback(self._name_server.close)
        self.http_port = self.http_port or http_port or _free_port()
        self._ca = PracticeCa(
            self._issuer,
            self._state,
            Validator(self._name_server.hosts, self._name_server.port, self.http_port),
            zones=self.zones,
            pace=self._pace,
            nonce_rejection=self._nonce_rejection,
        )
        await self._ca.start(ca_port)
        self._closing.push_async_callback(self._ca.close)

    @property
    def directory_url(self) -> str:
        """The URL of the ACME directory."""
        return f"{self._ca.base}/directory"

    @property
    def lag(self) -> float:
        """How long the secondary name server stays behind, in seconds; may be set at any time."""
        return self._lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        self._lag = seconds
        self._name_server.lag = seconds

    def note_revoked(self, serial: str, reason: int) -> None:
        """Note that a sample was revoked, for that reason of RFC 5280 section 5.3.1."""
        self._state.issued[serial].revocation_reason = reason
        self._state.save()

    def note_window(self, serial: str, window: tuple[datetime, datetime], why: str) -> None:
        """Suggest that a certificate is renewed within that time; `why` is the URL of a page."""
        issued = self._state.issued[serial]
        issued.window, issued.explanation = renewal.stored(window), why
        self._state.save()

    def window(self, serial: str) -> tuple[datetime, datetime]:
        """When this CA would like a certificate renewed."""
        start, end = self._state.issued[serial].window or ("", "")
        return datetime.fromisoformat(start), datetime.fromisoformat(end)

    @property
    def root_pem(self) -> str:
        """The root certificate of the default chain."""
        return self._issuer.root_pem

    @property
    def other_root_pem(self) -> str:
        """The root certificate of the alternate chain."""
        return self._issuer.other_root_pem

    @property
    def dns_server(self) -> str:
        """Address and port of the primary name server, which takes dynamic updates."""
        return f"{self._name_server.hosts[0]}:{self._name_server.port}"

    @property
    def dns_resolvers(self) -> str:
        """Addresses and ports of all name servers, with commas between."""
        return ",".join(f"{host}:{self._name_server.port}" for host in self._name_server.hosts)

    @property
    def tsig_secret(self) -> str:
        """The secret of the TSIG key, base64."""
        return self._state.tsig_secret

    async def issue_sample(
        self,
        names: Sequence[str],
        not_before: datetime,
        days: float,
        key_type: KeyType = KeyType.EC256,
        *,
        account_url: str = "",
    ) -> tuple[str, str]:
        """A certificate with any dates, past ones too, issued without an order: chain and key, PEM.

        The account of `account_url` may revoke it; without one, only its own key may.
        """
        key = await asyncio.to_thread(_generate, key_type)
        lifetime = timedelta(days=days)
        certificate = self._issuer.issue(names, key.public_key(), not_before, lifetime)
        self._ca.record(certificate, account_url.rpartition("/")[2])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._issuer.chain_pem(certificate), private.decode()


def _generate(key_type: KeyType) -> PrivateKey:
    match key_type:
        case KeyType.EC256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyType.EC384:
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return rsa.generate_private_key(65537, int(key_type.removeprefix("rsa")))


PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections: a port that is only listened on now and
then stays free in between."""


def _free_port() -> int:
    """A port that nobody listens on."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Refused("no port is free on 127.0.0.1", hint="end some of what listens there")
