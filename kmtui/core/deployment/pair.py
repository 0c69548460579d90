"""The layout `pair`: a key file and a chain file under names that never change.

Two files cannot be renamed in one step. So both names are links through one more link, and that
one is switched: ``DIR/privkey.pem`` leads to ``.kmtui/current/privkey.pem``, and ``current`` to the
directory of a version.
"""

from __future__ import annotations

from kmtui.core.deployment.bundle import FULLCHAIN, MOST_OCTETS, PRIVKEY
from kmtui.core.deployment.layout import DIRECTORY_MODE, Standing, write_all
from kmtui.core.deployment.versioned import CURRENT, Versioned
from kmtui.core.errors import Refused
from kmtui.core.servers.host import Host, passing
from kmtui.model import Target

STORE = ".kmtui"
"""The directory below the target's where versions lie."""
PLAIN = "plain files"
"""The place of a pair that are files, not links of ours; no directory has that name."""
ADOPTED = "adopted"
"""Where a pair of plain files lies once kmtui has taken it over; kept for good."""


class Pair(Versioned):
    """``DIR/privkey.pem`` and ``DIR/fullchain.pem``, as nearly every program wants them.

    Plain files that are in their place are taken over without a moment in which they do not match:
    both are copied to a place of ours first, ``current`` is made to lead there, and each file is
    then replaced by a link to its own copy.
    """

    names: tuple[str, ...] = (PRIVKEY, FULLCHAIN)

    def __init__(self, host: Host, target: Target) -> None:
        super().__init__(host, target)
        self._store = f"{target.directory}/{STORE}"

    @staticmethod
    def paths(target: Target) -> dict[str, str]:
        """In the target's directory itself."""
        return {name: f"{target.directory}/{name}" for name in Pair.names}

    async def standing(self) -> Standing:
        """What the names lead to, files or links of ours. Raises Refused for other links."""
        behind = await super().standing()
        plain: dict[str, bytes] = {}
        linked: dict[str, bytes] = {}
        for name, path in self.paths(self._target).items():
            link = await self._host.link_target(path)
            if link is None:
                if (content := await self._host.read(path, most=MOST_OCTETS)) is not None:
                    plain[name] = content
            elif link != _link(name):
                raise Refused(
                    f"{path} on {self._host.where} is a link to {link}",
                    hint="remove the link, or choose another directory for the target",
                )
            elif name in behind.files:
                linked[name] = behind.files[name]
        return Standing(PLAIN, linked | plain) if plain else behind

    async def keep(self, standing: Standing, *, ours: bool, unproved: str | None) -> str:
        """Take plain files over, and make both names links through ``current``."""
        former = await super().keep(standing, ours=ours, unproved=unproved)
        if standing.place == PLAIN:
            former = await self._adopt(standing)
        await self._host.make_directory(self._store, mode=DIRECTORY_MODE)
        for name, path in self.paths(self._target).items():
            if await self._host.link_target(path) is None:
                # Made beside and renamed over what is there: it may replace a file.
                await self._host.link(_link(name), passing(path))
                await self._host.replace(passing(path), path)
        return former

    async def _adopt(self, standing: Standing) -> str:
        """Let ``current`` lead to a copy of the plain files; where that is."""
        behind = await super().standing()
        if behind.files == standing.files:
            # A cut-off attempt did it; one of the names may be a link already.
            return behind.place
        place = ADOPTED if behind.place != ADOPTED else f"{ADOPTED}.1"
        await write_all(self._host, self._path(place), standing.files, self._target)
        await self._host.link(place, self._path(CURRENT))
        return place


def _link(name: str) -> str:
    return f"{STORE}/{CURRENT}/{name}"
