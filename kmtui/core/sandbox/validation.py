"""How the CA looks for itself: real DNS queries and a real HTTP request (RFC 8555 section 8)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import h11
from dns.rdtypes.txtbase import TXTBase

from kmtui.core.sandbox import http
from kmtui.core.sandbox.jws import encode
from kmtui.core.sandbox.problems import Rejection

TIMEOUT = 5.0
MAX_READ = 512
"""Octets read of an http-01 answer; a key authorization has less than 150."""
SHOWN = 100
"""Characters of a wrong answer that a problem document repeats."""


class Validator:
    """Checks challenges at the name servers `hosts`, `dns_port`, and at 127.0.0.1 `http_port`."""

    def __init__(self, hosts: Sequence[str], dns_port: int, http_port: int) -> None:
        self._hosts = hosts
        self._dns_port = dns_port
        self._http_port = http_port

    async def check(self, challenge_type: str, name: str, key_authorization: str) -> None:
        """Return when the answer is in place everywhere; raises Rejection with what was found."""
        if challenge_type == "dns-01":
            digest = encode(hashlib.sha256(key_authorization.encode()).digest())
            owner = f"_acme-challenge.{name}"
            # Every server is asked: a CA may ask any of them.
            answers = [self._check_txt(host, owner, digest) for host in self._hosts]
            await asyncio.gather(*answers)
        else:
            await self._check_http(name, key_authorization)

    async def _check_txt(self, host: str, owner: str, expected: str) -> None:
        response = await self._query(host, owner, dns.rdatatype.TXT)
        found = [
            b"".join(rdata.strings).decode("utf-8", "backslashreplace")
            for rrset in response.answer
            for rdata in rrset
            if isinstance(rdata, TXTBase)
        ]
        if expected in found:
            return
        if not found:
            raise Rejection("unauthorized", f"No TXT record found at {owner} (asked {host})")
        texts = ", ".join(f'"{text[:SHOWN]}"' for text in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        detail = f"Incorrect TXT record {texts}{more} found at {owner} (asked {host})"
        raise Rejection("unauthorized", detail)

    async def _check_http(self, name: str, key_authorization: str) -> None:
        response = await self._query(self._hosts[0], name, dns.rdatatype.A)
        addresses = [str(rdata) for rrset in response.answer for rdata in rrset]
        address = addresses[-1] if addresses else ""
        if not address.startswith("127."):
            detail = f"{name} is at {address or 'no address'}; only loopback is asked here"
            raise Rejection("connection", detail)
        token = key_authorization.partition(".")[0]
        path = f"/.well-known/acme-challenge/{token}"
        where = f"http://{name}:{self._http_port}{path} ({address})"
        try:
            async with asyncio.timeout(TIMEOUT):
                status, body = await http.get(address, self._http_port, name, path, limit=MAX_READ)
        except TimeoutError:
            raise Rejection("connection", f"{where}: no answer in {TIMEOUT:.0f} s") from None
        except OSError as error:
            raise Rejection("connection", f"{where}: {error.strerror or error}") from None
        except h11.RemoteProtocolError as error:
            raise Rejection("connection", f"{where}: not HTTP: {error}") from None
        text = body.decode("utf-8", "backslashreplace")
        if status != 200:
            raise Rejection("unauthorized", f'{where}: status {status}, "{text[:SHOWN]}"')
        # RFC 8555 §8.3: white space at the end does not count
        if text.rstrip() != key_authorization:
            detail = f'{where}: read "{text[:SHOWN]}", expected "{key_authorization}"'
            raise Rejection("unauthorized", detail)

    async def _query(
        self, host: str, name: str, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        """The answer of one name server; Rejection `dns` unless it is NOERROR."""
        asked = f"looking up {rdtype.name} for {name} (asked {host})"
        try:
            query = dns.message.make_query(name, rdtype)
            response, _ = await dns.asyncquery.udp_with_fallback(
                query, host, TIMEOUT, self._dns_port
            )
        except (dns.exception.DNSException, OSError) as error:
            raise Rejection("dns", f"{type(error).__name__} {asked}") from error
        if response.rcode() != dns.rcode.NOERROR:
            raise Rejection("dns", f"{response.rcode().name} {asked}")
        return response
