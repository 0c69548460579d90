"""A signed conversation with one CA: its directory, nonces, POSTs and their repetition (section 6).

The resources (accounts, orders, authorizations, certificates) build on it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kmtui.core.acme import retries
from kmtui.core.acme.gates import Gates, Limits
from kmtui.core.acme.jws import Signer
from kmtui.core.acme.nonces import NoncePool, is_valid
from kmtui.core.acme.objects import Directory
from kmtui.core.acme.polling import Pace
from kmtui.core.acme.problems import (
    own_problem,
    refusal,
    tells_of_move,
    unreachable,
    violation,
)
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.times import CONNECT_DEADLINE, TOTAL_DEADLINE, utc_now
from kmtui.core.errors import AcmeError, CaUnreachable, ProtocolViolation

if TYPE_CHECKING:
    import httpx

NONCE_TRIES = 100
NONCE_SECONDS = 60.0
"""A CA behind a careless load balancer may reject nine of ten nonces: 0.9^100 is 0.003 %."""
TOO_MANY = 429
"""The status of a CA that is there and answers nobody for now (RFC 6585 section 4)."""
DIRECTORY_TRIES = 3
"""Somebody who mistyped a URL is waiting."""


class Session:
    """What every request to a CA goes through; usable as an async context manager."""

    def __init__(
        self,
        directory_url: str,
        *,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        http: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
        patience: float = retries.PATIENCE,
        deadline: float = TOTAL_DEADLINE,
        connect_deadline: float = CONNECT_DEADLINE,
        now: Callable[[], datetime] = utc_now,
        limits: Limits | None = None,
        heard: Callable[[AcmeError | None], None] = lambda error: None,
    ) -> None:
        """`ca_bundle` (PEM) replaces the system's trust; `http` stands in for the network.

        In seconds, `patience` is how long one call may wait between its tries, `deadline` how long
        each try may take, and `connect_deadline` its connection with TLS. `now` is the time of day
        that `clock_skew` compares with the CA's. `limits` is what the CA is asked at once. `heard`
        is told of each answer (None), and of each time the CA gave none.
        Raises InvalidInput for a bad URL, bundle or proxy; connects only when first needed.
        """
        # httpx takes a tenth of a second to import: not for a command that asks no CA.
        from kmtui.core.acme.transport import Transport
        from kmtui.core.acme.urls import UrlPolicy

        self._policy = UrlPolicy(directory_url)
        self._directory_url = directory_url
        limits = limits or Limits()
        self._gates = Gates(limits)
        self._transport = Transport(
            self._policy,
            ca_bundle=ca_bundle,
            proxy=proxy,
            http=http,
            deadline=deadline,
            connect_deadline=connect_deadline,
            now=now,
            in_flight=limits.in_flight,
        )
        self._sleep = sleep
        self._clock = clock
        self._pace = pace or Pace()
        self._heard = heard
        self._patience = patience
        self._nonces = NoncePool(clock)
        self._directory: Directory | None = None
        self._fetching_directory = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections and forget the nonces."""
        self._nonces.flush()
        await self._transport.aclose()

    @property
    def clock_skew(self) -> float | None:
        """Seconds our clock is ahead of the CA's by its last reply; None before one told it."""
        return self._transport.clock_skew

    async def directory(self, *, refresh: bool = False) -> Directory:
        """The CA's directory (section 7.1.1), fetched once and again on `refresh`.

        Raises CaUnreachable, also when what answers is not an ACME server; ProtocolViolation.
        """
        async with self._fetching_directory:
            if self._directory is None or refresh:
                try:
                    self._directory = await self._fetch_directory()
                except AcmeError as error:
                    if error.problem is None or error.problem.http_status != TOO_MANY:
                        self._heard(error)
                    raise
                self._heard(None)
            return self._directory

    async def _fetch_directory(self) -> Directory:
        url = self._directory_url

        async def fetch() -> Reply:
            reply = await self._transport.request("GET", url, accept="application/json")
            self._nonces.add(reply.nonce)
            if reply.status >= 400:
                raise refusal(reply.problem())
            return reply

        reply = await self._repeating(fetch, repeatable=True, tries=DIRECTORY_TRIES)
        try:
            directory = Directory.parse(reply.json_object("directory"), url=url)
        except ProtocolViolation as error:
            raise unreachable("kmtui:not-acme", error.message, where=url) from error
        self._policy.admit(directory.endpoints)
        return directory

    async def _at(
        self,
        service: Callable[[Directory], str | None],
        name: str,
        call: Callable[[str], Awaitable[Reply]],
    ) -> Reply:
        """A call of one of the directory's services, made again where the CA moved it meanwhile.

        Raises AcmeError when the CA does not offer `service`, told by its `name`.
        """
        url = service(await self.directory())
        if url is None:
            problem = own_problem("kmtui:not-offered", name, where=self._directory_url)
            raise AcmeError(
                f"this CA does not offer {name} by ACME", hint=problem.hint, problem=problem
            )
        try:
            return await call(url)
        except AcmeError as error:
            if not tells_of_move(error.problem):
                raise
            with suppress(AcmeError):
                await self.directory(refresh=True)
            moved = service(await self.directory())
            if moved is None or moved == url:
                raise
        return await call(moved)

    async def _post(
        self,
        signer: Signer,
        url: str,
        payload: Mapping[str, Any] | None,
        *,
        repeatable: bool,
        tries: int = retries.TRIES,
        accept: str | None = None,
    ) -> Reply:
        """A signed POST (a POST-as-GET when `payload` is None) and its successful reply.

        `repeatable` tells that carrying it out twice does no harm. Raises AcmeError,
        CaUnreachable, ResponseLost, ProtocolViolation.
        """
        return await self._repeating(
            lambda: self._post_once(signer, url, payload, accept),
            repeatable=repeatable,
            tries=tries,
        )

    async def _read(self, signer: Signer, url: str, *, tries: int = retries.TRIES) -> Reply:
        """POST-as-GET (section 6.3)."""
        return await self._post(signer, url, None, repeatable=True, tries=tries)

    async def _post_once(
        self,
        signer: Signer,
        url: str,
        payload: Mapping[str, Any] | None,
        accept: str | None,
    ) -> Reply:
        """One request as the CA counts it: rejected nonces are replaced out of sight."""
        async with self._gates.requests:
            return await self._post_through(signer, url, payload, accept)

    async def _post_through(
        self,
        signer: Signer,
        url: str,
        payload: Mapping[str, Any] | None,
        accept: str | None,
    ) -> Reply:
        give_up = self._clock() + NONCE_SECONDS
        nonce: str | None = None
        for tried in itertools.count(1):
            nonce = nonce or self._nonces.take() or await self._new_nonce()
            body = signer.sign(payload, url=url, nonce=nonce)
            reply = await self._call("POST", url, content=body, accept=accept)
            if reply.status < 400:
                self._nonces.add(reply.nonce)
                return reply
            problem = reply.problem()
            if problem.short_type != "badNonce":
                self._nonces.add(reply.nonce)
                raise refusal(problem)
            if tried >= NONCE_TRIES or self._clock() > give_up:
                raise refusal(problem)
            # Section 6.5: retry with the nonce of the error; what else is pooled is as stale.
            self._nonces.flush()
            nonce = reply.nonce if reply.nonce and is_valid(reply.nonce) else None
        raise AssertionError("the loop above never ends by itself")

    async def _new_nonce(self) -> str:
        """A fresh nonce (section 7.2)."""

        async def ask(url: str) -> Reply:
            reply = await self._call("HEAD", url)
            if reply.status >= 400:
                raise refusal(reply.problem())
            return reply

        try:
            reply = await self._at(lambda directory: directory.new_nonce, "nonces", ask)
        except AcmeError as error:
            raise _unsent(error) from error
        if reply.nonce is None or not is_valid(reply.nonce):
            raise violation("the CA gave no usable nonce", where=reply.url)
        return reply.nonce

    async def _call(
        self, method: str, url: str, *, content: bytes | None = None, accept: str | None = None
    ) -> Reply:
        """One exchange with a service of the directory, told to `heard`."""
        try:
            reply = await self._transport.request(method, url, content=content, accept=accept)
        except CaUnreachable as error:
            self._heard(error)
            raise
        if reply.status < 500:
            self._heard(None)
        return reply

    async def _repeating(
        self,
        send: Callable[[], Awaitable[Reply]],
        *,
        repeatable: bool,
        tries: int = retries.TRIES,
    ) -> Reply:
        give_up = self._clock() + self._patience
        for attempt in itertools.count(1):
            try:
                return await send()
            except AcmeError as error:
                wait = retries.pause(error, attempt, repeatable=repeatable, jitter=random.random())
                if wait is None or attempt >= tries or self._clock() + wait > give_up:
                    raise
            await self._sleep(wait)
        raise AssertionError("the loop above never ends by itself")

    def _location(self, reply: Reply, what: str) -> str:
        """The URL of a new object. Raises ProtocolViolation when it is missing or unacceptable."""
        if reply.location is None:
            raise violation(f"the CA did not say where the {what} is", where=reply.url)
        return self._policy.check(reply.location)


def _unsent(error: AcmeError) -> AcmeError:
    """The same failure, told as one before the POST: what was to be sent can be sent again."""
    if not retries.passing(error) or error.problem is None:
        return error
    problem = replace(error.problem, http_status=None)
    return CaUnreachable(error.message, hint=error.hint, problem=problem)
