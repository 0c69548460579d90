"""Waiting until the CA can see a TXT record: every authoritative name server is asked."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum

import dns.name

from kmtui.core.challenges.sight import Sight, Verdict, look_for_values, look_for_zone
from kmtui.core.challenges.transfers import late_transfers
from kmtui.core.dns.authority import Authorities
from kmtui.core.dns.cuts import NameServer, ZoneCut
from kmtui.core.dns.endpoint import Endpoint, resolve_all
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.query import has_route, running
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.errors import ChallengeNotVisible, DnsLookupFailed
from kmtui.model import Problem, ServerSight

# A server that stays silent this many rounds is passed over by the policies `all` and `recursive`.
SILENT_ROUNDS = 3
# Pauses grow by this factor from the first to the longest.
PAUSE_GROWTH = 2.0
CALM_PAUSE = 2.0
"""Seconds at least between rounds with a server that gave no answer, which may be starting anew,
and with resolvers, which remember what they said."""

TELL_AFTER = 0.2
"""Seconds in which answers are told together: servers answer in a few hundredths, and who watches
sees the slow ones arrive one by one."""

OnSight = Callable[[tuple[ServerSight, ...]], Awaitable[None] | None]


class Policy(StrEnum):
    """What counts as visible."""

    ALL = "all"
    """Every authoritative server that can be reached, and at least one."""
    STRICT = "strict"
    """Every authoritative server."""
    RECURSIVE = "recursive"
    """The configured resolvers: where port 53 outside is closed."""
    DELAY = "delay"
    """A fixed time, without looking."""
    OFF = "off"


class Propagation:
    """Watches a TXT record arrive at the servers that the policy names.

    `interval` is the first and the longest pause between rounds: a secondary that was notified has
    the record within a moment, one that asks by itself may take minutes. `settle` is the pause
    before a second look at servers with public addresses: behind an anycast address are many, and
    one that has the record says nothing of the others. `watched` are asked in place of the
    delegated servers. All times are in seconds; `clock` is monotonic.
    """

    def __init__(
        self,
        resolvers: Resolvers,
        policy: str = Policy.ALL,
        *,
        endpoints: Iterable[Endpoint] = (),
        watched: Iterable[Endpoint] = (),
        authorities: Authorities | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        interval: tuple[float, float] = (0.25, 10.0),
        delay: float = 60.0,
        settle: float = 5.0,
        patience: float = 4.0,
    ) -> None:
        self._resolvers = resolvers
        self._policy = Policy(policy)
        self._watched = tuple(watched)
        self._authorities = authorities or Authorities(
            resolvers, endpoints=endpoints, patience=patience
        )
        self._clock = clock
        self._sleep = sleep
        self._first_pause, self._longest_pause = interval
        self._delay = delay
        self._settle = settle
        self._patience = patience

    async def wait(
        self,
        fqdn: str,
        values: Iterable[str],
        *,
        deadline: float = 300.0,
        on_sight: OnSight | None = None,
    ) -> tuple[ServerSight, ...]:
        """What each server showed, once all `values` are visible at `fqdn`.

        `fqdn` is the effective name (aliases followed); foreign values beside ours are no matter.
        `deadline` is in seconds from now. `on_sight` gets all servers whenever what is known of one
        changes, and is awaited when it returns an awaitable. Raises ChallengeNotVisible.
        """
        if self._policy is Policy.OFF:
            return ()
        if self._policy is Policy.DELAY:
            await self._sleep(self._delay)
            return ()
        name, wanted = parse_name(fqdn), frozenset(values)
        view = _View(on_sight)
        ends_at = self._clock() + deadline
        pause = self._first_pause
        passed = 0
        while True:
            await self._look(view, name, wanted)
            passed = passed + 1 if self._passes(view) else 0
            late = self._clock() >= ends_at
            if passed > view.anycast or (passed and late):
                return view.rows
            if late:
                raise _not_visible(fqdn, view, await self._late_transfers(name, view))
            if not self._answered(view):
                pause = max(pause, min(CALM_PAUSE, self._longest_pause))
            rest = ends_at - self._clock()
            await self._sleep(min(self._settle if passed else pause, rest))
            pause = min(pause * PAUSE_GROWTH, self._longest_pause)

    async def check_name(self, fqdn: str) -> tuple[ZoneCut, tuple[ServerSight, ...]]:
        """The zone of `fqdn`, and whether each of its servers answers for it.

        Asks nothing that would make a resolver remember `fqdn`. Raises DnsLookupFailed.
        """
        cut = await self._authorities.zone_cut(parse_name(fqdn))
        sights = await asyncio.gather(
            *(
                look_for_zone(server, cut.zone, patience=self._patience)
                for server in _routable(cut.servers)
            )
        )
        return cut, tuple(sight.row for sight in sights)

    async def _look(self, view: _View, name: dns.name.Name, wanted: frozenset[str]) -> None:
        """One round: ask every server at once, and tell what came in a moment in one go."""
        if not view.sights:
            try:
                view.start(await self._servers(name))
            except DnsLookupFailed as error:
                view.failure = error
                return
        looks = (self._look_at(i, s.server, name, wanted) for i, s in enumerate(view.sights))
        async with running(looks) as tasks:
            left = set(tasks)
            while left:
                done, left = await asyncio.wait(left, timeout=TELL_AFTER)
                for task in done:
                    view.put(*task.result())
                await view.tell()

    async def _look_at(
        self, index: int, server: NameServer, name: dns.name.Name, wanted: frozenset[str]
    ) -> tuple[int, Sight]:
        recurse = self._policy is Policy.RECURSIVE
        patience = self._patience
        return index, await look_for_values(
            server, name, wanted, recurse=recurse, patience=patience
        )

    async def _servers(self, name: dns.name.Name) -> tuple[NameServer, ...]:
        if self._policy is Policy.RECURSIVE:
            found = await self._resolvers.endpoints()
            if not found:
                raise DnsLookupFailed("no address of a resolver is known")
            return tuple(NameServer("resolver", at) for at in found)
        if self._watched:
            return tuple([server for each in self._watched for server in await _servers_of(each)])
        return _routable((await self._authorities.zone_cut(name)).servers)

    async def _late_transfers(self, name: dns.name.Name, view: _View) -> tuple[str, ...]:
        """What keeps the record from servers that lack it, where the account names the primary."""
        missing = [sight.server for sight in view.sights if sight.verdict is Verdict.MISSING]
        if not missing or self._policy is Policy.RECURSIVE:
            return ()
        try:
            cut = await self._authorities.zone_cut(name)
            primaries = await resolve_all(self._authorities.endpoints)
        except DnsLookupFailed:
            return ()
        return await late_transfers(cut.zone, primaries, missing, patience=self._patience)

    def _answered(self, view: _View) -> bool:
        """Whether every server said what it has: only then is asking again at once worth it."""
        verdicts = {sight.verdict for sight in view.sights}
        resolvers = self._policy is Policy.RECURSIVE
        return bool(verdicts) and Verdict.SILENT not in verdicts and not resolvers

    def _passes(self, view: _View) -> bool:
        """Whether this round's sights satisfy the policy."""
        verdicts = [sight.verdict for sight in view.sights]
        if self._policy is Policy.STRICT:
            return bool(verdicts) and set(verdicts) == {Verdict.SEEN}
        return Verdict.SEEN in verdicts and all(
            sight.verdict is Verdict.SEEN
            or (sight.verdict is Verdict.SILENT and view.silent_rounds[index] >= SILENT_ROUNDS)
            for index, sight in enumerate(view.sights)
        )


class _View:
    """The latest sight of each server, and who is told of changes."""

    def __init__(self, on_sight: OnSight | None) -> None:
        self._on_sight = on_sight
        self.sights: list[Sight] = []
        self._told: list[tuple[Verdict, str]] = []
        self.silent_rounds: Counter[int] = Counter()
        self.failure: DnsLookupFailed | None = None
        """Why there are no servers to ask."""

    @property
    def rows(self) -> tuple[ServerSight, ...]:
        return tuple(sight.row for sight in self.sights)

    @property
    def anycast(self) -> bool:
        """Whether an address may stand for several machines: any public one may."""
        hosts = (sight.server.endpoint.host for sight in self.sights if sight.server.endpoint)
        return any(ipaddress.ip_address(host).is_global for host in hosts)

    def start(self, servers: tuple[NameServer, ...]) -> None:
        self.sights = [Sight(server, Verdict.ASKING, "asking") for server in servers]

    def put(self, index: int, sight: Sight) -> None:
        silent = sight.verdict is Verdict.SILENT
        self.silent_rounds[index] = self.silent_rounds[index] + 1 if silent else 0
        self.sights[index] = sight

    async def tell(self) -> None:
        """Tell who watches, when anything but a time has changed since."""
        shown = [(sight.verdict, sight.detail) for sight in self.sights]
        if shown == self._told:
            return
        self._told = shown
        told = self._on_sight(self.rows) if self._on_sight else None
        if inspect.isawaitable(told):
            await told


async def _servers_of(endpoint: Endpoint) -> list[NameServer]:
    found = await resolve_all([endpoint])
    return [NameServer(endpoint.host, at) for at in found] or [NameServer(endpoint.host, None)]


def _routable(servers: Iterable[NameServer]) -> tuple[NameServer, ...]:
    """The servers without the addresses this host has no route to, where another one remains."""
    servers = tuple(servers)
    reached = {s.name for s in servers if s.endpoint and has_route(s.endpoint)}
    return tuple(
        s for s in servers if s.name not in reached or (s.endpoint and has_route(s.endpoint))
    )


def _not_visible(fqdn: str, view: _View, late: Sequence[str]) -> ChallengeNotVisible:
    missing = [sight for sight in view.sights if sight.verdict is not Verdict.SEEN]
    if not view.sights and view.failure:
        said = f"the name servers of {fqdn} were not found: {view.failure.message}"
    else:
        seen = f"TXT seen by {len(view.sights) - len(missing)} of {len(view.sights)} servers"
        said = "; ".join([seen, *map(str, missing), *late])
    verdicts = {sight.verdict for sight in view.sights}
    hint = LATE if late else next(hint for verdict, hint in HINTS if verdicts <= verdict)
    message = f"the TXT record at {fqdn} cannot be seen where the CA will look"
    problem = Problem(
        type="kmtui:dns-not-visible",
        detail=said,
        what=message,
        hint=hint,
        where=fqdn,
    )
    return ChallengeNotVisible(message, hint=hint, problem=problem, servers=view.rows)


LATE = (
    "zone transfers are late: let the primary notify its secondaries (also-notify) and let them "
    "fetch the zone (allow-transfer); `propagation_timeout` on the DNS account allows more time"
)
# The first row whose verdicts cover all that were seen gives the hint.
HINTS = (
    (
        {Verdict.SILENT},
        "no name server could be reached; where port 53 outside is closed, set `propagation` on "
        "the DNS account to `recursive` or `delay`",
    ),
    (
        {Verdict.SEEN, Verdict.MISSING},
        "try again: some providers take longer; `propagation_timeout` on the DNS account allows "
        "more time",
    ),
    (
        set(Verdict),
        "mend or remove the name servers named; or set `propagation` on the DNS account to "
        "`recursive` or `delay`",
    ),
)
