"""The layout `versioned`: a directory for each version, and one link that leads to one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count

from kmtui.core.deployment.bundle import CERT, CHAIN, FULLCHAIN, MOST_OCTETS, PRIVKEY, Bundle
from kmtui.core.deployment.layout import NOTHING, Standing, write_all
from kmtui.core.servers.host import Host
from kmtui.model import Target

CURRENT = "current"


class Versioned:
    """``DIR/7/privkey.pem`` and so on, in effect as ``DIR/current/privkey.pem``.

    A place is the name of a directory: the version's number, with ``.1`` and so on behind it where
    that name is in effect (the same version once more) or somebody else's.
    """

    names: tuple[str, ...] = (PRIVKEY, CERT, CHAIN, FULLCHAIN)

    def __init__(self, host: Host, target: Target) -> None:
        self._host = host
        self._target = target
        self._store = target.directory

    @staticmethod
    def paths(target: Target) -> dict[str, str]:
        """Through the link."""
        return {name: f"{target.directory}/{CURRENT}/{name}" for name in Versioned.names}

    async def standing(self) -> Standing:
        """What the link leads to."""
        place = await self._host.link_target(self._path(CURRENT))
        if place is None:
            return Standing()
        return Standing(place, await self._files(self._path(place)))

    async def keep(self, standing: Standing, *, ours: bool, unproved: str | None) -> str:
        """Where the link leads; files in other places are not touched."""
        return standing.place if unproved is None else unproved

    async def place_for(self, bundle: Bundle, standing: Standing, ours: Collection[str]) -> str:
        """A directory of ours, or one that is missing or empty."""
        for place in _names(bundle.version.number):
            if place == standing.place:
                continue
            if place in ours or not await self._host.entries(self._path(place)):
                return place
        raise AssertionError("names never end")

    async def upload(self, place: str, bundle: Bundle) -> None:
        """Each file into the directory, which no link leads to."""
        files = {name: bundle.files[name] for name in self.names}
        await write_all(self._host, self._path(place), files, self._target)

    async def switch(self, place: str) -> None:
        """Let the link lead there."""
        await self._host.link(place, self._path(CURRENT))

    async def switch_back(self, former: str) -> None:
        """Let the link lead to where it led; without one where there was none."""
        if former == NOTHING:
            await self._host.remove(self._path(CURRENT))
        else:
            await self._host.link(former, self._path(CURRENT))

    async def tidy(self, place: str, former: str, ours: Collection[str]) -> None:
        """Remove the directories of earlier versions, except the one before."""
        for name in await self._host.entries(self._store):
            if name in ours and name not in (place, former):
                for file in self.names:
                    await self._host.remove(f"{self._path(name)}/{file}")
                await self._host.remove(self._path(name))

    def _path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self._store}/{name}"

    async def _files(self, directory: str) -> dict[str, bytes]:
        """Those of the layout's files that a directory has."""
        found = {}
        for name in self.names:
            content = await self._host.read(f"{directory}/{name}", most=MOST_OCTETS)
            if content is not None:
                found[name] = content
        return found


def _names(number: int) -> Iterator[str]:
    yield str(number)
    yield from (f"{number}.{again}" for again in count(1))
