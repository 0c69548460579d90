"""The common part of fake vendors: zones with TXT sets, behind a real HTTP server on loopback.

The server runs in a thread of its own, so that code under test in this process and in others
reaches it the same way.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.dns.vendor import Strings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Value:
    """One TXT value; `text` is as the client wrote it, for vendors that give it back so."""

    id: str
    strings: Strings
    ttl: int
    text: str = ""


@dataclass(slots=True)
class FakeZone:
    """A zone and its TXT values by name, in order of arrival."""

    id: str
    name: str
    nameservers: tuple[str, ...]
    values: dict[str, list[Value]] = field(default_factory=dict)


class FakeVendor:
    """A vendor's HTTP interface without its vendor; see `tests.dns.vendor.Vendor`.

    A fake subclasses it with `routes`, `too_fast_reply`, and `failure` where its pages differ. Its
    handlers run one at a time unless `delay` is set; every change goes through `change`.
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        """`delay` in seconds lies between a call's arrival and its handling."""
        self.zones: list[FakeZone] = []
        self.calls: list[str] = []
        self.writes = 0
        self.delay = delay
        self.ids = itertools.count(1)
        self.on_change: Callable[[str, list[Value]], None] | None = None
        """Called with a name and all its values after each change: publishes them elsewhere."""
        self._received: list[str] = []
        self._before: list[Callable[[], None]] = []
        self._refusals: list[int] = []
        self._failures = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._up = threading.Event()
        self._port = 0

    # What a fake defines

    def routes(self) -> list[web.RouteDef]:
        """The vendor's calls."""
        raise NotImplementedError

    def too_fast_reply(self, seconds: int) -> web.Response:
        """The vendor's words for too many calls."""
        return web.Response(status=429, headers={"Retry-After": str(seconds)})

    def failure(self) -> web.Response:
        """What comes when the vendor's servers fail."""
        return web.Response(
            status=502, text="<html><body>Bad Gateway</body></html>", content_type="text/html"
        )

    def is_write(self, request: web.Request) -> bool:
        """Whether a call changes a zone."""
        return request.method not in ("GET", "HEAD")

    # The vendor from inside

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def received(self) -> str:
        return "\n".join(self._received)

    def add_zone(
        self, name: str, *, nameservers: tuple[str, ...] = ("ns1.vendor.test", "ns2.vendor.test")
    ) -> str:
        zone = FakeZone(self.new_zone_id(name), name, nameservers)
        self.zones.append(zone)
        return zone.id

    def new_zone_id(self, name: str) -> str:
        return f"zone{next(self.ids)}"

    def zone_of(self, fqdn: str) -> FakeZone:
        """The zone with the longest name that holds `fqdn`."""
        fitting = [z for z in self.zones if fqdn == z.name or fqdn.endswith("." + z.name)]
        return max(fitting, key=lambda zone: len(zone.name))

    def values(self, fqdn: str) -> list[Value]:
        return self.zone_of(fqdn).values.get(fqdn, [])

    def txt(self, fqdn: str) -> list[Strings]:
        return sorted(value.strings for value in self.values(fqdn))

    def ttl(self, fqdn: str) -> int | None:
        return next((value.ttl for value in self.values(fqdn)), None)

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        self.change(fqdn, [*self.values(fqdn), Value(str(next(self.ids)), value, ttl)])

    def drop(self, fqdn: str, value: Strings) -> None:
        self.change(fqdn, [kept for kept in self.values(fqdn) if kept.strings != value])

    def change(self, fqdn: str, values: list[Value], zone: FakeZone | None = None) -> None:
        """The values of a name are these from now on."""
        zone = zone or self.zone_of(fqdn)
        if values:
            zone.values[fqdn] = values
        else:
            zone.values.pop(fqdn, None)
        if self.on_change:
            self.on_change(fqdn, values)

    def before_write(self, act: Callable[[], None], *, times: int = 1) -> None:
        self._before += [act] * times

    def too_fast(self, *, times: int = 1, seconds: int = 1) -> None:
        self._refusals += [seconds] * times

    def fail(self, *, times: int = 1) -> None:
        self._failures += times

    # How it runs

    def start(self) -> None:
        self._thread.start()
        if not self._up.wait(10):
            raise TimeoutError("the fake did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _open(self) -> None:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._handle(request, handler)

        app = web.Application(middlewares=[watch])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        self._received.append(f"{request.method} {request.raw_path}")
        await request.read()
        if self.delay:
            await asyncio.sleep(self.delay)
        if self._refusals:
            return self.too_fast_reply(self._refusals.pop(0))
        if self._failures:
            self._failures -= 1
            return self.failure()
        if self.is_write(request):
            self.writes += 1
            if self._before:
                self._before.pop(0)()
        return await handler(request)
