"""A machine in memory whose connection can be lost at any point, and which is watched all along."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Owner, Ran

CHUNK = 1024
"""Octets that arrive at a time."""


@dataclass
class File:
    content: bytes
    mode: int
    owner: str = ""


@dataclass
class Link:
    target: str


@dataclass
class Directory:
    mode: int = 0o755


Node = File | Link | Directory


class Killed(BaseException):
    """This process is gone: nothing after it runs that a real kill would not let run."""


@dataclass
class MemoryHost:
    """Implements `Host`; `nodes` is its disk.

    A point is a moment before or after an effect, or between two chunks of a write. At point number
    `cut` the connection is lost (or `fault` happens), and stays lost until `reconnect`.
    """

    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Directory(), "/etc": Directory()})
    watch: Callable[[MemoryHost], None] = lambda host: None
    """Called at every point."""
    commands: dict[str, Callable[[], Ran]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    where: str = "deploy@web1.example.org:22"
    cut: int | None = None
    fault: Callable[[], BaseException] = lambda: EndServerError("the connection was lost")
    points: int = 0
    lost: bool = False

    def reconnect(self) -> None:
        self.lost, self.cut = False, None

    def _point(self) -> None:
        if self.lost:
            raise self.fault()
        self.watch(self)
        self.points += 1
        if self.cut is not None and self.points > self.cut:
            self.lost = True
            raise self.fault()

    # --- what `Host` asks for ---------------------------------------------------------------------

    async def read(self, path: str, *, most: int) -> bytes | None:
        self._point()
        node = self.nodes.get(self._real(path))
        if node is None:
            return None
        if not isinstance(node, File) or len(node.content) > most:
            raise EndServerError(f"{path} cannot be read")
        return node.content

    async def create(
        self, path: str, content: bytes, *, mode: int, owner: Owner | None = None
    ) -> None:
        self._point()
        place = self._beside(path)
        self.nodes.pop(place, None)
        self._point()
        file = File(b"", 0o600)
        self.nodes[place] = file
        for start in range(0, len(content), CHUNK):
            self._point()
            file.content += content[start : start + CHUNK]
        self._point()
        owner = owner or Owner()
        file.owner = f"{owner.user}:{owner.group}".strip(":")
        file.mode = mode
        self._point()

    async def replace(self, source: str, path: str) -> None:
        self._point()
        if self._beside(source) not in self.nodes:
            raise EndServerError(f"there is no {source}")
        self.nodes[self._beside(path)] = self.nodes.pop(self._beside(source))
        self._point()

    async def link(self, target: str, path: str) -> None:
        self._point()
        place = self._beside(path)
        if not isinstance(self.nodes.get(place, Link("")), Link):
            raise EndServerError(f"{path} is no link")
        self.nodes[place] = Link(target)
        self._point()

    async def link_target(self, path: str) -> str | None:
        self._point()
        node = self.nodes.get(self._beside(path))
        return node.target if isinstance(node, Link) else None

    async def make_directory(self, path: str, *, mode: int, owner: Owner | None = None) -> bool:
        self._point()
        missing = self._real(path) not in self.nodes
        parent = posixpath.dirname(path)
        if missing and self._real(parent) not in self.nodes:
            await self.make_directory(parent, mode=0o755)
        if missing:
            self.nodes[self._real(path)] = Directory(mode)
        self._point()
        return missing

    async def entries(self, path: str) -> list[str]:
        self._point()
        inside = self._real(path).rstrip("/") + "/"
        below = (name.removeprefix(inside) for name in self.nodes if name.startswith(inside))
        return sorted(name for name in below if name and "/" not in name)

    async def remove(self, path: str) -> None:
        self._point()
        if isinstance(self.nodes.get(self._beside(path)), Directory) and await self.entries(path):
            raise EndServerError(f"{path} is not empty")
        self.nodes.pop(self._beside(path), None)
        self._point()

    async def run(self, command: str, *, seconds: float) -> Ran:
        self._point()
        self.ran.append(command)
        result = self.commands.get(command, lambda: Ran(0, ""))()
        self._point()
        return result

    async def close(self) -> None:
        pass

    # --- paths ------------------------------------------------------------------------------------

    def _real(self, path: str, hops: int = 20) -> str:
        """The path with every link in it followed."""
        place = "/"
        for name in (part for part in path.split("/") if part):
            place = posixpath.join(place, name)
            node = self.nodes.get(place)
            if isinstance(node, Link) and hops:
                led = posixpath.join(posixpath.dirname(place), node.target)
                place = self._real(posixpath.normpath(led), hops - 1)
        return place

    def _beside(self, path: str) -> str:
        """The path with every link followed but the last name itself."""
        directory, name = posixpath.split(path)
        return posixpath.join(self._real(directory), name)

    def content(self, path: str) -> bytes | None:
        """What a reader finds there, without a point."""
        node = self.nodes.get(self._real(path))
        return node.content if isinstance(node, File) else None

    def files(self) -> dict[str, File]:
        return {path: node for path, node in self.nodes.items() if isinstance(node, File)}
