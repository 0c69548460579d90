"""The base of forms that are generated from the fields a provider or a kind declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from kmtui.model import Field
from kmtui.screens.formpage import FormPage
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

NAME = FieldSpec(
    name="name", label="Name", required=True, help="How it is called here; any word you like."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One thing that can be chosen, and what it asks for."""

    name: str
    title: str
    fields: tuple[Field, ...]
    facts: tuple[Fact, ...] = ()
    """What to know before filling it in."""


class SettingsForm(FormPage):
    """Name, kind, and the fields of that kind. Choosing another kind keeps what both ask for."""

    KIND_LABEL: ClassVar[str] = "Kind"

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[str, Kind] = {}
        self.form.add_class("-long-labels")

    # What a subclass gives

    def kinds(self) -> Sequence[Kind]:
        """What can be chosen."""
        raise NotImplementedError

    async def add(
        self, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        """Make it; return what to say. Raises InvalidInput naming the field."""
        raise NotImplementedError

    # The form

    def fields(self) -> Sequence[FieldSpec]:
        return [NAME]

    async def ready(self) -> None:
        self._kinds = {kind.name: kind for kind in self.kinds()}
        await self._show_kind(next(iter(self._kinds)))
        self.form.focus_field(NAME.name)

    async def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "kind":
            await self._show_kind(str(event.value))

    async def _show_kind(self, chosen: str) -> None:
        kind = self._kinds[chosen]
        options = tuple((each.name, each.title) for each in self._kinds.values())
        choice = FieldSpec(
            name="kind", label=self.KIND_LABEL, kind="choice", choices=options, default=chosen
        )
        await self.form.set_fields([NAME, choice, *(FieldSpec.of(field) for field in kind.fields)])
        self.about.show(kind.facts)

    async def send(self) -> str:
        values = {name: str(value) for name, value in self.form.values.items()}
        name, kind = values.pop("name"), self._kinds[values.pop("kind")]
        hidden = {field.name for field in kind.fields if field.secret}
        given = {field: value for field, value in values.items() if value}
        return await self.add(
            name,
            kind.name,
            {field: value for field, value in given.items() if field not in hidden},
            {field: value for field, value in given.items() if field in hidden},
        )
