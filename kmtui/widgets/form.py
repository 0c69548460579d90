"""A form in one column, made from field specifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from kmtui.status import Cell
from kmtui.widgets.details import FactSheet
from kmtui.widgets.fields import (
    Check,
    Choice,
    Control,
    FieldSpec,
    Lines,
    Options,
    Value,
    make_control,
    set_value,
    value_of,
)
from kmtui.widgets.fold import HELP, Fold
from kmtui.widgets.line import Line


class FieldRow(Vertical):
    """Label, control, and the error that belongs to them."""

    DEFAULT_CSS = """
    FieldRow { height: auto; }
    FieldRow > Horizontal { height: auto; }
    FieldRow > Horizontal > Line { width: 13; }
    FieldRow > .error { display: none; margin-left: 13; }
    FieldRow.-wrong > .error { display: block; }
    """

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.spec = spec
        self.control: Control = make_control(spec)
        self._error = Line()
        self._error.add_class("error")
        self._wrong: Value = ""
        self._filled_in = value_of(self.control)

    @property
    def asked(self) -> bool:
        """Whether it belongs to the form at present: also while the form is being taken away,
        when Textual calls nothing displayed and what was typed is still read.
        """
        return self.styles.display != "none"

    def compose(self) -> ComposeResult:
        mark: Cell = ("*", "accent") if self.spec.required else ("", "")
        with Horizontal():
            yield Line([(self.spec.label, "muted"), mark])
            yield self.control
        yield self._error

    def show_error(self, text: str) -> None:
        """Show what is wrong with the value; an empty text takes it away."""
        self._wrong = value_of(self.control)
        self._error.show([(text, "bad")])
        self.set_class(bool(text), "-wrong")

    @property
    def changed(self) -> bool:
        """Whether its value is another one than at first."""
        value = value_of(self.control)
        first = self.spec.default == "yes" if isinstance(value, bool) else self.spec.default
        return value != first

    @property
    def typed(self) -> bool:
        """Whether somebody typed a text into it, other than a secret."""
        asks = self.spec.kind in ("text", "lines") and not self.spec.secret
        return asks and value_of(self.control) != self._filled_in

    def fill_in(self, value: Value) -> None:
        """Put a value in that nobody typed."""
        set_value(self.control, value)
        self._filled_in = value_of(self.control)

    def take_over(self, former: FieldRow) -> None:
        """Keep what was typed into, or filled into, the field that was here before."""
        set_value(self.control, value_of(former.control))
        self._filled_in = former._filled_in

    def value_changed(self) -> None:
        """An error belongs to the value it was said about."""
        if value_of(self.control) != self._wrong:
            self.show_error("")


class Form(Vertical):
    """Fields, the help of the field in focus, and a line for a live check.

    Fields that are `folded` come last, behind a line of their own. Enter and tab go to the next
    field; sending is the screen's key (ctrl+s).
    """

    # First of all, so that what is typed ahead over a slow line goes to the next field and not to
    # the one that had the focus when it arrived.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "field before", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Form { height: 1fr; width: 1fr; }
    Form > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    Form.-long-labels FieldRow > Horizontal > Line { width: 22; }
    Form.-long-labels FieldRow > .error { margin-left: 22; }
    Form > FactSheet { height: 1; }
    Form.-long-labels > FactSheet { height: 2; }
    Form .folded { height: auto; display: none; }
    Form.-unfolded .folded { display: block; }
    Form Input, Form TextArea { background: $panel; color: $foreground; width: 1fr; }
    Form Input:ansi, Form TextArea:ansi { text-style: underline; }
    """

    class Changed(Message):
        """A field has another value."""

        def __init__(self, form: Form, name: str, value: Value) -> None:
            super().__init__()
            self.form = form
            self.name = name
            self.value = value

    def __init__(self, fields: Sequence[FieldSpec], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = {spec.name: FieldRow(spec) for spec in fields}
        self._fold = Fold()
        self._help = FactSheet(0)
        self._check = Line()

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield from self._sections()
        yield self._help
        yield self._check

    def _sections(self) -> list[Widget]:
        """The rows, those that few need behind a line of their own."""
        folded = [row for row in self._rows.values() if row.spec.folded]
        shown = [row for row in self._rows.values() if not row.spec.folded]
        if not folded:
            return [*shown]
        return [*shown, self._fold, Vertical(*folded, classes="folded")]

    # What the screen asks

    @property
    def values(self) -> dict[str, Value]:
        """What was typed or chosen, by field name; texts without surrounding space."""
        return {
            name: value.strip() if isinstance(value := value_of(row.control), str) else value
            for name, row in self._rows.items()
            if row.asked
        }

    def text(self, name: str) -> str:
        """The value of one field as text."""
        value = value_of(self._rows[name].control)
        return value.strip() if isinstance(value, str) else ("yes" if value else "")

    def typed(self, name: str) -> str:
        """The text of one field with the space around it: for passphrases."""
        return str(value_of(self._rows[name].control))

    @property
    def typed_into(self) -> bool:
        """Whether a text was typed that would be lost with the form."""
        return any(row.typed for row in self._rows.values() if row.asked)

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Put values into the fields of these names."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].fill_in(value)

    def set_options(self, name: str, options: Options, value: str = "") -> None:
        """Offer other choices in a `choice` field."""
        control = self._rows[name].control
        assert isinstance(control, Choice)
        control.set_options(options, value)

    def show_field(self, name: str, shown: bool = True) -> None:
        """Show or hide a field; a hidden one has no value."""
        self._rows[name].display = shown
        self._tell_fold()

    async def set_fields(self, fields: Iterable[FieldSpec]) -> None:
        """Ask for other things; fields that stay keep what was typed."""
        kept = {name: row for name, row in self._rows.items() if row.changed}
        focused = next((name for name, row in self._rows.items() if row.has_focus_within), "")
        self._rows = {spec.name: FieldRow(spec) for spec in fields}
        scroll = self.query_one(VerticalScroll)
        await scroll.remove_children()
        opened, self._fold = self._fold.opened, Fold()
        self._fold.opened = opened
        await scroll.mount_all(self._sections())
        for name, row in kept.items():
            if name in self._rows:
                self._rows[name].take_over(row)
        self._tell_fold()
        if focused:
            self.focus_field(focused)

    def focus_field(self, name: str = "") -> None:
        """Put the focus into this field, or the first one."""
        row = self._rows.get(name) or next(iter(self._rows.values()))
        if row.spec.folded and not self._fold.opened:
            self._fold.opened = True
            self._turn_fold()
            # What was hidden until now takes no focus, and has no place, before the next refresh.
            self.call_after_refresh(self._focus_row, row)
        else:
            self._focus_row(row)

    def show_error(self, name: str, text: str) -> None:
        """Show what is wrong with a field; for an unknown name the check line says it."""
        if name in self._rows:
            self._rows[name].show_error(text)
            self.focus_field(name)
        else:
            self.check([(text, "bad")])

    def clear_errors(self) -> None:
        """Take all errors away."""
        for row in self._rows.values():
            row.show_error("")
        self.check(())

    def complete(self) -> bool:
        """Whether every required field has a value; says it at those that have none."""
        self.clear_errors()
        values = self.values
        missing = [
            name
            for name, row in self._rows.items()
            if row.spec.required and row.asked and not values[name]
        ]
        for name in reversed(missing):
            self.show_error(name, "is needed")
        return not missing

    def check(self, cells: Sequence[Cell]) -> None:
        """Show the outcome of a live check: ``3 names, DNS ok for 2``."""
        self._check.show(cells)

    # Its own doings

    def _focus_row(self, row: FieldRow) -> None:
        row.control.focus()
        # With its error, which may be a line that was not there before.
        self.call_after_refresh(row.scroll_visible, animate=False)

    def on_mount(self) -> None:
        self._tell_fold()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the help of the field that has the focus."""
        row = self._row_of(event.widget)
        help = row.spec.help if row else HELP if event.widget is self._fold else ""
        self._help.show([("", (help, "muted"))])

    def on_fold_turned(self, event: Fold.Turned) -> None:
        event.stop()
        self._turn_fold()

    def _turn_fold(self) -> None:
        self._fold.refresh()
        self.set_class(self._fold.opened, "-unfolded")

    def _tell_fold(self) -> None:
        """What stands behind it; of a secret only that it is there."""
        folded = [row for row in self._rows.values() if row.spec.folded and row.asked]
        self._fold.display = bool(folded)
        self._fold.tell(
            changed=[_in_short(row) for row in folded if row.changed],
            usual=[row.spec.label for row in folded if not row.changed],
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._changed(event.input)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if isinstance(event.text_area, Lines):
            self._changed(event.text_area)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self._changed(event.choice)

    def on_check_changed(self, event: Check.Changed) -> None:
        event.stop()
        self._changed(event.check)

    def _changed(self, control: Control) -> None:
        if (row := self._row_of(control)) is not None:
            row.value_changed()
            if row.spec.folded:
                self._tell_fold()
            self.post_message(self.Changed(self, row.spec.name, value_of(control)))

    def _row_of(self, widget: Widget) -> FieldRow | None:
        return next((row for row in self._rows.values() if row.control is widget), None)


def _in_short(row: FieldRow) -> str:
    """Label and value of a field; the label alone of a secret, or of what is ticked."""
    value = value_of(row.control)
    return row.spec.label if row.spec.secret or value is True else f"{row.spec.label} {value}"
