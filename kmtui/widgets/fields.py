"""One field of a form: what it asks for, and the control that takes the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from kmtui.model import Field
from kmtui.text import one_line
from kmtui.widgets.line import assemble, clip
from kmtui.widgets.secretinput import SecretInput

Value = str | bool
Options = tuple[str | tuple[str, str], ...]
"""Choices: plain values, or pairs of (value, what is shown)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """What one field of a form asks for."""

    name: str
    label: str
    kind: str = "text"
    """`text`, `lines`, `choice` or `check`."""
    required: bool = False
    secret: bool = False
    """Typed without echo."""
    default: str = ""
    """First value; ``yes`` ticks a `check`."""
    help: str = ""
    """One sentence, shown while the field has the focus."""
    choices: Options = ()
    placeholder: str = ""
    lines: int = 4
    """Height of a `lines` field."""
    file: bool = False
    """The path of a file will do: a secret one is echoed as long as it can be a path."""
    folded: bool = False
    """Behind the line that stands for what few need."""

    @classmethod
    def of(cls, field: Field, *, stored: bool = False) -> FieldSpec:
        """The form field of a provider's or server's setting; `stored`: a secret is kept."""
        kept = (
            "stored; empty keeps it"
            if field.required
            else f"stored; empty keeps it, {NONE} takes it away"
        )
        return cls(
            name=field.name,
            label=field.label,
            kind=_kind_of(field),
            required=field.required and not stored,
            secret=field.secret,
            default=field.default,
            help=field.help,
            choices=field.choices if field.required or field.default else ("", *field.choices),
            placeholder=kept if stored else "",
            lines=2,
            file=field.file,
            folded=field.rare,
        )


def _kind_of(field: Field) -> str:
    if field.choices:
        return "choice"
    return "lines" if field.file and not field.secret else "text"


NONE = "-"
"""Typed alone in place of a stored secret, it takes the secret away."""


class Choice(Widget, can_focus=True):
    """``< superseded >``: left, right or space change it; a letter jumps to what begins with it."""

    DEFAULT_CSS = "Choice { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", "next", show=False),
        Binding("left", "turn(-1)", "previous", show=False),
    ]

    class Changed(Message):
        """Another choice was made."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, options: Options, value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._options: list[tuple[str, str]] = []
        self._at = 0
        self.set_options(options, value)

    def set_options(self, options: Options, value: str = "") -> None:
        """Offer other choices; keeps the present one if it is among them."""
        value = value or (self.value if self._options else "")
        self._options = [
            (option, option) if isinstance(option, str) else option for option in options
        ]
        values = [option for option, _ in self._options]
        self._at = values.index(value) if value in values else 0
        self.refresh()

    @property
    def value(self) -> str:
        """The value chosen, empty when there is nothing to choose."""
        return self._options[self._at][0] if self._options else ""

    @value.setter
    def value(self, value: str) -> None:
        self.set_options(tuple(self._options), value)

    def action_turn(self, step: int) -> None:
        if self._options:
            self._go((self._at + step) % len(self._options))

    def on_key(self, event: events.Key) -> None:
        """A letter or digit jumps to the next choice that begins with it."""
        if event.character is None or not event.character.isalnum():
            return
        wanted = event.character.lower()
        for step in range(1, len(self._options) + 1):
            at = (self._at + step) % len(self._options)
            if self._options[at][1].lower().startswith(wanted):
                self._go(at)
                break
        event.stop()

    def on_click(self) -> None:
        self.action_turn(1)

    def _go(self, at: int) -> None:
        if at != self._at:
            self._at = at
            self.refresh()
            self.post_message(self.Changed(self))

    def render(self) -> Content:
        if not self._options:
            return assemble(self.app.current_theme.name, [("nothing to choose from", "muted")])
        shown = one_line(self._options[self._at][1]) or "-"
        place = f"  {self._at + 1} of {len(self._options)}" if len(self._options) > 1 else ""
        active = "active" if self.has_focus else ""
        cells = [("< ", "muted"), (shown, active), (" >", "muted"), (place, "muted")]
        return assemble(self.app.current_theme.name, clip(cells, self.size.width))


class Check(Widget, can_focus=True):
    """``[x]``: space or enter turn it on and off."""

    DEFAULT_CSS = "Check { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "turn", "turn", show=False)]

    class Changed(Message):
        """It was turned on or off."""

        def __init__(self, check: Check) -> None:
            super().__init__()
            self.check = check

    def __init__(self, value: bool = False, words: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._value = value
        self._words = words

    @property
    def value(self) -> bool:
        """Whether it is on."""
        return self._value

    @value.setter
    def value(self, value: bool) -> None:
        if value != self._value:
            self._value = value
            self.refresh()
            self.post_message(self.Changed(self))

    def action_turn(self) -> None:
        self.value = not self.value

    def on_click(self) -> None:
        self.action_turn()

    def render(self) -> Content:
        mark = "[x]" if self._value else "[ ]"
        cells = [(mark, "active" if self.has_focus else ""), (f" {one_line(self._words)}", "muted")]
        return assemble(self.app.current_theme.name, clip(cells, self.size.width))


class Lines(TextArea):
    """Several lines of text; what was pasted is drawn filtered, and kept as it is."""

    def get_line(self, line_index: int) -> Text:
        """One line for drawing, as long as the line itself."""
        line = self.document.get_line(line_index)
        return Text(one_line(line, limit=len(line)), end="", no_wrap=True)


Control = Input | Lines | Choice | Check


def make_control(spec: FieldSpec) -> Control:
    """The control for a field; none of them blinks, has a border or reads markup."""
    if spec.kind == "choice":
        return Choice(spec.choices, spec.default)
    if spec.kind == "check":
        return Check(spec.default == "yes", spec.placeholder)
    if spec.kind == "lines":
        area = Lines(
            spec.default, compact=True, theme="css", show_line_numbers=False, tab_behavior="focus"
        )
        area.cursor_blink = False
        area.styles.height = spec.lines
        return area
    if spec.secret:
        return SecretInput(one_line(spec.placeholder), file=spec.file)
    field = Input(
        one_line(spec.default),
        placeholder=one_line(spec.placeholder),
        compact=True,
        select_on_focus=False,
    )
    field.cursor_blink = False
    return field


def value_of(control: Control) -> Value:
    """What was typed or chosen."""
    return control.text if isinstance(control, Lines) else control.value


def set_value(control: Control, value: Value) -> None:
    """Put a value in."""
    if isinstance(control, Lines):
        control.text = str(value)
    elif isinstance(control, Check):
        control.value = value is True or value == "yes"
    elif isinstance(control, Choice | SecretInput):
        control.value = str(value)
    else:
        control.value = one_line(str(value))
