"""http-01 as the CA would see it: an advisory probe before the CA is asked (RFC 8555 section 8.3).

The probe comes from this host and its view of DNS, so a bad result is advice, never a verdict.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import httpx

from kmtui.core.addresses import Address
from kmtui.core.errors import KmtuiError
from kmtui.core.servers.listener import PATH
from kmtui.model import ServerSight

MAX_REDIRECTS = 10
"""As many as Let's Encrypt follows."""
BODY_LIMIT = 2048
"""Bytes read of an answer; a key authorization is shorter than 200."""
SHOWN = 60
"""Characters shown of an answer that is another one."""
PATIENCE = 10.0
"""Seconds for the whole probe, redirects included; CAs give up at about ten."""
CONNECT_PATIENCE = 3.0
"""Seconds for one address, so that a dead IPv6 one leaves time for the next."""

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Host name to IP addresses; OSError or KmtuiError when there are none."""


class _NotSeen(Exception):
    """Why the answer is not visible, as `ServerSight.detail` says it."""


async def system_addresses(host: str) -> Sequence[str]:
    """The addresses the operating system knows. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def challenge_url(name: str, token: str, *, port: int = 80) -> str:
    """The URL a CA asks for; `name` is a host name or, by RFC 8738, an IP address."""
    host = f"[{name}]" if ":" in name else name
    return f"http://{host}{'' if port == 80 else f':{port}'}{PATH}{token}"


async def check(
    name: str,
    token: str,
    key_authorization: str,
    *,
    port: int = 80,
    address: Address | None = None,
    resolve: Resolve = system_addresses,
) -> ServerSight:
    """Fetch the answer as a CA would and say what is seen.

    `port` is 80 for every public CA. With `address` that place is asked for `name` instead of the
    addresses `resolve` finds. Never raises for what the web server does.
    """
    started = time.monotonic()
    probe = _Probe(name, port, address, resolve)
    detail = ""
    try:
        async with asyncio.timeout(PATIENCE):
            body = await probe.fetch(challenge_url(name, token, port=port))
        # RFC 8555 section 8.3: white space at the end of the body is ignored.
        if body.rstrip() != key_authorization.encode():
            detail = f"answers something else: {_excerpt(body)}"
    except TimeoutError:
        detail = f"no answer within {PATIENCE:g} s"
    except _NotSeen as exc:
        detail = str(exc)
    return ServerSight(
        name=name,
        address=probe.asked,
        seen=not detail,
        detail=detail,
        milliseconds=(time.monotonic() - started) * 1000,
    )


class _Probe:
    """One visit: the way from the name's URL over its redirects to a body."""

    def __init__(self, name: str, port: int, address: Address | None, resolve: Resolve) -> None:
        self.asked = ""
        """Where the last connection went."""
        self._name = name
        self._ports = {80, 443, port}
        self._address = address
        self._resolve = resolve

    async def fetch(self, start: str) -> bytes:
        """The body at the end of all redirects. Raises _NotSeen."""
        url, visited = httpx.URL(start), set[str]()
        # One client per visit, unverified TLS: a redirect to https is followed whatever the
        # certificate (it may be the one to be replaced), as CAs do.
        async with httpx.AsyncClient(
            trust_env=False,
            verify=_any_certificate(),
            timeout=httpx.Timeout(PATIENCE, connect=CONNECT_PATIENCE),
        ) as client:
            for _ in range(MAX_REDIRECTS + 1):
                if str(url) in visited:
                    raise _NotSeen(f"redirects in a circle, back to {url}")
                visited.add(str(url))
                body, location = await self._get(client, url)
                if location is None:
                    return body
                url = self._target(url, location)
        raise _NotSeen(f"redirects more than {MAX_REDIRECTS} times")

    def _target(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            raise _NotSeen(f"redirects to what is no URL: {location[:SHOWN]}") from None
        if target.scheme not in ("http", "https") or not target.host:
            raise _NotSeen(f"redirects to {str(target)[:200]}, which no CA follows")
        if _port(target) not in self._ports:
            raise _NotSeen(f"redirects to port {_port(target)}; CAs go to 80 and 443 only")
        return target

    async def _get(self, client: httpx.AsyncClient, url: httpx.URL) -> tuple[bytes, str | None]:
        """Body and redirect target, from the first address that can be connected to."""
        failure = _NotSeen(f"{_host(url)} has no address")
        for address in await self._addresses(url):
            self.asked = str(address)
            try:
                return await _ask(client, url, address)
            except httpx.TransportError as exc:
                failure = _NotSeen(f"{address}: {_reason(exc)}")
        raise failure

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        host, port = _host(url), _port(url)
        if self._address is not None and host == self._name:
            fixed = self._address
            return [fixed if url.scheme == "http" else Address(fixed.host, port)]
        if _is_ip(host):
            return [Address(host, port)]
        try:
            found = await self._resolve(host)
        except socket.gaierror:
            raise _NotSeen(f"{host} has no address in DNS") from None
        except KmtuiError as exc:
            raise _NotSeen(exc.message) from exc
        except OSError as exc:
            raise _NotSeen(f"{host} could not be looked up: {exc}") from exc
        # IPv6 first: Let's Encrypt prefers it and falls back only when it cannot connect.
        return [Address(ip, port) for ip in sorted(found, key=lambda ip: ":" not in ip)]


async def _ask(
    client: httpx.AsyncClient, url: httpx.URL, address: Address
) -> tuple[bytes, str | None]:
    """One GET to one address, as if the name had led there."""
    request = client.build_request(
        "GET",
        url.copy_with(host=address.host, port=address.port),
        headers={
            "Host": url.netloc.decode("ascii"),
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
        extensions={"sni_hostname": _host(url)},
    )
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        if response.has_redirect_location:
            return b"", response.headers["Location"]
        if response.status_code != 200:
            raise _NotSeen(f"answers {response.status_code} {response.reason_phrase}".rstrip())
        body = b""
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > BODY_LIMIT:
                break
        return body[:BODY_LIMIT], None
    finally:
        await response.aclose()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _host(url: httpx.URL) -> str:
    """As sent: `URL.host` would turn an A-label back into Unicode."""
    return url.raw_host.decode("ascii")


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_REASONS = {
    errno.ECONNREFUSED: "connection refused; does a web server listen there?",
    errno.ENETUNREACH: "no route to that network",
    errno.EHOSTUNREACH: "host unreachable; a firewall?",
    errno.ECONNRESET: "connection reset",
}


def _reason(failure: httpx.TransportError) -> str:
    """In plain words, from the operating system's error below when there is one."""
    for exc in _causes(failure):
        if isinstance(exc, OSError) and exc.errno in _REASONS:
            return _REASONS[exc.errno]
    if isinstance(failure, httpx.TimeoutException):
        return "no answer; a firewall?"
    if isinstance(failure, httpx.RemoteProtocolError):
        return f"no proper HTTP answer ({str(failure)[:SHOWN]})"
    return str(failure) or type(failure).__name__


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def _excerpt(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return (text[:SHOWN] + "…" if len(text) > SHOWN else text) or "an empty page"
