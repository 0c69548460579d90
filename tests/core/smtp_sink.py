"""A mail server on loopback that keeps what it is given: SMTP with STARTTLS, TLS and a login."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from tests.servers.tls import make_loopback_certificate


@dataclass
class Delivered:
    """One mail as it came in."""

    sender: str
    recipients: list[str]
    octets: bytes
    encrypted: bool
    login: tuple[str, str] | None

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.octets, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        return self.mail.get_content().replace("\r\n", "\n")


@dataclass
class SmtpSink:
    """Runs in the event loop of the test; `tls` is from the first octet."""

    tls: bool = False
    starttls: bool = True
    users: dict[str, str] = field(default_factory=dict)
    refuse: dict[str, str] = field(default_factory=dict)
    """Answers to commands by their first word, in place of the usual ones."""
    delivered: list[Delivered] = field(default_factory=list)
    port: int = 0
    ca_bundle: str = ""

    async def __aenter__(self) -> Self:
        self._context = self._identity()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context if self.tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _identity(self) -> ssl.SSLContext:
        identity = make_loopback_certificate()
        self.ca_bundle = identity.authority_pem
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "identity.pem")
            path.write_text(identity.certificate_pem + identity.key_pem)
            context.load_cert_chain(path)
        return context

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


class _Session:
    """One client's way through RFC 5321."""

    def __init__(
        self, sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._sink = sink
        self._reader, self._writer = reader, writer
        self._encrypted = sink.tls
        self._login: tuple[str, str] | None = None
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 sink.kmtui.test ESMTP")
        while line := (await self._reader.readline()).decode().strip():
            word, _, rest = line.partition(" ")
            word = word.upper()
            if answer := self._sink.refuse.get(word):
                await self._say(answer)
            elif word == "QUIT":
                await self._say("221 bye")
                return
            else:
                await getattr(self, f"_{word.lower()}", self._unknown)(rest)

    async def _ehlo(self, _: str) -> None:
        offered = ["250-sink.kmtui.test"]
        if self._sink.starttls and not self._encrypted:
            offered.append("250-STARTTLS")
        if self._sink.users:
            offered.append("250-AUTH PLAIN")
        await self._say(*offered, "250 8BITMIME")

    async def _starttls(self, _: str) -> None:
        await self._say("220 go ahead")
        await self._writer.start_tls(self._sink._context)
        self._encrypted = True

    async def _auth(self, rest: str) -> None:
        _, _, user, password = (f"\0{base64.b64decode(rest.split()[1]).decode()}").split("\0")
        if self._sink.users.get(user) != password:
            await self._say("535 5.7.8 authentication failed")
            return
        self._login = (user, password)
        await self._say("235 welcome")

    async def _mail(self, rest: str) -> None:
        self._sender = rest.partition("<")[2].partition(">")[0]
        await self._say("250 ok")

    async def _rcpt(self, rest: str) -> None:
        recipient = rest.partition("<")[2].partition(">")[0]
        if recipient.startswith("nobody@"):
            await self._say("550 5.1.1 no such user")
            return
        self._recipients.append(recipient)
        await self._say("250 ok")

    async def _data(self, _: str) -> None:
        await self._say("354 end with a dot")
        octets = (await self._reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        self._sink.delivered.append(
            Delivered(self._sender, self._recipients, octets, self._encrypted, self._login)
        )
        await self._say("250 kept")

    async def _rset(self, _: str) -> None:
        self._sender, self._recipients = "", []
        await self._say("250 ok")

    async def _unknown(self, _: str) -> None:
        await self._say("502 not here")

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()
