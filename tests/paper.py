"""The App over a core made of paper: for tests of what is common to all screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.pilot import Pilot
from textual.screen import Screen

from kmtui.app import KmtuiApp
from kmtui.bindings import MODES, bindings
from kmtui.config import Options
from kmtui.core.errors import Refused
from kmtui.core.events import Bus
from kmtui.screens.listpage import ListPage
from kmtui.screens.messages import Changed
from kmtui.status import Cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, ListSource, Row, RowSource
from tests.terminal import settled

HOSTILE = "x\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]y[/] \u202e\x9b2J"


class PaperCore:
    """What the App needs of a core, and switches for a test to turn."""

    def __init__(self, mode: str = "RW") -> None:
        self.bus = Bus()
        self.access = SimpleNamespace(mode=mode)
        self.jobs = SimpleNamespace(running=())
        self.filters = SimpleNamespace(check=self.check)
        self.recovery = SimpleNamespace(left_behind=self.left_behind)
        self.sandbox = False
        self.version = 1
        self.closed = False
        self.rows = [
            Row(f"k{number}", ((f"n{number}.example.org", ""), ("valid", "good")), "valid")
            for number in range(214)
        ]

    async def data_version(self) -> int:
        return self.version

    async def check(self, of: str, text: str) -> None:
        """Any filter says something."""

    async def left_behind(self) -> list[Any]:
        return []

    async def close(self) -> None:
        self.closed = True


class ListScreen(ListPage):
    """A list as screens write it."""

    MODE = "certificates"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 12, flex=1, middle=True, sort="name"),
        Column("STATUS", 9, sort="status"),
    )
    EMPTY = "No certificates yet.\n\nn   request one"
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "open", "renew", "revoke", "filter", "leave")
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("new", "renew", "save", "revoke", "delete", "deploy")
    ]

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Changed] = []
        self.renewed: list[str] = []

    def source(self) -> RowSource:
        rows: list[Row] = self.core.rows  # type: ignore[attr-defined]
        found = [row for row in rows if self.filter_text in row.cells[0][0]]
        return ListSource(sorted(found, key=lambda row: row.key, reverse=self.descending))

    async def counts(self) -> Sequence[Cell]:
        return [(f"{len(self.core.rows)} names", "")]  # type: ignore[attr-defined]

    def facts(self, row: Row) -> Sequence[Fact]:
        return [("name", row.cells[0])]

    async def changed(self, message: Changed) -> None:
        self.heard.append(message)
        await super().changed(message)

    def impossible(self, key: str) -> str:
        return "revoke: already revoked" if key == "revoke" else ""

    def action_renew(self) -> None:
        self.renewed += self.table.chosen

    def action_revoke(self) -> None:
        raise AssertionError("a grey key ran")

    def action_deploy(self) -> None:
        async def refuse() -> None:
            raise Refused(f"no target {HOSTILE}", hint="add one first")

        self.start(refuse(), "deploy")


class OtherScreen(ListScreen):
    MODE = "requests"


class PaperApp(KmtuiApp):
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = dict.fromkeys(MODES, OtherScreen)
    MODES["certificates"] = ListScreen


Opened = tuple[PaperApp, Pilot[None], Any]


@asynccontextmanager
async def opened(
    core: Any = None, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[Opened]:
    async def load() -> Any:
        await asyncio.sleep(0)
        if isinstance(core, Exception):
            raise core
        return core or PaperCore()

    options.setdefault("theme", "dark")
    chosen = Options(data=Path("unused"), actor="ops@host1", **options)
    app = PaperApp(chosen, load)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot, app.screen
    await app.close_core()
