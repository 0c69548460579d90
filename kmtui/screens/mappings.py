"""Which names lead where: the mappings, the names without one, and the form that maps more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.model import Mapping
from kmtui.screens.formpage import FormPage
from kmtui.screens.setuplist import SetupList
from kmtui.screens.tasks import Work
from kmtui.status import Cell, date, when
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec, Options
from kmtui.widgets.form import Form
from kmtui.widgets.rows import Column, Row

LISTED = 20
"""Names of a mapping that its pane lists."""
UNMAPPED = "unmapped"
"""The word of names without a mapping, and the filter that shows just those."""


class Place(NamedTuple):
    """Where names are mapped to."""

    kind: str
    """``dns`` or ``server``."""
    id: str
    name: str

    @property
    def crumbs(self) -> tuple[str, str]:
        """The trail to it."""
        return ("DNS" if self.kind == "dns" else "Servers", self.name)


class MappingsScreen(SetupList):
    """Which names a DNS account or end server serves, or all of them. The longest match wins."""

    NOUN = ("mapping", "mappings")
    EMPTY = "No names lead here yet. n maps a name, or all names below one."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAMES", 24, 60, flex=2, sort="pattern", middle=True),
        Column("LEADS TO", 12, 24, flex=1, sort="to"),
        Column("CHALLENGE", 9, drop=1),
        Column("ALIAS / WEB ROOT", 14, 60, flex=1, drop=2),
        Column("SERVES", 6, align="right", sort="serves"),
        Column("SINCE", 10, sort="since", drop=3),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "filter", "new", "delete", "copy", "back")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("delete", show=False)]

    def __init__(self, place: Place | None = None) -> None:
        """Those of one place only, or all of them."""
        super().__init__()
        self._place = place
        self.title_line.show_crumbs(*(place.crumbs if place else ()), "Names")
        if place is None:
            self.table.empty = "No names are mapped yet. n maps a name, or all names below one."

    async def rows(self) -> list[Row]:
        coverage = await self.core.mappings.coverage()
        place = self._place
        rows = [
            _row(mapping, coverage.served.get(mapping.id, ()))
            for mapping in await self.core.mappings.all()
            if place is None or place.id in (mapping.dns_account_id, mapping.server_id)
        ]
        return rows if place else [*map(_unmapped_row, coverage.unmapped), *rows]

    async def counts(self) -> Sequence[Cell]:
        rows = await self.rows()
        unmapped = sum(row.data is None for row in rows)
        many = len(rows) - unmapped
        counts: list[Cell] = [(f"{many} {self.NOUN[0] if many == 1 else self.NOUN[1]}", "")]
        return [*counts, (f"{unmapped} {UNMAPPED}", "warn")] if unmapped else counts

    def facts(self, row: Row) -> Sequence[Fact]:
        mapping: Mapping | None = row.data[0] if row.data else None
        if mapping is None:
            return [
                ("Name", (row.key, "strong")),
                ("", "No mapping covers it: a request for it has to choose"),
                ("", "a DNS account or an end server. n maps it."),
            ]
        served: Sequence[str] = row.data[1]
        more = [f"and {len(served) - LISTED} more"] if len(served) > LISTED else []
        names = "\n".join([*served[:LISTED], *more]) or "no certificate has a name here"
        return [
            ("Names", (mapping.pattern, "strong")),
            ("Leads to", mapping.dns_account or mapping.server or ""),
            ("Challenge", mapping.challenge_type),
            *([("Alias", mapping.alias)] if mapping.alias else []),
            *([("Web root", mapping.webroot)] if mapping.webroot else []),
            ("Since", when(mapping.created_at)),
            ("Serves", names),
        ]

    def against(self, key: str, row: Row) -> str:
        if key == "delete" and row.data is None:
            return f"{KEYS[key].word}: {row.key} has no mapping"
        return ""

    def new_form(self) -> FormPage:
        row = self.table.row
        pattern = row.key if row is not None and row.data is None else ""
        return NewMappingScreen(self._place, pattern)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        mapping: Mapping = row.data[0]
        said = (
            f"{mapping.pattern} leads to {mapping.dns_account or mapping.server} no more.\n"
            "Renewals of these names need another mapping."
        )
        return mapping.pattern, said, lambda: self.core.mappings.delete(mapping.id)


class NewMappingScreen(FormPage):
    """Maps a pattern to a place (dns-01 for a DNS account, http-01 for an end server)."""

    WHAT = "map names"

    def __init__(self, place: Place | None = None, pattern: str = "") -> None:
        """To `place`, or to whatever is chosen; `pattern` is filled in."""
        self._place = place
        self._pattern = pattern
        self._kinds: dict[str, str] = {}
        super().__init__()
        self.title_line.show_crumbs(*(place.crumbs if place else ("Names",)), "Map names")

    def fields(self) -> Sequence[FieldSpec]:
        pattern = FieldSpec(
            name="pattern",
            label="Names",
            required=True,
            default=self._pattern,
            help="example.org (that name), *.example.org (all below), .example.org (both).",
        )
        place = FieldSpec(
            name="place",
            label="Lead to",
            kind="choice",
            required=True,
            help="A DNS account proves them by dns-01, an end server by http-01.",
        )
        alias = FieldSpec(
            name="alias",
            label="Alias",
            help="Where the CNAME of _acme-challenge leads; empty: followed; never: not followed.",
        )
        webroot = FieldSpec(
            name="webroot", label="Web root", help="Of these names; empty: the end server's own."
        )
        if self._place is None:
            return [pattern, place, alias, webroot]
        return [pattern, alias if self._place.kind == "dns" else webroot]

    async def ready(self) -> None:
        if self._place is not None or self._kinds:
            return
        options: Options = ()
        for kind, service in (("dns", self.core.dns_accounts), ("server", self.core.end_servers)):
            for each in await service.all():
                self._kinds[each.id] = kind
                options += ((each.id, f"{each.name} ({_BY[kind]})"),)
        self.form.set_options("place", options)
        if not options:
            self.say("there is no DNS account and no end server yet: 4 n or 5 n adds one", "warn")
        self._show_fields()

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "place":
            self._show_fields()

    def _show_fields(self) -> None:
        kind = self._kinds.get(self.form.text("place"), "dns")
        self.form.show_field("alias", kind == "dns")
        self.form.show_field("webroot", kind == "server")

    async def send(self) -> str:
        values = {name: str(value) or None for name, value in self.form.values.items()}
        if self._place is not None:
            kind, id = self._place.kind, self._place.id
        else:
            id = values["place"] or ""
            kind = self._kinds[id]
        mapping = await self.core.mappings.add(
            values["pattern"] or "",
            dns=id if kind == "dns" else None,
            server=id if kind == "server" else None,
            alias=values.get("alias"),
            webroot=values.get("webroot"),
        )
        self.made = mapping.id
        return f"{mapping.pattern} leads to {mapping.dns_account or mapping.server}"


_BY = {"dns": "dns-01", "server": "http-01"}


def _row(mapping: Mapping, served: Sequence[str]) -> Row:
    cells: tuple[Cell, ...] = (
        (mapping.pattern, ""),
        (mapping.dns_account or mapping.server or "", ""),
        (mapping.challenge_type, ""),
        (mapping.alias or mapping.webroot or "", ""),
        (str(len(served)), "" if served else "muted"),
        (date(mapping.created_at), "muted"),
    )
    return Row(mapping.id, cells, "", (mapping, served))


def _unmapped_row(name: str) -> Row:
    cells: tuple[Cell, ...] = ((name, ""), (UNMAPPED, "warn"), *(("", ""),) * 4)
    return Row(name, cells, "warn", None)
