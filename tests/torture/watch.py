"""What stands between kmtui and everything it does: each effect and each commit passes here.

The product has no hooks: its collaborators are wrapped from outside, in the child process that is
about to be tortured. A watch counts; one that kills or one that fails calls builds on it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import dns.asyncquery
import dns.message
import dns.opcode
import httpx
from sqlalchemy.engine.default import DefaultDialect

import kmtui.core.ca
from kmtui.core.acme import AcmeClient
from kmtui.core.servers import registry

T = TypeVar("T")


class Watch:
    """Counts calls to the outside; lets all of them pass."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """Every call to a CA, a name server that takes updates or an end server, by its name."""

    async def http(self, name: str, send: Callable[[], Awaitable[httpx.Response]]) -> Any:
        """One HTTP request and its whole response."""
        return await self.outside(name, send)

    async def dns(
        self, name: str, query: dns.message.Message, send: Callable[[], Awaitable[Any]]
    ) -> Any:
        """One exchange with the name server that takes updates."""
        return await self.outside(name, send)

    async def outside(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        """Any effect outside this process."""
        self.calls.append(name)
        return await act()

    def commit(self, act: Callable[[], None]) -> None:
        """One commit of the writer."""
        act()

    def install(self, *, trust: ssl.SSLContext | None = None) -> None:
        """Put this watch between kmtui and the world, for the rest of the process's life.

        `trust` is for a CA that speaks TLS.
        """
        haste = Haste()
        wire = partial(Wire, self, trust)
        client = partial(_client, wire, sleep=haste.sleep, clock=haste.clock)
        setattr(kmtui.core.ca, "AcmeClient", client)  # noqa: B010 - from outside, on purpose
        setattr(dns.asyncquery, "tcp", _watched_dns(self, dns.asyncquery.tcp))  # noqa: B010
        for kind in registry.kinds():
            for method in ("present", "clean_up"):
                setattr(kind, method, _watched_server(self, kind, method))
        DefaultDialect.do_commit = _watched_commit(  # type: ignore[method-assign]
            self, DefaultDialect.do_commit
        )


class AtPoint(Watch):
    """Strikes once, before or after one effect or commit: the n-th point of its kind.

    Points are told by kind, not by their place in the run: what happens side by side comes in
    another order each time.
    """

    def __init__(self, kind: str = "", turn: int = 0) -> None:
        super().__init__()
        self._fatal = (kind, turn)
        self.passed: Counter[str] = Counter()
        """How many points of each kind were passed: ``before POST new-order``."""
        self._lock = threading.Lock()

    def strike(self) -> None:
        """What happens at the point."""
        raise NotImplementedError

    async def outside(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        self._point(f"before {name}")
        done = await super().outside(name, act)
        self._point(f"after {name}")
        return done

    def commit(self, act: Callable[[], None]) -> None:
        self._point("before a commit")
        act()
        self._point("after a commit")

    def _point(self, kind: str) -> None:
        with self._lock:
            self.passed[kind] += 1
            if (kind, self.passed[kind]) == self._fatal:
                self.strike()


class Kill(AtPoint):
    """Kills this process, as hard as it goes."""

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Haste:
    """A time in which pauses are over at once: the clock agrees that they were made."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def clock(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        """Let others have their turn, and say that `seconds` have passed."""
        self._skipped += max(0.0, seconds - 0.01)
        await asyncio.sleep(min(seconds, 0.01))


class Wire(httpx.AsyncBaseTransport):
    """The real HTTP transport, watched; responses are read whole before they are handed on."""

    def __init__(self, watch: Watch, trust: ssl.SSLContext | None = None) -> None:
        self._watch = watch
        self._inner = httpx.AsyncHTTPTransport(verify=trust or True, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await self._watch.http(
            f"{request.method} {_resource(request.url.path)}", partial(self._send, request)
        )
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _client(wire: Callable[[], Wire], *arguments: Any, **more: Any) -> AcmeClient:
    return AcmeClient(*arguments, http=wire(), **more)


def _resource(path: str) -> str:
    """``order/finalize`` of ``/order/3f2a/finalize``."""
    noun, _, rest = path.strip("/").partition("/")
    return "/".join([noun, *rest.split("/")[1:]])


def _watched_dns(watch: Watch, real: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def tcp(query: dns.message.Message, *arguments: Any, **more: Any) -> Any:
        name = f"dns {dns.opcode.to_text(query.opcode()).lower()}"
        return await watch.dns(name, query, lambda: real(query, *arguments, **more))

    return tcp


def _watched_server(watch: Watch, kind: Any, method: str) -> Callable[..., Any]:
    real = getattr(kind, method)

    async def watched(self: Any, *arguments: Any) -> Any:
        return await watch.outside(f"{kind.kind} {method}", lambda: real(self, *arguments))

    return watched


def _watched_commit(watch: Watch, real: Callable[..., None]) -> Callable[..., None]:
    def do_commit(self: Any, connection: Any) -> None:
        if threading.current_thread().name.startswith("kmtui-db-write"):
            watch.commit(lambda: real(self, connection))
        else:
            real(self, connection)

    return do_commit
