"""One question to one name server: UDP first, TCP when the answer does not fit."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from kmtui.core.dns.endpoint import Endpoint

# DNS flag day 2020: small enough to pass any path unfragmented.
EDNS_PAYLOAD = 1232
# What a TXT set or a list of name servers is cut to before it is looked at.
MAX_RECORDS = 64


T = TypeVar("T")


class NoReply(Exception):
    """A name server gave no usable reply; `reason` is a few words: ``timeout``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def ask(
    server: Endpoint,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    *,
    recurse: bool = False,
    patience: float = 4.0,
) -> dns.message.Message:
    """The reply of a numeric endpoint; `patience` in seconds holds per transport.

    Replies that do not belong to the question are ignored until the time is up, so a forged packet
    costs nothing. Raises NoReply.
    """
    query = dns.message.make_query(name, rdtype, use_edns=0, payload=EDNS_PAYLOAD)
    if not recurse:
        query.flags &= ~dns.flags.RD
    if not has_route(server):
        raise NoReply("no route")
    try:
        reply, _ = await dns.asyncquery.udp_with_fallback(
            query,
            server.host,
            timeout=patience,
            port=server.port,
            ignore_unexpected=True,
            ignore_errors=True,
        )
    except dns.exception.Timeout:
        raise NoReply("timeout") from None
    except ConnectionRefusedError:
        raise NoReply("connection refused") from None
    except (OSError, EOFError) as error:
        raise NoReply(getattr(error, "strerror", None) or "connection lost") from error
    except dns.exception.DNSException as error:
        raise NoReply(f"malformed reply ({type(error).__name__})") from error
    return reply


@asynccontextmanager
async def running(
    questions: Iterable[Coroutine[Any, Any, T]],
) -> AsyncIterator[list[asyncio.Task[T]]]:
    """Questions under way together; those still unanswered at the end are dropped."""
    tasks = [asyncio.create_task(question) for question in questions]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def has_route(server: Endpoint) -> bool:
    """Whether this host can send to the address at all (an IPv4-only host has no IPv6 route).

    Connecting a UDP socket looks up the route and sends nothing.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((server.host, server.port))
    except OSError:
        return False
    return True


def is_authoritative(reply: dns.message.Message) -> bool:
    """Whether the AA bit is set."""
    return bool(reply.flags & dns.flags.AA)


def answer_of(
    reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    """The answer section's RRset of that owner and type; names compare without case."""
    for rrset in reply.answer:
        if rrset.name == name and rrset.rdtype == rdtype:
            return rrset
    return None


def cname_of(reply: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """The target when `name` is an alias in this answer."""
    rrset = answer_of(reply, name, dns.rdatatype.CNAME)
    return rrset[0].target if rrset else None


def txt_values(rrset: dns.rrset.RRset | None) -> tuple[str, ...]:
    """The values of a TXT RRset, each with its strings joined, untrusted and in wire order."""
    if rrset is None:
        return ()
    return tuple(
        b"".join(rdata.strings).decode("ascii", "backslashreplace")
        for rdata in list(rrset)[:MAX_RECORDS]
    )


def rcode_text(reply: dns.message.Message) -> str:
    """The response code's word: ``NXDOMAIN``."""
    return dns.rcode.to_text(reply.rcode())
