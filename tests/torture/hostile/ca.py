"""A CA on loopback that issues politely, but for one reply, which a behaviour gives instead.

It speaks HTTP by hand over real sockets and TLS, so that it can send what no library would, and
checks nothing: what it proves is the client's conduct, not its own.
"""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from tests.core.issuer import Issuer, chain_of_issuers
from tests.torture.hostile import chains
from tests.torture.hostile.behaviours import Behaviour
from tests.torture.hostile.tls import Identities

TOKEN = "a-token-of-no-special-kind_0123456789"


@dataclass(frozen=True)
class Answer:
    """One reply, before it is written."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def edited(self, **members: Any) -> Answer:
        """The same with members of its JSON object replaced."""
        return replace(self, body=json.dumps(self.document | members).encode())

    def headed(self, headers: Mapping[str, str]) -> Answer:
        """The same with headers added or replaced."""
        return replace(self, headers={**self.headers, **headers})


class Wire:
    """Where a behaviour writes, whatever it likes."""

    def __init__(self, ca: HostileCa, writer: asyncio.StreamWriter) -> None:
        self.ca = ca
        self.writer = writer

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """The status line and headers of a reply whose body the caller writes."""
        named = {"Replay-Nonce": self.ca.nonce(), **(headers or {})}
        lines = [f"HTTP/1.1 {status} Said"]
        lines += [f"{name}: {value}" for name, value in named.items() if value]
        await self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def send(self, answer: Answer, *, body: bool = True) -> None:
        """A whole reply."""
        length = {} if answer.status == 101 else {"Content-Length": str(len(answer.body))}
        await self.head(answer.status, {**length, **answer.headers})
        await self.write(answer.body if body else b"")

    def reset(self) -> None:
        """End the connection without goodbye."""
        self.writer.transport.abort()


class HostileCa:
    """One listener, one account, one order, one behaviour."""

    def __init__(self, behaviour: Behaviour, identities: Identities, issuer: Issuer) -> None:
        self.behaviour = behaviour
        self.issuer = issuer
        self.root_pem = identities.root_pem
        self.asked: list[str] = []
        """The resource of every request, in order."""
        self.base = ""
        self._identities = identities
        self._nonces = 0
        self._order: dict[str, Any] = {"status": "pending"}
        self._csr: x509.CertificateSigningRequest | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        context = self._identities.context(self.behaviour.tls)
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, ssl=context)
        self.base = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        assert self._server is not None
        self._server.close()

    def nonce(self) -> str:
        self._nonces += 1
        return f"nonce-{self._nonces}"

    def chain(
        self,
        *,
        names: Sequence[str] = chains.NAMES,
        key: CertificatePublicKeyTypes | None = None,
        begins: datetime | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> list[x509.Certificate]:
        """Leaf and issuer, for the CSR's key unless told otherwise."""
        assert self._csr is not None
        leaf = self.issuer.issue(
            names,
            key or self._csr.public_key(),
            begins=begins or datetime.now(UTC) - timedelta(hours=1),
            lasts=timedelta(days=30),
            extensions=extensions,
        )
        return [leaf, self.issuer.certificate]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(self, writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            if self.behaviour.at == "connection":
                await self.behaviour.act(wire, Answer(200))
                writer.close()
                return
            while True:
                method, resource, payload = await _request(reader)
                self.asked.append(resource)
                usual = self._answer(resource, payload)
                if resource == self.behaviour.at:
                    await self.behaviour.act(wire, usual)
                else:
                    await wire.send(usual, body=method != "HEAD")
        writer.close()

    def _answer(self, resource: str, payload: Any) -> Answer:
        at = f"{self.base}/"
        if resource == "directory":
            words = ("nonce", "account", "order")
            services = {f"new{word.capitalize()}": f"{at}new-{word}" for word in words}
            return _json(200, services).headed({"Replay-Nonce": ""})
        if resource == "new-account":
            return _json(201, {"status": "valid"}, Location=f"{at}account")
        if resource == "new-order":
            self._order |= {
                "identifiers": payload["identifiers"],
                "authorizations": [f"{at}authorization"],
                "finalize": f"{at}finalize",
            }
            return _json(201, self._order, Location=f"{at}order")
        if resource == "challenge":
            self._order["status"] = "ready"
        if resource == "finalize":
            self._csr = x509.load_der_x509_csr(_decoded(payload["csr"]))
            self._order |= {"status": "valid", "certificate": f"{at}certificate"}
        if resource in ("order", "finalize"):
            return _json(200, self._order, Location=f"{at}order")
        if resource in ("authorization", "challenge"):
            return _json(200, self._authorization(at) if resource[0] == "a" else {})
        if resource == "certificate":
            return Answer(200, chains.pem(self.chain()))
        return Answer(200)

    def _authorization(self, at: str) -> dict[str, Any]:
        status = "pending" if self._order["status"] == "pending" else "valid"
        return {
            "status": status,
            "identifier": self._order["identifiers"][0],
            "challenges": [
                {
                    "type": "http-01",
                    "url": f"{at}challenge",
                    "token": TOKEN,
                    "status": status,
                }
            ],
        }


@contextmanager
def serving(behaviours: Sequence[Behaviour], directory: Path) -> Iterator[dict[int, HostileCa]]:
    """A running CA for each behaviour, by its number; `directory` holds their TLS identities."""
    identities = Identities(directory)
    _, issuer = chain_of_issuers()
    cas = {each.number: HostileCa(each, identities, issuer) for each in behaviours}
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # broken connections are what this is about

    async def start() -> None:
        for ca in cas.values():
            await ca.start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield cas
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for ca in cas.values():
            ca.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, Any]:
    """Method, resource and payload of one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    method, path, _ = head.split(" ", 2)
    length = next(
        (int(line[15:]) for line in head.splitlines() if line.startswith("content-length:")), 0
    )
    body = await reader.readexactly(length)
    raw = _decoded(json.loads(body)["payload"]) if body else b""
    return method.upper(), path.strip("/"), json.loads(raw) if raw else None


def _json(status: int, document: Mapping[str, Any], **headers: str) -> Answer:
    return Answer(status, json.dumps(document).encode(), headers)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
