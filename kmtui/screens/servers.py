"""End servers (mode 5): where the answers of http-01 are served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import EndServer
from kmtui.screens.checklines import last_test_cell, last_test_fact, test_word
from kmtui.screens.end_server import EndServerScreen, against_server, server_deletion, where_of
from kmtui.screens.formpage import FormPage
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.new_server import NewServerScreen
from kmtui.screens.setuplist import SetupList
from kmtui.screens.tasks import Work
from kmtui.status import Cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row


class ServersScreen(SetupList):
    """The end servers, where each serves, and the last test."""

    MODE = "servers"
    NOUN = ("end server", "end servers")
    EMPTY = "No end servers yet. n adds one: http-01 needs it, dns-01 does not."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 12, 24, flex=1, sort="name"),
        Column("KIND", 10, 18, flex=1, sort="kind", drop=1),
        Column("WHERE", 20, 44, flex=2, sort="where", middle=True),
        Column("MAPPED", 6, align="right", sort="mapped", drop=2),
        Column("TEST", 12, 40, flex=1),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "new", "map", "test", "delete", "lock", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", "map", "delete", show=False)]

    async def rows(self) -> list[Row]:
        kinds = {kind.kind: kind for kind in self.core.end_servers.kinds()}
        now = datetime.now(UTC)
        return [
            _row(server, where_of(server, kinds.get(server.kind)), now)
            for server in await self.core.end_servers.all()
        ]

    def new_form(self) -> FormPage:
        return NewServerScreen()

    def detail(self, row: Row, *, test: bool = False) -> EndServerScreen:
        return EndServerScreen(row.data.id, row.data.name, test=test)

    def facts(self, row: Row) -> Sequence[Fact]:
        server: EndServer = row.data
        return [
            ("Name", (server.name, "strong")),
            ("Kind", server.kind),
            ("Where", row.cells[2][0]),
            ("Mapped", f"{server.mapped} names" if server.mapped else "no name: m maps some"),
            last_test_fact(server),
        ]

    def line(self, row: Row) -> Sequence[Cell]:
        server: EndServer = row.data
        return [(row.cells[2][0], "muted"), (f"  {server.last_test_detail}", "")]

    def against(self, key: str, row: Row) -> str:
        return against_server(key, row.data, locked=self.core.access.locked)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        return server_deletion(self.core, row.data)

    def action_map(self) -> None:
        row = self.table.row
        place = Place("server", row.data.id, row.data.name) if row else None
        self.app.push_screen(MappingsScreen(place))


def _row(server: EndServer, where: str, now: datetime) -> Row:
    cells: tuple[Cell, ...] = (
        (server.name, ""),
        (server.kind, ""),
        (where, ""),
        (str(server.mapped), "" if server.mapped else "muted"),
        last_test_cell(server, now),
    )
    return Row(server.id, cells, test_word(server), server)
