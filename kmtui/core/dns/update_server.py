"""One name server that takes updates: questions and updates are signed, sent and verified here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import text_of
from kmtui.core.dns.query import EDNS_PAYLOAD
from kmtui.core.dns.rfc2136_errors import (
    UNSIGNED,
    WRONG_ALGORITHM,
    Attempt,
    error_of,
    failure_error,
    rcode_error,
)
from kmtui.core.dns.tsig import ALGORITHMS, TsigKey

FAILURES = (dns.exception.DNSException, OSError, EOFError)
UDP_TRIES = 3


@dataclass(frozen=True, slots=True)
class UpdateServer:
    """A primary name server; every method raises DnsProviderError for what goes wrong."""

    endpoint: Endpoint
    key: TsigKey | None
    udp: bool
    """UDP first instead of TCP only."""
    sign_questions: bool
    patience: float
    """Seconds for one exchange."""

    async def ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, signed: bool = False
    ) -> dns.message.Message:
        """The reply to a question, whatever its response code."""
        question = _question(name, rdtype)
        if self.key and (signed or self.sign_questions):
            question.use_tsig(self.key)
        return await self._exchange(question, self._attempt(name, name))

    def update(self, zone: dns.name.Name) -> dns.update.UpdateMessage:
        """An empty update of `zone`, to be filled and sent."""
        return dns.update.UpdateMessage(zone, keyring=self.key)

    async def send(
        self, update: dns.update.UpdateMessage, zone: dns.name.Name, name: dns.name.Name
    ) -> None:
        """Have an update carried out; `name` is what errors speak of."""
        attempt = self._attempt(zone, name)
        reply = await self._exchange(update, attempt)
        if reply.rcode() != dns.rcode.NOERROR:
            raise rcode_error(reply.rcode(), attempt)

    def _attempt(self, zone: dns.name.Name, name: dns.name.Name) -> Attempt:
        return Attempt(self.endpoint, text_of(zone), text_of(name), self.key)

    async def _exchange(self, query: dns.message.Message, attempt: Attempt) -> dns.message.Message:
        """The reply, its signature verified; raises what a failure means."""
        try:
            async with asyncio.timeout(self.patience):
                reply = await self._transmit(query)
        except dns.tsig.PeerBadKey as failure:
            word = await self._accepted_algorithm()
            if word:
                raise error_of(WRONG_ALGORITHM, attempt, word) from failure
            raise failure_error(failure, attempt) from failure
        except FAILURES as failure:
            raise failure_error(failure, attempt) from failure
        # RFC 8945 section 5.3: an unsigned answer to a signed question proves nothing; only errors
        # may come without (of a server that does not know TSIG).
        if query.had_tsig and not reply.had_tsig and reply.rcode() == dns.rcode.NOERROR:
            raise error_of(UNSIGNED, attempt)
        return reply

    async def _transmit(self, query: dns.message.Message) -> dns.message.Message:
        """The reply of the first address that can be reached; raises what the last failed with."""
        *others, last = await self.endpoint.resolve()
        for address in others:
            try:
                return await self._transmit_to(address, query)
            except OSError:
                continue
        return await self._transmit_to(last, query)

    async def _transmit_to(
        self, address: Endpoint, query: dns.message.Message
    ) -> dns.message.Message:
        if not self.udp:
            return await dns.asyncquery.tcp(query, address.host, port=address.port)
        for left in reversed(range(UDP_TRIES)):
            try:
                # Either way may be lost; an update repeated changes nothing twice.
                reply, _ = await dns.asyncquery.udp_with_fallback(
                    query,
                    address.host,
                    port=address.port,
                    timeout=self.patience / UDP_TRIES,
                    ignore_unexpected=True,
                )
                break
            except dns.exception.Timeout:
                if not left:
                    raise
        return reply

    async def _accepted_algorithm(self) -> str | None:
        """Another algorithm with which the server knows our key: the usual mistake.

        BADKEY means both "no such key" and "not with this algorithm"; only trying tells.
        """
        if self.key is None:
            return None
        for word in ALGORITHMS:
            if word == self.key.word:
                continue
            question = _question(dns.name.root, dns.rdatatype.SOA)
            question.use_tsig(self.key.with_algorithm(word))
            try:
                async with asyncio.timeout(self.patience):
                    await self._transmit(question)
            except dns.tsig.PeerBadKey:
                continue
            except dns.tsig.PeerError:
                return word
            except FAILURES:
                return None
            return word
        return None


def _question(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
    question = dns.message.make_query(name, rdtype, use_edns=0, payload=EDNS_PAYLOAD)
    question.flags &= ~dns.flags.RD
    return question
