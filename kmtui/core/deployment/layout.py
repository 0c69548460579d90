"""How files lie on a server, and the one step that puts other files in effect.

Whoever reads what is in effect, at any moment and after any crash, finds the key and the chain of
one version. So files are written where nobody reads them, compared there, and put in effect by one
rename.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kmtui.core.deployment.bundle import COMBINED, FULLCHAIN, WITH_KEY, Bundle, leaf_sha256
from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Host, Owner
from kmtui.model import Target

PUBLIC_MODE = 0o644
"""Of files without the key: anybody who connects gets their content."""
DIRECTORY_MODE = 0o755
"""Of directories that kmtui makes; the keys in them have a mode of their own."""
NOTHING = ""
"""The place of what is in effect when nothing is."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in effect at a target."""

    place: str = NOTHING
    """Where its files lie, as the layout names it."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Those of the layout's files that are there, by name."""

    @property
    def leaf(self) -> str | None:
        """Fingerprint of its certificate; None when there is none that can be read."""
        return leaf_sha256(self.files.get(FULLCHAIN) or self.files.get(COMBINED))

    def holds(self, bundle: Bundle, names: Collection[str]) -> bool:
        """Whether these files are those of a version."""
        return all(self.files.get(name) == bundle.files[name] for name in names)


class Layout(Protocol):
    """One way for files to lie in a directory of a machine.

    Built as ``cls(host, target)``. Whatever is cut off is done again from the start: every method
    but `switch` and `switch_back` leaves alone what is in effect. All raise EndServerError.
    """

    names: tuple[str, ...]
    """The files it keeps of a bundle."""

    def __init__(self, host: Host, target: Target) -> None: ...

    @staticmethod
    def paths(target: Target) -> dict[str, str]:
        """Where a server finds each file."""
        ...

    async def standing(self) -> Standing:
        """What is in effect now. Raises Refused for what kmtui would never take over."""
        ...

    async def keep(self, standing: Standing, *, ours: bool, unproved: str | None) -> str:
        """Make sure that what is in effect can come back; what `switch_back` needs for it.

        It is `unproved`, from an attempt before, while what is in effect was never proved.
        """
        ...

    async def place_for(self, bundle: Bundle, standing: Standing, ours: Collection[str]) -> str:
        """Where the files of a version go: a place that is free, or one of `ours` not in effect."""
        ...

    async def upload(self, place: str, bundle: Bundle) -> None:
        """Write the files to a place and read them back."""
        ...

    async def switch(self, place: str) -> None:
        """Put the files of a place in effect, in one step."""
        ...

    async def switch_back(self, former: str) -> None:
        """Put back in effect what `keep` kept, in one step."""
        ...

    async def tidy(self, place: str, former: str, ours: Collection[str]) -> None:
        """Remove what nobody needs any more: of `ours` all but what is and was in effect."""
        ...


async def write(host: Host, path: str, content: bytes, target: Target, *, secret: bool) -> None:
    """A file as the target wants it, read back. Raises EndServerError when it is another one."""
    mode = target.mode if secret else target.mode | PUBLIC_MODE
    await host.create(path, content, mode=mode, owner=owner_of(target))
    if await host.read(path, most=len(content)) != content:
        raise EndServerError(
            f"{path} on {host.where} is not what was written there",
            hint="look for a full or failing disk, or for another program that writes there",
        )


async def write_all(host: Host, directory: str, files: Mapping[str, bytes], target: Target) -> None:
    """Files into a directory, which is made when it is missing."""
    await host.make_directory(directory, mode=DIRECTORY_MODE, owner=owner_of(target))
    for name, content in files.items():
        await write(host, f"{directory}/{name}", content, target, secret=name in WITH_KEY)


def owner_of(target: Target) -> Owner:
    """Who the files belong to."""
    user, _, group = target.owner.partition(":")
    return Owner(user=user, group=group)
