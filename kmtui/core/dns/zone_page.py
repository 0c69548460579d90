"""The zones of an account, for vendors that list them page by page or answer for one name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.names import longest_match, parse_name
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.zones import candidates


@dataclass(frozen=True, slots=True)
class Page:
    """The first zones of an account; `whole` when there are no others."""

    zones: Sequence[Zone] = ()
    whole: bool = False

    def of(self, fqdn: str) -> list[Zone]:
        """Those with the longest name that `fqdn` lies in."""
        longest = longest_match(parse_name(fqdn), [zone.name for zone in self.zones])
        return [zone for zone in self.zones if zone.name == longest]


class ZonePage:
    """The zones that a name lies in, with few calls.

    The first page is kept for a minute. Where it is the only one, as mostly, it answers for every
    name; else every name that a zone may have is asked for.
    """

    def __init__(
        self,
        first: Callable[[], Awaitable[Page]],
        named: Callable[[str], Awaitable[Sequence[Zone]]],
    ) -> None:
        """`first` asks for the first page, `named` for the zones of one very name."""
        self._first = first
        self._named = named
        self._page = Page()
        self._until = 0.0
        self._looking = asyncio.Lock()

    async def of(self, fqdn: str) -> Sequence[Zone]:
        """The zones with the longest name that `fqdn` lies in: none, one, or several of one name.

        Raises what `first` and `named` raise.
        """
        async with self._looking:
            good = asyncio.get_running_loop().time() < self._until
            # A zone that is not on the only page may have been made since.
            if not good or (self._page.whole and not self._page.of(fqdn)):
                await self._look()
            page = self._page
        if page.whole:
            return page.of(fqdn)
        for candidate in candidates(fqdn):
            if found := await self._named(candidate):
                return found
        return ()

    async def look(self) -> Page:
        """The first page, asked for now."""
        async with self._looking:
            await self._look()
            return self._page

    @property
    def seen(self) -> Sequence[Zone]:
        """The first page as it was seen last."""
        return self._page.zones

    async def _look(self) -> None:
        self._page = await self._first()
        self._until = asyncio.get_running_loop().time() + MEMORY
