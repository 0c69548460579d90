"""The layout `combined`: the key and the chain in one file, replaced by one rename."""

from __future__ import annotations

from collections.abc import Collection

from kmtui.core.deployment.bundle import COMBINED, MOST_OCTETS, Bundle
from kmtui.core.deployment.layout import DIRECTORY_MODE, NOTHING, Standing, write
from kmtui.core.servers.host import Host, parted
from kmtui.model import Target

FILE = "file"
"""The place of whatever is in effect: there is only one."""
OLD = "old"
"""Beside the file: what was in effect before, until the new one is proved."""
ADOPTED = "adopted"
"""Beside the file: a file of others that was taken over; kept for good."""
NEW = "new"
"""Beside the file: what is about to be in effect."""


class Combined:
    """``DIR/NAME.pem``, NAME being the target's, so that several of them may share a directory.

    What lies beside it begins with a dot: programs that read a whole directory leave that out.
    """

    names: tuple[str, ...] = (COMBINED,)

    def __init__(self, host: Host, target: Target) -> None:
        self._host = host
        self._target = target
        self._path = self.paths(target)[COMBINED]

    @staticmethod
    def paths(target: Target) -> dict[str, str]:
        """The one file."""
        return {COMBINED: f"{target.directory}/{target.name}.pem"}

    async def standing(self) -> Standing:
        """What the file holds."""
        content = await self._host.read(self._path, most=MOST_OCTETS)
        return Standing() if content is None else Standing(FILE, {COMBINED: content})

    async def keep(self, standing: Standing, *, ours: bool, unproved: str | None) -> str:
        """A copy of the file; none of one that was never proved, where the one before is kept."""
        directory, _ = parted(self._path)
        await self._host.make_directory(directory, mode=DIRECTORY_MODE)
        if unproved == NOTHING or standing.place == NOTHING:
            return NOTHING
        if unproved and parted(self._beside(unproved))[1] in await self._host.entries(directory):
            return unproved
        former = OLD if ours else ADOPTED
        await self._write(self._beside(former), standing.files[COMBINED])
        return former

    async def place_for(self, bundle: Bundle, standing: Standing, ours: Collection[str]) -> str:
        """There is only one."""
        return FILE

    async def upload(self, place: str, bundle: Bundle) -> None:
        """The new file beside the one in effect."""
        await self._write(self._beside(NEW), bundle.files[COMBINED])

    async def switch(self, place: str) -> None:
        """Rename the new file over it."""
        await self._host.replace(self._beside(NEW), self._path)

    async def switch_back(self, former: str) -> None:
        """Rename the kept file over it; remove it where there was none."""
        if former == NOTHING:
            await self._host.remove(self._path)
        else:
            await self._host.replace(self._beside(former), self._path)

    async def tidy(self, place: str, former: str, ours: Collection[str]) -> None:
        """Remove what was kept beside, except a file of others."""
        for what in (NEW, OLD):
            await self._host.remove(self._beside(what))

    async def _write(self, path: str, content: bytes) -> None:
        await write(self._host, path, content, self._target, secret=True)

    def _beside(self, what: str) -> str:
        directory, name = parted(self._path)
        return f"{directory}/.{name}.kmtui-{what}"
