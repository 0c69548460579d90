"""What a hostile CA does instead of answering: each makes an act from the data of a behaviour."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.torture.hostile.ca import Answer, HostileCa, Wire

Act = Callable[["Wire", "Answer"], Awaitable[None]]

PIECE = b"x" * 65536


def usual() -> Act:
    """Answer as a CA should."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.send(answer)

    return act


def instead(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Act:
    """Another body under the usual headers and some more."""

    async def act(wire: Wire, answer: Answer) -> None:
        length = {} if status < 200 else {"Content-Length": str(len(body))}
        await wire.head(status, {**length, **answer.headers, **(headers or {})})
        await wire.write(body)

    return act


def problem(status: int, type_: str, detail: str, **headers: str) -> Act:
    """A problem document; header names with underscores for hyphens."""
    document = f'{{"type": "urn:ietf:params:acme:error:{type_}", "detail": "{detail}"}}'.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return instead(document, status=status, headers=named)


def edited(**members: Any) -> Act:
    """The usual JSON object with other members."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.send(answer.edited(**members))

    return act


def headed(first: Act | None = None, **headers: str) -> Act:
    """The usual reply, or an edited one, with other headers; a value of "" leaves one out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def act(wire: Wire, answer: Answer) -> None:
        await (first or usual())(wire, answer.headed(named))

    return act


def challenged(token: str, **members: Any) -> Act:
    """A pending authorization, whose one challenge has another token and other members."""

    async def act(wire: Wire, answer: Answer) -> None:
        (challenge,) = answer.document["challenges"]
        changed = challenge | {"status": "pending", "token": token, **members}
        await wire.send(answer.edited(status="pending", challenges=[changed]))

    return act


def raw(data: bytes, *, then: bytes = b"", pause: float = 0) -> Act:
    """Bytes instead of TLS and HTTP, and after them others for ever."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.write(data)
        while then:
            await wire.write(then)
            await asyncio.sleep(pause)

    return act


def endless(
    head: Mapping[str, str], pieces: Iterable[bytes] = (), *, before: bytes = b"", pause: float = 0
) -> Act:
    """A reply whose body never ends: `before`, then `pieces` (else one large piece) for ever."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.head(200, head)
        await wire.write(before)
        for piece in itertools.cycle(list(pieces) or [PIECE]):
            await wire.write(piece)
            await asyncio.sleep(pause)

    return act


def repeated(line: bytes, *, first: bytes = b"HTTP/1.1 200 OK\r\n") -> Act:
    """Headers, or whole interim replies, that never come to a body."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.write(first)
        while True:
            await wire.write(line * 200)
            await asyncio.sleep(0)

    return act


def broken_off(*, reset: bool) -> Act:
    """Half the usual body, then the end of the connection, abrupt or not."""

    async def act(wire: Wire, answer: Answer) -> None:
        await wire.head(200, {"Content-Length": str(len(answer.body))})
        await wire.write(answer.body[: len(answer.body) // 2])
        if reset:
            wire.reset()
        wire.writer.close()

    return act


def silent() -> Act:
    """Nothing at all, with the connection open."""

    async def act(wire: Wire, answer: Answer) -> None:
        await asyncio.sleep(3600)

    return act


def issuing(make: Callable[[HostileCa], bytes]) -> Act:
    """Another body of the certificate resource."""

    async def act(wire: Wire, answer: Answer) -> None:
        await instead(make(wire.ca))(wire, answer)

    return act


def bomb() -> bytes:
    """A gzip stream of 64 KiB that unpacks to 64 MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(b"\0" * (64 * 1024 * 1024)) + packer.flush()


def chunk(body: bytes) -> bytes:
    """One chunk of HTTP's chunked transfer coding."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def gzipped(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()
