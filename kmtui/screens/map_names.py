"""The names that lead to one DNS account or end server, and the form that maps more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import Mapping
from kmtui.screens.formpage import FormPage
from kmtui.screens.setuplist import SetupList
from kmtui.screens.tasks import Work
from kmtui.status import Cell, date
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.rows import Column, Row


class Target(NamedTuple):
    """Where names are mapped to."""

    kind: str
    """``dns`` or ``server``."""
    id: str
    name: str

    @property
    def crumbs(self) -> tuple[str, str]:
        """The trail to it."""
        return ("DNS" if self.kind == "dns" else "Servers", self.name)


class MapNamesScreen(SetupList):
    """Which names a DNS account or an end server serves. The longest match wins."""

    NOUN = ("mapping", "mappings")
    EMPTY = "No names lead here yet. n maps a name, or all names below one."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAMES", 28, 60, flex=2, sort="pattern", middle=True),
        Column("CHALLENGE", 9),
        Column("ALIAS / WEB ROOT", 18, 60, flex=1, drop=1),
        Column("SINCE", 10, sort="since", drop=2),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "filter", "new", "delete", "copy", "back")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("delete", show=False)]

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self.title_line.show_crumbs(*target.crumbs, "Names")

    async def rows(self) -> list[Row]:
        service = self.core.dns_accounts if self._target.kind == "dns" else self.core.end_servers
        return [_row(mapping) for mapping in await service.used_by(self._target.id)]

    def new_form(self) -> FormPage:
        return NewMappingScreen(self._target)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        mapping: Mapping = row.data
        said = (
            f"{mapping.pattern} leads to {self._target.name} no more.\n"
            "Renewals of these names need another mapping."
        )
        return mapping.pattern, said, lambda: self.core.mappings.delete(mapping.id)


class NewMappingScreen(FormPage):
    """Maps a pattern to the target (dns-01 for a DNS account, http-01 for an end server)."""

    WHAT = "map names"

    def __init__(self, target: Target) -> None:
        self._target = target
        super().__init__()
        self.title_line.show_crumbs(*target.crumbs, "Map names")

    def fields(self) -> Sequence[FieldSpec]:
        pattern = FieldSpec(
            name="pattern",
            label="Names",
            required=True,
            help="example.org (that name), *.example.org (all below), .example.org (both).",
        )
        alias = FieldSpec(
            name="alias", label="Alias", help="Where the CNAME of _acme-challenge leads, if it does"
        )
        webroot = FieldSpec(
            name="webroot", label="Web root", help="Of these names; empty: the end server's own"
        )
        return [pattern, alias if self._target.kind == "dns" else webroot]

    async def send(self) -> str:
        values = {name: str(value) or None for name, value in self.form.values.items()}
        mapping = await self.core.mappings.add(
            values["pattern"] or "",
            dns=self._target.id if self._target.kind == "dns" else None,
            server=self._target.id if self._target.kind == "server" else None,
            alias=values.get("alias"),
            webroot=values.get("webroot"),
        )
        self.made = mapping.id
        return f"{mapping.pattern} leads to {self._target.name}"


def _row(mapping: Mapping) -> Row:
    cells: tuple[Cell, ...] = (
        (mapping.pattern, ""),
        (mapping.challenge_type, ""),
        (mapping.alias or mapping.webroot or "", ""),
        (date(mapping.created_at), "muted"),
    )
    return Row(mapping.id, cells, "", mapping)
