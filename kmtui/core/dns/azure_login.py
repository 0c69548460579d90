"""How an account signs in to Azure: one way that was chosen, or the first that this host offers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from kmtui.core.dns.azure_token import NotOffered, Token
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine

EARLY = 300.0
"""Seconds before its end at which a token is replaced."""


class SignIn(Protocol):
    """One way to get a token."""

    title: ClassVar[str]

    async def token(self, *, alone: bool) -> Token:
        """A fresh token. `alone`: it is the only way, worth more patience.

        Raises NotOffered when this account or host does not have this way, DnsProviderError when it
        has and was refused: then no other way is tried, for it would be somebody else's.
        """
        ...

    def lines(self) -> tuple[CheckLine, ...]:
        """What is worth knowing about it after it gave a token."""
        ...


class Login:
    """The token of one account, renewed in time and shared by all its calls."""

    def __init__(
        self, ways: Sequence[SignIn], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`ways` in the order in which they are tried; the first that works is kept to."""
        self._ways = tuple(ways)
        self._clock = clock
        self._token: Token | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> Token:
        """A token that is valid for some minutes at least. Raises DnsProviderError."""
        async with self._asking:
            if self._token is None or self._clock() >= self._until:
                self._token = await self._fetch()
                early = min(EARLY, self._token.seconds / 2)
                self._until = self._clock() + self._token.seconds - early
            return self._token

    def refused(self, token: Token) -> None:
        """Azure does not accept `token`: the next call gets a fresh one."""
        if self._token is token:
            self._token = None

    def lines(self) -> tuple[CheckLine, ...]:
        """How it signed in, for the test of an account."""
        if self._token is None or len(self._ways) != 1:
            return ()
        way = self._ways[0]
        return (CheckLine(True, f"signed in to Azure by {way.title}"), *way.lines())

    async def _fetch(self) -> Token:
        missing: dict[str, NotOffered] = {}
        alone = len(self._ways) == 1
        for way in self._ways:
            try:
                token = await way.token(alone=alone)
            except NotOffered as reason:
                missing[way.title] = reason
            else:
                self._ways = (way,)
                return token
        raise _no_way(missing)


def _no_way(missing: Mapping[str, NotOffered]) -> DnsProviderError:
    reasons = "; ".join(f"{title}: {found.reason}" for title, found in missing.items())
    hints = [found.hint for found in missing.values() if found.hint]
    several = len(missing) > 1
    return DnsProviderError(
        f"no way to sign in to Azure works here. {reasons}" if several else reasons,
        kind="transient" if any(found.passing for found in missing.values()) else "auth",
        hint="set `auth` to the way that is meant, and what it needs"
        if several or not hints
        else hints[0],
    )
