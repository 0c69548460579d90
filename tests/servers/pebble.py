"""Pebble, the small real ACME CA, on loopback with a throw-away TLS certificate.

What to know before writing a test with it:

- Give each test module its own Pebble; it keeps everything in memory and forgets it on stop.
- Never answer a second challenge of an authorization that is valid: Pebble then deadlocks.
- `Retry-After` comes as seconds or as a date, at random.
- `authz_reuse=0` still reuses about one valid authorization in a hundred: use fresh names.
- It asks the name server over TCP only.
- An order for the *parent* of a name in `blocklist` crashes the request: block a name whose parent
  no test orders.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import Process, Server, binary, free_port
from tests.servers.tls import make_loopback_certificate


@dataclass(frozen=True)
class Profile:
    """A certificate profile; `validity` in seconds."""

    description: str
    validity: int


PROFILES: Mapping[str, Profile] = {
    "default": Profile("Ninety days", 90 * 86_400),
    "buypass-like": Profile("180 days, as Buypass Go SSL issued", 180 * 86_400),
    "shortlived": Profile("Six days", 6 * 86_400),
}


class Pebble(Server):
    """A running Pebble.

    `dns_server` is "host:port", or None for the resolver of the machine. `retry_after` is
    (authorization, order) in seconds; 0 leaves the header out. `eab_keys` maps a key id to a
    base64url HMAC key and makes external account binding required. Without a profile in the order
    Pebble picks one at random: pass a single profile where the lifetime matters.
    """

    def __init__(
        self,
        *,
        dns_server: str | None = None,
        http_port: int | None = None,
        tls_port: int | None = None,
        profiles: Mapping[str, Profile] = PROFILES,
        nonce_reject: int = 0,
        authz_reuse: int = 0,
        retry_after: tuple[int, int] = (0, 0),
        chain_length: int = 1,
        alternate_roots: int = 0,
        orders_per_page: int | None = None,
        blocklist: Sequence[str] = (),
        eab_keys: Mapping[str, str] | None = None,
        key_algorithm: str = "ecdsa",
        always_valid: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.port = free_port()
        self.management_port = free_port()
        self.http_port = http_port or free_port()
        self.tls_port = tls_port or free_port()
        self.directory_url = f"https://127.0.0.1:{self.port}/dir"

        tls = make_loopback_certificate()
        self.ca_bundle_pem = tls.authority_pem
        """The root that signed Pebble's own HTTPS certificate; not a root it issues from."""
        self.ca_bundle_path = self._write("tls-root.pem", tls.authority_pem)
        self._trust = ssl.create_default_context(cadata=tls.authority_pem)

        config: dict[str, Any] = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self._write("tls-chain.pem", tls.certificate_pem)),
            "privateKey": str(self._write("tls-key.pem", tls.key_pem)),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "externalAccountBindingRequired": eab_keys is not None,
            "externalAccountMACKeys": dict(eab_keys or {}),
            "domainBlocklist": list(blocklist),
            "retryAfter": {"authz": retry_after[0], "order": retry_after[1]},
            "keyAlgorithm": key_algorithm,
            "profiles": {
                name: {"description": profile.description, "validityPeriod": profile.validity}
                for name, profile in profiles.items()
            },
        }
        environment = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_VA_ALWAYS_VALID": "1" if always_valid else "0",
            "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
            "PEBBLE_AUTHZREUSE": str(authz_reuse),
            "PEBBLE_CHAIN_LENGTH": str(chain_length),
            "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots),
        }
        if orders_per_page is not None:
            environment["PEBBLE_WFE_ORDERS_PER_PAGE"] = str(orders_per_page)
        argv: list[str | Path] = [binary("pebble")]
        argv += ["-config", self._write("pebble.json", json.dumps({"pebble": config}))]
        argv += ["-dnsserver", dns_server] if dns_server else []
        argv += ["-strict"] if strict else []
        self._process = Process(argv, log=self.directory / "pebble.log", environment=environment)
        self._processes = [self._process]

    def root_pem(self, index: int = 0) -> str:
        """The root certificate that Pebble issues from; `index` counts the alternate roots."""
        return self._manage(f"/roots/{index}").decode()

    def intermediate_pem(self, index: int = 0) -> str:
        """The intermediate certificate below root `index`."""
        return self._manage(f"/intermediates/{index}").decode()

    def certificate_status(self, serial: int) -> dict[str, Any]:
        """What Pebble knows of a certificate: `Status` ("Valid", "Revoked"), `Reason`, …"""
        status: dict[str, Any] = json.loads(self._manage(f"/cert-status-by-serial/{serial:x}"))
        return status

    @property
    def orders(self) -> int:
        """How many orders were ever placed."""
        return self._process.log.count("Added order ")

    def set_renewal_info(self, certificate_pem: str, answer: str) -> None:
        """Makes Pebble answer ARI requests (RFC 9773) for a certificate with `answer`, verbatim."""
        body = json.dumps({"Certificate": certificate_pem, "ARIResponse": answer})
        self._manage("/set-renewal-info/", body.encode())

    def _spawn(self) -> None:
        self._process.spawn()

    def _wait(self) -> None:
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self._manage("/roots/0")) and bool(self._get(self.directory_url))
        except (urllib.error.URLError, OSError):
            return False

    def _manage(self, path: str, body: bytes | None = None) -> bytes:
        return self._get(f"https://127.0.0.1:{self.management_port}{path}", body)

    def _get(self, url: str, body: bytes | None = None) -> bytes:
        # No proxy of the environment: it could not reach loopback.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust)
        )
        with opener.open(urllib.request.Request(url, data=body), timeout=5) as response:
            content: bytes = response.read()
        return content

    def _write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path
