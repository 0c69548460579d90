"""Every call to the outside fails once, or from then on, in every way calls fail."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import dns.message
import dns.rcode
import httpx

from kmtui.core.errors import EndServerError
from tests.torture import afterwards, forks, scenes
from tests.torture.afterwards import Report
from tests.torture.invariants import GOOD, Judge
from tests.torture.kills import Tally
from tests.torture.scenes import Clock, Place, Scene
from tests.torture.watch import Watch
from tests.torture.world import World

T = TypeVar("T")
Send = Callable[[], Awaitable[Any]]
HttpFault = Callable[[Send], Awaitable[httpx.Response]]
DnsFault = Callable[[dns.message.Message, Send], Awaitable[Any]]


def _raises(error: Exception, *, reached: bool = False) -> HttpFault:
    """No answer; with `reached` the CA carried the request out all the same."""

    async def fault(send: Send) -> httpx.Response:
        if reached:
            await send()
        raise error

    return fault


def _refuses(status: int, type_: str, **headers: str) -> HttpFault:
    """A problem document instead of the answer; the CA did nothing."""

    async def fault(_: Send) -> httpx.Response:
        problem = {
            "type": f"urn:ietf:params:acme:error:{type_}",
            "detail": "made up by the torture",
            "status": status,
        }
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(
            status, headers={"Content-Type": "application/problem+json", **named}, json=problem
        )

    return fault


def _spoils(spoilt: Callable[[bytes], bytes], **headers: str) -> HttpFault:
    """The CA did it, and its answer arrives with another body."""

    async def fault(send: Send) -> httpx.Response:
        answer: httpx.Response = await send()
        kept = {n: v for n, v in answer.headers.items() if n.lower() != "content-length"}
        return httpx.Response(
            answer.status_code, headers={**kept, **headers}, content=spoilt(answer.content)
        )

    return fault


HTTP: Mapping[str, HttpFault] = {
    "connection refused": _raises(httpx.ConnectError("Connection refused")),
    "reset": _raises(httpx.ReadError("Connection reset by peer")),
    "reset after the CA did it": _raises(httpx.ReadError("Connection reset"), reached=True),
    "timeout": _raises(httpx.ReadTimeout("timed out")),
    "timeout after the CA did it": _raises(httpx.ReadTimeout("timed out"), reached=True),
    "500": _refuses(500, "serverInternal"),
    "503 with Retry-After": _refuses(503, "serverInternal", Retry_After="7"),
    "429 with Retry-After": _refuses(429, "rateLimited", Retry_After="3600"),
    "429": _refuses(429, "rateLimited"),
    "400 malformed": _refuses(400, "malformed"),
    "badNonce": _refuses(400, "badNonce"),
    "403 unauthorized": _refuses(403, "unauthorized"),
    "404": _refuses(404, "malformed"),
    "empty body": _spoils(lambda _: b""),
    "half a body": _spoils(lambda body: body[: len(body) // 2]),
    "HTML": _spoils(lambda _: b"<html>Gateway</html>", **{"content-type": "text/html"}),
}
LASTING = ("connection refused", "timeout", "500", "503 with Retry-After", "429", "empty body")
"""Those that may well go on for hours."""


def _answers(rcode: dns.rcode.Rcode) -> DnsFault:
    async def fault(query: dns.message.Message, _: Send) -> Any:
        reply = dns.message.make_response(query)
        reply.set_rcode(rcode)
        return reply

    return fault


def _breaks(error: Exception, *, reached: bool = False) -> DnsFault:
    async def fault(_: dns.message.Message, send: Send) -> Any:
        if reached:
            await send()
        raise error

    return fault


DNS: Mapping[str, DnsFault] = {
    "SERVFAIL": _answers(dns.rcode.SERVFAIL),
    "REFUSED": _answers(dns.rcode.REFUSED),
    "NOTAUTH": _answers(dns.rcode.NOTAUTH),
    "no answer": _breaks(TimeoutError()),
    "lost after it was done": _breaks(EOFError(), reached=True),
    "connection refused": _breaks(ConnectionRefusedError(111, "Connection refused")),
}
SERVER = ("cannot be written",)
"""What a web root or a listener may say; its own contract knows one kind of failure."""


class Fail(Watch):
    """Fails the `at`-th call of a `place` (http, dns, server); with `lasting` all later ones too,
    until `over`.
    """

    def __init__(self, place: str, kind: str, at: int, *, lasting: bool = False) -> None:
        super().__init__()
        self._place = place
        self._kind = kind
        self._left = at
        self._lasting = lasting
        self.struck = ""
        """The name of the call that failed first."""
        self.counted: Counter[str] = Counter()
        """Calls by place."""

    def over(self) -> None:
        """Nothing fails any more."""
        self._left = -1

    async def http(self, name: str, send: Send) -> Any:
        if self._strikes("http", name):
            return await self.outside(name, lambda: HTTP[self._kind](send))
        return await self.outside(name, send)

    async def dns(self, name: str, query: dns.message.Message, send: Send) -> Any:
        if self._strikes("dns", name):
            return await self.outside(name, lambda: DNS[self._kind](query, send))
        return await self.outside(name, send)

    async def outside(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        if name.startswith(("local", "standalone")) and self._strikes("server", name):
            self.calls.append(name)
            raise EndServerError("cannot be written", hint="check the web root")
        return await super().outside(name, act)

    def _strikes(self, place: str, name: str) -> bool:
        self.counted[place] += 1
        if place != self._place or self._left < 0:
            return False
        self._left = max(0, self._left - 1)
        if self._left:
            return False
        self.struck = self.struck or name
        if not self._lasting:
            self.over()
        return True


class Faults:
    """One scene in one world, whose calls fail one after the other."""

    def __init__(self, scene: Scene, outside: World, home: Path) -> None:
        self.scene = scene
        self.world = outside
        self.home = home
        self.tally = Tally(f"faults {scene.name}")
        self.template = scenes.prepare(scene, outside, home / "template")
        self.known = frozenset(outside.issued())
        trial = self.template.copy(home / "case")
        whole = forks.warm_up(lambda: self._run(trial, Fail("", "", -1)))
        assert not whole.error, whole.error
        self.calls: Mapping[str, int] = whole.result["calls"]
        """How many calls of each place an undisturbed run makes."""

    def every_call(self, *, every: int = 1) -> Tally:
        """Each kind of fault at each call, or in the stride `every` through all of these."""
        started = time.monotonic()
        for fail, what in list(self._cases())[::every]:
            self._case(fail, what)
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _cases(self) -> Iterator[tuple[Fail, str]]:
        for place, kind, lasting in _kinds():
            for at in range(1, self.calls[place] + 1):
                more = " and all later ones" if lasting else ""
                yield Fail(place, kind, at, lasting=lasting), f"{kind} at call {at}{more}"

    def _case(self, fail: Fail, what: str) -> None:
        """One run with one fault, until it is over."""
        issued = frozenset(self.world.issued())
        place = self.template.copy(self.home / "case")
        life = forks.live(lambda: self._run(place, fail))
        self.tally.cases += 1
        struck = ""
        if life.stuck or life.error:
            found = [life.error or "stuck"]
        else:
            struck = life.result["struck"]
            committed = life.result["committed"]
            self.tally.points[struck] += bool(struck)
            self.tally.struck += life.result["stopped"]
            self.tally.recoveries += life.result["report"]["rounds"]
            judge = Judge(self.world, self.scene.names, issued, self.known)
            report = Report.of(life.result["report"])
            found = judge.violations(report, place, committed, may_fail=True)
            found += _unmended(report)
        self.tally.wrong += [f"{self.scene.name}, {what} ({struck}): {each}" for each in found]

    async def _run(self, place: Place, fail: Fail) -> dict[str, Any]:
        fail.install()
        clock = Clock()
        async with place.opened(clock) as core:
            request = await scenes.begin(core, self.scene)
            committed = await afterwards.keys_of(core)
            ended = await core.requests.wait(request.id, seconds=afterwards.WAIT)
            stopped = ended.status not in GOOD
            fail.over()
            report = await afterwards.settle(core, clock, fail, place)
            if any(each.status == "failed" for each in report.endings):
                again = await core.requests.retry(request.id)
                await core.requests.wait(again.id, seconds=afterwards.WAIT)
                report = await afterwards.settle(core, clock, fail, place)
        return {
            "struck": fail.struck,
            "calls": fail.counted,
            "stopped": stopped,
            "committed": committed,
            "report": asdict(report),
        }


def _kinds() -> Iterator[tuple[str, str, bool]]:
    for place, kinds in (("http", HTTP), ("dns", DNS), ("server", SERVER)):
        yield from ((place, kind, False) for kind in kinds)
    yield from (("http", kind, True) for kind in LASTING)
    yield from (("dns", kind, True) for kind in DNS)


def _unmended(report: Report) -> list[str]:
    """A request that failed must go through by a retry, once nothing fails any more."""
    newest = max(report.endings, key=lambda ending: ending.number)
    return [] if newest.status in GOOD else [f"retry: {newest}"]


def run(scene: Scene, *, every: int = 1) -> Iterator[Tally]:
    """Let the calls of one scene fail, in a world and directories of its own."""
    with tempfile.TemporaryDirectory(prefix="kmtui-torture-") as directory:
        home = Path(directory)
        with scene.world(home / "world") as outside:
            yield Faults(scene, outside, home).every_call(every=every)
