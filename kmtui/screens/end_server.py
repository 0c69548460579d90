"""One end server: its fields, the names that lead to it, its test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import CheckLine, EndServer
from kmtui.screens.checklines import last_test_fact
from kmtui.screens.detailpage import DetailPage, mapping_facts, setting_facts
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.request_keys import LOCKED
from kmtui.screens.setuplist import ask_to_delete
from kmtui.screens.tasks import Work
from kmtui.status import when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.servers.server import EndServer as Kind


class EndServerScreen(DetailPage):
    """The sheet of one end server; the lines of a test stand on top."""

    ROOT = "Servers"
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "test", "map", "delete", "copy", "last_error", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("map", "delete", show=False)]
    _server: EndServer | None = None

    async def facts(self) -> Sequence[Fact]:
        server = self._server = await self.core.end_servers.get(self.thing)
        used = await self.core.end_servers.used_by(server.id)
        kind = next(
            (each for each in self.core.end_servers.kinds() if each.kind == server.kind), None
        )
        return [
            ("Name", (server.name, "strong")),
            ("Kind", kind.title if kind else server.kind),
            last_test_fact(server),
            *mapping_facts(used),
            *setting_facts(kind.fields if kind else (), server.settings, server.secret_names),
            ("Added", when(server.created_at)),
        ]

    async def test(self) -> Sequence[CheckLine]:
        return await self.core.end_servers.test(self.thing)

    def against(self, key: str) -> str:
        server = self._server
        if server is None:
            return ""
        return against_server(key, server, locked=self.core.access.locked)

    def action_map(self) -> None:
        self.app.push_screen(MappingsScreen(Place("server", self.thing, self.name_shown)))

    def action_delete(self) -> None:
        if self._server is not None:
            ask_to_delete(self, *server_deletion(self.core, self._server), then=self.action_back)


def where_of(server: EndServer, kind: type[Kind] | None) -> str:
    """Where it serves, as its kind says it."""
    return kind.where(server.settings) if kind else ""


def against_server(key: str, server: EndServer, *, locked: bool) -> str:
    """Why a key can do nothing to this end server now; empty when it can."""
    if key == "test" and locked and server.secret_names:
        return f"test: {LOCKED}"
    if key == "delete" and server.mapped:
        return f"delete: mappings lead to it ({server.mapped}): m shows them"
    return ""


def server_deletion(core: Core, server: EndServer) -> tuple[str, str, Callable[[], Work]]:
    """Name, consequence and doing of a deletion."""
    said = (
        f"The end server {server.name} goes from kmtui.\n"
        "Nothing changes on the host itself. There is no undo."
    )
    return server.name, said, lambda: core.end_servers.delete(server.id)
