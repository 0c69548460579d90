"""The base of forms that are generated from the fields a provider or a kind declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from kmtui.model import Field
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.formpage import FormPage
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import NONE, FieldSpec
from kmtui.widgets.form import Form

NAME = FieldSpec(
    name="name", label="Name", required=True, help="How it is called here; any word you like."
)
UNCHANGED = "nothing was changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One thing that can be chosen, and what it asks for."""

    name: str
    title: str
    fields: tuple[Field, ...]
    facts: tuple[Fact, ...] = ()
    """What to know before filling it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is set up already and is to be changed."""

    id: str
    name: str
    kind: str
    settings: Mapping[str, str]
    secret_names: Collection[str] = field(default=())
    """Of its secrets only which there are."""


class SettingsForm(FormPage):
    """Name, kind, and the fields of that kind; of something stored the fields alone.

    Choosing another kind keeps what was typed and both ask for. What few need is folded away.
    """

    ROOT: ClassVar[str] = ""
    """First crumb of the trail."""
    NOUN: ClassVar[str] = ""
    KIND_LABEL: ClassVar[str] = "Kind"
    DEFAULT_CSS = """
    SettingsForm.-narrow #about { max-height: 6; }
    """

    def __init__(self, stored: Stored | None = None) -> None:
        """A new one, or changes of `stored`."""
        self.stored = stored
        super().__init__()
        self._kinds: dict[str, Kind] = {}
        self.form.add_class("-long-labels")
        trail = (stored.name, "Edit") if stored else (f"New {self.NOUN}",)
        self.title_line.show_crumbs(self.ROOT, *trail)

    # What a subclass gives

    def kinds(self) -> Sequence[Kind]:
        """What can be chosen."""
        raise NotImplementedError

    async def add(
        self, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        """Make it; return what to say. Raises InvalidInput naming the field."""
        raise NotImplementedError

    async def change(
        self, stored: Stored, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        """Change what is given, an empty value takes it away; return what to say.

        Raises InvalidInput naming the field.
        """
        raise NotImplementedError

    # The form

    def fields(self) -> Sequence[FieldSpec]:
        return [] if self.stored else [NAME]

    @property
    def kind(self) -> Kind:
        """The kind that is chosen."""
        return self._kinds[self.stored.kind if self.stored else self.form.text("kind")]

    async def ready(self) -> None:
        if self._kinds:
            return
        self._kinds = {kind.name: kind for kind in self.kinds()}
        if self.stored is not None:
            await self._show_stored(self.stored)
            return
        await self._show_kind(next(iter(self._kinds)))
        self.form.focus_field(NAME.name)

    async def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "kind":
            await self._show_kind(str(event.value))

    async def _show_kind(self, chosen: str) -> None:
        kind = self._kinds[chosen]
        options = tuple((each.name, each.title) for each in self._kinds.values())
        choice = FieldSpec(
            name="kind",
            label=self.KIND_LABEL,
            kind="choice",
            help="Left and right change it, a letter jumps.",
            choices=options,
            default=chosen,
        )
        await self.form.set_fields([NAME, choice, *(FieldSpec.of(field) for field in kind.fields)])
        self.about.show(kind.facts)

    async def _show_stored(self, stored: Stored) -> None:
        """The fields as they are set; of secrets that there is one."""
        kind = self._kinds[stored.kind]
        await self.form.set_fields(
            [
                FieldSpec.of(each, stored=each.secret and each.name in stored.secret_names)
                for each in kind.fields
            ]
        )
        self.form.set_values(stored.settings)
        self.form.focus_field()
        self.about.show(kind.facts)

    async def send(self) -> str:
        values = {name: str(value) for name, value in self.form.values.items()}
        hidden = {each.name for each in self.kind.fields if each.secret}
        if self.stored is None:
            name, kind = values.pop("name"), values.pop("kind")
            given = {field: value for field, value in values.items() if value}
            return await self.add(
                name,
                kind,
                {field: value for field, value in given.items() if field not in hidden},
                {field: value for field, value in given.items() if field in hidden},
            )
        settings = {
            each.name: values[each.name]
            for each in self.kind.fields
            if not each.secret
            and values[each.name] != (self.stored.settings.get(each.name) or each.default)
        }
        secrets = {
            name: "" if values[name] == NONE and name in self.stored.secret_names else values[name]
            for name in hidden
            if values[name]
        }
        if not settings and not secrets:
            return UNCHANGED
        return await self.change(self.stored, settings, secrets)


def notes_facts(notes: Sequence[str]) -> list[Fact]:
    """What to know before filling a form in, a dash before each note."""
    return [("Notes" if at == 0 else CONTINUED, f"- {note}") for at, note in enumerate(notes)]
