"""End servers (mode 5): where answers of http-01 are served, and certificates are put."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import EndServer, Target
from kmtui.screens.checklines import last_test_cell, last_test_fact, test_word
from kmtui.screens.end_server import EndServerScreen, against_server, server_deletion, where_of
from kmtui.screens.formpage import FormPage
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.server_form import ServerForm
from kmtui.screens.setuplist import SetupList
from kmtui.screens.target_words import NOT_WELL, on_server_facts
from kmtui.screens.tasks import Work
from kmtui.status import Cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from kmtui.core.servers.server import EndServer as Kind

NO_TARGETS = ("none: n at a certificate's targets adds one", "muted")


class ServersScreen(SetupList):
    """The end servers, where each serves, what is put there, and the last test."""

    MODE = "servers"
    NOUN = ("end server", "end servers")
    EMPTY = "No end servers yet. n adds one: for http-01, and to deploy certificates."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 12, 24, flex=1, sort="name"),
        Column("KIND", 10, 18, flex=1, sort="kind", drop=1),
        Column("WHERE", 18, 44, flex=2, sort="where", middle=True),
        Column("MAPPED", 6, align="right", sort="mapped", drop=2),
        Column("TARGETS", 7, align="right", sort="targets"),
        Column("TEST", 12, 40, flex=1),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "new", "edit", "test", "map", "delete", "lock", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", "edit", "map", "delete", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._targets: defaultdict[str, list[Target]] = defaultdict(list)
        """By id of the end server."""
        self._kinds: dict[str, type[Kind]] = {}

    async def rows(self) -> list[Row]:
        self._kinds = {kind.kind: kind for kind in self.core.end_servers.kinds()}
        now = datetime.now(UTC)
        servers = await self.core.end_servers.all()
        targets: defaultdict[str, list[Target]] = defaultdict(list)
        for target in await self.core.targets.all():
            targets[target.server_id or ""].append(target)
        self._targets = targets
        return [
            _row(server, self._kinds.get(server.kind), targets[server.id], now)
            for server in servers
        ]

    def new_form(self) -> FormPage:
        return ServerForm()

    def edit_form(self, row: Row) -> FormPage:
        return ServerForm(row.data)

    def detail(self, row: Row, *, test: bool = False) -> EndServerScreen:
        return EndServerScreen(row.data.id, row.data.name, test=test)

    def facts(self, row: Row) -> Sequence[Fact]:
        server: EndServer = row.data
        kind = self._kinds.get(server.kind)
        none: list[Fact] = [("Targets", NO_TARGETS)] if kind and kind.takes_files else []
        return [
            ("Name", (server.name, "strong")),
            ("Kind", server.kind),
            ("Where", row.cells[2][0]),
            ("Mapped", f"{server.mapped} names" if server.mapped else "no name: m maps some"),
            last_test_fact(server),
            *(on_server_facts(self._targets[server.id]) or none),
        ]

    def line(self, row: Row) -> Sequence[Cell]:
        server: EndServer = row.data
        return [(row.cells[2][0], "muted"), (f"  {server.last_test_detail}", "")]

    def against(self, key: str, row: Row) -> str:
        targets = self._targets[row.key]
        return against_server(key, row.data, targets, locked=self.core.access.locked)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        return server_deletion(self.core, row.data)

    def action_map(self) -> None:
        row = self.table.row
        place = Place("server", row.data.id, row.data.name) if row else None
        self.app.push_screen(MappingsScreen(place))


def _row(
    server: EndServer, kind: type[Kind] | None, targets: Sequence[Target], now: datetime
) -> Row:
    """A dash where certificates cannot be put; a number in the tone of what is not well there."""
    unwell = any(target.state in NOT_WELL for target in targets)
    number: Cell = (str(len(targets)), "bad" if unwell else "" if targets else "muted")
    cells: tuple[Cell, ...] = (
        (server.name, ""),
        (server.kind, ""),
        (where_of(server, kind), ""),
        (str(server.mapped), "" if server.mapped else "muted"),
        number if kind is None or kind.takes_files else ("-", "muted"),
        last_test_cell(server, now),
    )
    return Row(server.id, cells, test_word(server), server)
