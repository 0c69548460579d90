"""Questions before what destroys: a panel with y and n, or one where the name must be typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from kmtui.bindings import bindings
from kmtui.text import one_line, width_of
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.fields import FieldSpec, Value
from kmtui.widgets.form import Form
from kmtui.widgets.line import Line

Answers = Mapping[str, Value]
"""What was chosen in the panel's own fields, e.g. the reason of a revocation."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was answered before, and what was wrong with it."""

    answers: Answers
    field: str
    why: str


LONG = 56
"""Cells from which on what is to be typed is cut in the title and in its field."""
TYPED = "typed"
"""Field name of the text that must match."""


class _Panel(Vertical):
    """The framed box in the middle."""

    DEFAULT_CSS = """
    _Panel { width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
             border: solid $border; background: $background; }
    _Panel Details { height: auto; max-height: 12; }
    _Panel Form { height: auto; }
    _Panel Form > VerticalScroll { height: auto; }
    """


class Confirm(ModalScreen[bool]):
    """States what will happen; y does it, anything else leaves it. Dismisses with the answer.

    `title` is the act and its object in few words: ``DELETE shop.example.org``.
    """

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm _Panel Details { max-height: 18; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("yes", "no", "back", show=False)]

    def __init__(
        self,
        title: str,
        said: str | Sequence[Fact],
        verb: str = "do it",
        *,
        otherwise: str = "keep it",
    ) -> None:
        """`said`: a text, or facts; object, consequence, whether it can be undone."""
        super().__init__()
        self._title = title
        self._facts: Sequence[Fact] = [("", said)] if isinstance(said, str) else said
        self._verb = verb
        self._otherwise = otherwise
        self._details = Details()

    def compose(self) -> ComposeResult:
        with _Panel():
            yield Line([(self._title, "strong")])
            yield self._details
            ways = [("y", "key"), (f" {self._verb}   ", ""), ("n esc", "key")]
            yield Line([*ways, (f" {self._otherwise}", "")])

    def on_mount(self) -> None:
        self._details.show(self._facts)

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)

    def action_back(self) -> None:
        self.dismiss(False)


class StrongConfirm(ModalScreen[Answers | None]):
    """Enter is dead until the expected text is typed: the name of one, the number of many.

    Dismisses with the answers of `fields`, or None when it was left.
    """

    DEFAULT_CSS = "StrongConfirm { align: center middle; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("back", show=False),
        Binding("enter", "go_on", "go on", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        said: str | Sequence[Fact],
        *,
        expected: str,
        verb: str,
        fields: Sequence[FieldSpec] = (),
        noun: str = "",
        otherwise: str = "keep it",
        missing: Callable[[Answers], str] = lambda answers: "",
        follows: Callable[[Answers], str] = lambda answers: "",
        refused: Refusal | None = None,
    ) -> None:
        """`noun` is what is typed; by itself the name, or the number. `missing` says what else the
        answers lack before it can go on, `follows` what follows from them. `refused`: it was asked
        before, and the text was typed."""
        super().__init__()
        self._title = title
        self._facts: Sequence[Fact] = [("", said)] if isinstance(said, str) else said
        self._expected = one_line(expected)
        if width_of(self._expected) > LONG:
            self._facts = [("", (self._expected, "strong")), *self._facts]
        self._verb = verb
        self._otherwise = otherwise
        self._missing = missing
        self._follows = follows
        self._refused = refused
        noun = noun or ("number" if expected.isdigit() else "name")
        typed = FieldSpec(name=TYPED, label=f"Type {noun}", placeholder=self._expected)
        self._details = Details()
        self._form = Form([*fields, typed])
        self._ways = Line()

    def compose(self) -> ComposeResult:
        with _Panel():
            yield Line([(self._title, "strong")])
            yield self._details
            yield self._form
            yield self._ways

    def on_mount(self) -> None:
        self._details.show(self._facts)
        self._form.focus_field(TYPED)
        if (refused := self._refused) is not None:
            self._form.set_values({**refused.answers, TYPED: self._expected})
            self._form.show_error(refused.field, refused.why)
        self._show_ways()

    @property
    def armed(self) -> bool:
        """Whether what was typed matches, and nothing is missing."""
        return not self._off

    @property
    def _off(self) -> str:
        """Why it cannot go on."""
        if self._form.text(TYPED) != self._expected:
            return "off until it matches"
        return self._missing(self._answers)

    @property
    def _answers(self) -> dict[str, Value]:
        return {name: value for name, value in self._form.values.items() if name != TYPED}

    def on_form_changed(self) -> None:
        self._show_ways()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_go_on()

    def action_go_on(self) -> None:
        """Go on, once the text matches."""
        if self.armed:
            self.dismiss(self._answers)
        else:
            self._show_ways()

    def action_back(self) -> None:
        self.dismiss(None)

    def _show_ways(self) -> None:
        go_on = [("⏎", "key"), (f" {self._verb}", "")]
        off = [(f"⏎ {self._verb} ({self._off})", "off")]
        leave = [("esc", "key"), (f" {self._otherwise}    ", "")]
        self._form.check([(self._follows(self._answers), "warn")])
        self._ways.show([*leave, *(go_on if self.armed else off)])
