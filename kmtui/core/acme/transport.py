"""HTTP towards one CA: guarded URLs, trust, limits on time and size; no redirects (section 6.1).

What answers is not trusted: a reply may be endless, compressed into a bomb, or slow on purpose.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx

from kmtui import __version__
from kmtui.core.acme.problems import unreachable, violation
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.times import CONNECT_DEADLINE, TOTAL_DEADLINE, utc_now
from kmtui.core.acme.urls import UrlPolicy
from kmtui.core.errors import CaUnreachable, InvalidInput

LARGEST_BODY = 1024 * 1024
"""Bytes after decompression; a chain is about 10 KB, an order with 100 names about 20 KB."""
MOST_PIECES = 10_000
"""A body of 1 MiB comes in a hundred pieces or so; each costs time to look at."""
IN_FLIGHT = 8
"""Requests at once, and connections kept open for the next: one opened anew costs more than the
request."""
USER_AGENT = f"kmtui/{__version__} python-httpx/{httpx.__version__}"
HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "*/*",
    # RFC 8555 section 6.1 asks for it; problem texts are shown beside English ones.
    "Accept-Language": "en",
    "Accept-Encoding": "identity",
}
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class Transport:
    """Calls one CA and returns whole replies."""

    def __init__(
        self,
        policy: UrlPolicy,
        *,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        http: httpx.AsyncBaseTransport | None = None,
        deadline: float = TOTAL_DEADLINE,
        connect_deadline: float = CONNECT_DEADLINE,
        now: Callable[[], datetime] = utc_now,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """`ca_bundle` (PEM) replaces the system's trust; the deadlines of one call are seconds.

        Raises InvalidInput for a bad bundle or proxy.
        """
        self._policy = policy
        self._context = bundle_context(ca_bundle) if ca_bundle is not None else None
        self._proxy = _checked_proxy(proxy) if proxy else None
        self._http = http
        self._deadline = deadline
        self._connect_deadline = connect_deadline
        self._now = now
        self.clock_skew: float | None = None
        """Seconds our clock is ahead of the CA's by its last reply; None before one told it."""
        self._timeouts = httpx.Timeout(deadline, connect=connect_deadline).as_dict()
        self._lines: set[httpx.AsyncBaseTransport] = set()
        self._idle: defaultdict[bytes, list[httpx.AsyncBaseTransport]] = defaultdict(list)
        """Those of `_lines` that nobody uses, by host; the last one is the warmest."""
        self._opening = asyncio.Lock()
        self._in_flight = asyncio.Semaphore(in_flight)

    async def request(
        self, method: str, url: str, *, content: bytes | None = None, accept: str | None = None
    ) -> Reply:
        """One call. Raises CaUnreachable, ResponseLost (it may have arrived), ProtocolViolation."""
        target = self._policy.parsed(url)
        headers = dict(HEADERS)
        if accept:
            headers["Accept"] = accept
        if content is not None:
            headers["Content-Type"] = "application/jose+json"
        call = httpx.Request(
            method, target, headers=headers, content=content, extensions={"timeout": self._timeouts}
        )
        async with self._in_flight, self._line(target) as line:
            try:
                async with asyncio.timeout(self._deadline):
                    return await self._call(line, call, url)
            except _NEVER_SENT as error:
                raise self._not_connected(error, url) from error
            except TimeoutError as error:
                raise unreachable(
                    "kmtui:response-lost", f"no answer within {self._deadline:g} s", where=url
                ) from error
            except (httpx.HTTPError, OSError) as error:
                said = str(error) or type(error).__name__
                raise unreachable("kmtui:response-lost", said, where=url) from error

    async def aclose(self) -> None:
        """Close all connections; a later call opens new ones."""
        lines, self._lines = self._lines, set()
        self._idle.clear()
        for line in lines:
            await line.aclose()

    async def _call(self, http: httpx.AsyncBaseTransport, call: httpx.Request, url: str) -> Reply:
        """One exchange on the transport itself: no redirects, no cookies, no environment."""
        response = await http.handle_async_request(call)
        try:
            # RFC 8555 section 6.2 ties the signature to the URL, so a redirect is never followed.
            if 300 <= response.status_code < 400:
                target = response.headers.get("location", "nowhere")[:500]
                raise violation(
                    f"the CA answered with a redirect to {target}, which kmtui does not follow",
                    where=url,
                )
            body = await _bounded_body(response, url)
            reply = Reply(url, response.status_code, response.headers, body, self._now())
            if reply.clock_skew is not None:
                self.clock_skew = reply.clock_skew
            return reply
        finally:
            await response.aclose()

    @asynccontextmanager
    async def _line(self, target: httpx.URL) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """A connection to the host that nobody else uses meanwhile: the one used last, or anew."""
        if self._http is not None:
            yield self._http
            return
        idle = self._idle[target.netloc]
        line = idle.pop() if idle else self._connected(await self._trust())
        self._lines.add(line)
        try:
            yield line
        finally:
            if line in self._lines:
                idle.append(line)

    async def _trust(self) -> ssl.SSLContext:
        async with self._opening:
            if self._context is None:
                # Reading the system's trust store takes some 50 ms: not on the event loop.
                self._context = await asyncio.to_thread(ssl.create_default_context)
            return self._context

    def _connected(self, context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
        # A pool of one: with more, httpcore looks at each of them before and after each request.
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return httpx.AsyncHTTPTransport(
            verify=context, proxy=self._proxy, limits=limits, trust_env=False
        )

    def _not_connected(self, error: Exception, url: str) -> CaUnreachable:
        """What kept the connection from coming about, found among the causes httpx wraps."""
        type_ = "kmtui:ca-unreachable"
        cause: BaseException | None = error
        said = str(error) or type(error).__name__
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                type_, said = "kmtui:ca-untrusted", cause.verify_message or str(cause)
            elif isinstance(cause, ssl.SSLEOFError):
                said = "it hung up during the TLS handshake; it may speak only TLS older than 1.2"
            elif isinstance(cause, socket.gaierror):
                type_, said = "kmtui:ca-unknown-host", httpx.URL(url).host
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.ConnectTimeout):
            said = f"no connection within {self._connect_deadline:g} s"
        return unreachable(type_, said, where=url)


def bundle_context(pem: str) -> ssl.SSLContext:
    """TLS trust in exactly the given root certificates. Raises InvalidInput."""
    try:
        context = ssl.create_default_context(cadata=pem.encode("ascii", "ignore").decode() or "-")
        if not context.cert_store_stats()["x509"]:
            raise ValueError("no certificate in it")
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(
            "the trust bundle holds no readable certificate",
            field="ca_bundle",
            hint="give the root certificates of the private CA as PEM",
        ) from error
    # Private roots often lack the key identifiers that strict checking demands.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def _bounded_body(response: httpx.Response, url: str) -> bytes:
    """The body, decompressed, of at most LARGEST_BODY bytes. Raises ProtocolViolation."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    pieces: AsyncIterator[bytes]
    unpack: Callable[[bytes, int], bytes]
    if encoding in ("", "identity"):
        pieces, unpack = response.aiter_bytes(), lambda piece, _: piece
    elif encoding in ("gzip", "x-gzip"):
        # Decompressed here and piecewise: httpx would unpack a whole piece of a bomb at once.
        pieces, unpack = response.aiter_raw(), zlib.decompressobj(16 + zlib.MAX_WBITS).decompress
    else:
        raise violation(f"the CA answered in the unasked-for encoding {encoding[:40]}", where=url)
    body = bytearray()
    received = 0
    count = 0
    async for piece in pieces:
        count += 1
        received += len(piece)
        try:
            body += unpack(piece, LARGEST_BODY + 1 - len(body))
        except zlib.error as error:
            raise violation("the CA's answer cannot be decompressed", where=url) from error
        # What is compressed counts as well: it need not unpack to anything.
        if max(received, len(body)) > LARGEST_BODY:
            raise violation(f"the CA's answer is larger than {LARGEST_BODY} bytes", where=url)
        if count > MOST_PIECES:
            raise violation(f"the CA's answer comes in more than {MOST_PIECES} pieces", where=url)
        if count % 64 == 0:
            # Many small pieces may have arrived at once: let others have their turn in between.
            await asyncio.sleep(0)
    return bytes(body)


def _checked_proxy(proxy: str) -> str:
    try:
        if httpx.Proxy(proxy).url.scheme not in ("http", "https"):
            raise ValueError("neither http nor https")
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidInput(
            "the proxy is not a URL kmtui can use", field="proxy", hint="http://host:port"
        ) from error
    return proxy
