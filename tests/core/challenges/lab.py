"""Name servers and a resolver on loopback, and a clock that only pauses advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kmtui.core.challenges.propagation import Propagation
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.errors import ChallengeNotVisible
from tests.core.challenges.stub_nameserver import StubNameServer

NAME = "_acme-challenge.www.example.test"
V = "V-value"


@dataclass
class Lab:
    """A resolver, three name servers of example.test, and a clock that only pauses advance."""

    resolver: StubNameServer
    servers: tuple[StubNameServer, ...]
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    after_pause: dict[int, Callable[[], None]] = field(default_factory=dict)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.after_pause.get(len(self.pauses), lambda: None)()

    def publish(self, *values: str) -> None:
        for server in self.servers:
            server.add_txt(NAME, *values)

    def watch(self, policy: str = "all", **options: Any) -> Propagation:
        return Propagation(
            Resolvers([self.resolver.endpoint]),
            policy,
            endpoints=[server.endpoint for server in self.servers],
            clock=lambda: self.now,
            sleep=self.sleep,
            patience=0.15,
            **options,
        )


def said(error: ChallengeNotVisible) -> str:
    assert error.problem is not None
    return error.problem.detail
