"""A running sandbox, and a foreign ACME client (the `acme` package) to check it from outside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.update
import josepy
import pytest
from acme import challenges, client, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.sandbox.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(pace=0, lag=0) as running:
        yield running


class Zone:
    """What an operator's DNS tool does: updates signed with the sandbox's key, and queries."""

    def __init__(self, sandbox: Sandbox, origin: str = "kmtui.test") -> None:
        self.origin = origin
        self.port = int(sandbox.dns_server.rpartition(":")[2])
        self.key = dns.tsig.Key(sandbox.tsig_name, sandbox.tsig_secret, sandbox.tsig_algorithm)

    def update(self, key: dns.tsig.Key | None = None) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.origin, keyring=key or self.key)

    def send(
        self, message: dns.message.Message, host: str = "127.0.0.1", *, tcp: bool = False
    ) -> dns.message.Message:
        how = dns.query.tcp if tcp else dns.query.udp
        return how(message, host, timeout=5, port=self.port)

    def ask(
        self, name: str, rdtype: str, host: str = "127.0.0.1", *, tcp: bool = False
    ) -> dns.message.Message:
        return self.send(dns.message.make_query(name, rdtype), host, tcp=tcp)

    def add_txt(self, name: str, value: str) -> None:
        message = self.update()
        message.absent(dns.name.from_text(name), "CNAME")
        message.add(dns.name.from_text(name), 60, "TXT", f'"{value}"')
        assert self.send(message).rcode() == 0

    def texts(self, name: str, host: str = "127.0.0.1") -> set[str]:
        answer = self.ask(name, "TXT", host).answer
        return {rdata.strings[0].decode() for rrset in answer for rdata in rrset}


@pytest.fixture
def zone(sandbox: Sandbox) -> Zone:
    return Zone(sandbox)


class Customer:
    """An account at the sandbox CA, as the `acme` package keeps it. Blocking: use threads."""

    def __init__(self, sandbox: Sandbox, *, register: bool = True) -> None:
        self.key = josepy.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        self.net = client.ClientNetwork(self.key, alg=josepy.ES256, user_agent="test")
        directory = client.ClientV2.get_directory(sandbox.directory_url, self.net)
        self.client = client.ClientV2(directory, self.net)
        self.zones = {origin: Zone(sandbox, origin) for origin in sandbox.zones}
        if register:
            self.account = self.register()

    def register(self, **fields: Any) -> messages.RegistrationResource:
        fields = {"email": "ops@example.org", "terms_of_service_agreed": True, **fields}
        return self.client.new_account(messages.NewRegistration.from_data(**fields))

    def order(self, *names: str, profile: str | None = None) -> messages.OrderResource:
        self.certificate_key = ec.generate_private_key(ec.SECP256R1())
        request = csr(self.certificate_key, *names)
        return self.client.new_order(request, profile=profile)

    def post(self, url: str, payload: dict[str, Any]) -> Any:
        """A signed request beside the client's own methods; answers the response."""

        class Payload(josepy.JSONDeSerializable):  # type: ignore[misc]
            def to_partial_json(self) -> dict[str, Any]:
                return payload

            @classmethod
            def from_json(cls, jobj: Any) -> Any:
                raise NotImplementedError

            def __bool__(self) -> bool:
                return True

        return self.net.post(url, Payload(), new_nonce_url=self.client.directory["newNonce"])

    def choose(
        self, order: messages.OrderResource, kind: type[challenges.KeyAuthorizationChallenge]
    ) -> list[tuple[messages.AuthorizationResource, messages.ChallengeBody]]:
        return [
            (authorization, next(c for c in authorization.body.challenges if type(c.chall) is kind))
            for authorization in order.authorizations
        ]

    def publish(self, order: messages.OrderResource) -> None:
        """Put the TXT record of every authorization in place."""
        for authorization, body in self.choose(order, challenges.DNS01):
            name = authorization.body.identifier.value
            origin = next(o for o in self.zones if name.endswith(o))
            value = body.chall.validation(self.key)
            self.zones[origin].add_txt(f"_acme-challenge.{name}", value)

    def answer(
        self,
        order: messages.OrderResource,
        kind: type[challenges.KeyAuthorizationChallenge] = challenges.DNS01,
    ) -> None:
        for _, body in self.choose(order, kind):
            self.client.answer_challenge(body, body.chall.response(self.key))

    def finish(self, order: messages.OrderResource) -> messages.OrderResource:
        deadline = datetime.now() + timedelta(seconds=20)
        order = self.client.poll_authorizations(order, deadline)
        return self.client.finalize_order(order, deadline, fetch_alternative_chains=True)

    def obtain(self, *names: str, profile: str | None = None) -> x509.Certificate:
        """The whole way by dns-01; the certificate that came out."""
        order = self.order(*names, profile=profile)
        self.publish(order)
        self.answer(order)
        return x509.load_pem_x509_certificate(self.finish(order).fullchain_pem.encode())


@pytest.fixture
async def customer(sandbox: Sandbox) -> Customer:
    return await asyncio.to_thread(Customer, sandbox)


def csr(key: ec.EllipticCurvePrivateKey, *names: str) -> bytes:
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


@contextlib.contextmanager
def web_server(port: int, files: dict[str, str]) -> Iterator[list[str]]:
    """Serves `files` by path on 127.0.0.1; yields the Host headers it saw."""
    hosts: list[str] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            found = self.path in files
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(files.get(self.path, "nothing here").encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Pages) as server:
        Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield hosts
        finally:
            server.shutdown()


@pytest.fixture
def serve() -> Any:
    return web_server


@pytest.fixture
def make_customer() -> type[Customer]:
    return Customer


@pytest.fixture
def make_zone() -> type[Zone]:
    return Zone


@pytest.fixture
def make_csr() -> Any:
    return csr
