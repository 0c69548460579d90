"""The base of every screen that is one form: fields, what is known about them, sending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kmtui.bindings import bindings
from kmtui.core.errors import InvalidInput, VaultLocked
from kmtui.screens.here import with_keys
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.screens.request_keys import LOCKED
from kmtui.widgets.details import Details
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form


class FormPage(Page):
    """A form in one column and a sheet of facts about it: below, from 100 columns on beside it.

    A subclass gives `fields`, `send` and `WHAT`. Bad input keeps everything that was typed.
    """

    WHAT: ClassVar[str] = "send"
    """Names the act, for the error screen."""
    KEY_LINE: ClassVar[tuple[str, ...]] = ("send", "back", "last_error")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("send", show=False)]
    AUTO_FOCUS = "Form Input, Form Choice"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    DEFAULT_CSS = """
    FormPage #form-body { height: 1fr; layout: vertical; }
    FormPage #about { height: auto; max-height: 9; }
    FormPage.-wide #form-body { layout: horizontal; }
    FormPage.-wide #about { width: 46; height: 1fr; max-height: 100%; padding: 0 0 0 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.form = Form(self.fields())
        self.about = Details(id="about", label_width=10)
        self.made = ""
        """Id of what was made, once it was."""
        self._sending = self._warned = False
        self._sent: str | None = None
        """What there is to say of what was sent while something else lay on the form."""

    def body(self) -> ComposeResult:
        yield self.status_line
        with Container(id="form-body"):
            yield self.form
            yield self.about

    # What a subclass gives

    def fields(self) -> Sequence[FieldSpec]:
        """What is asked for at first."""
        raise NotImplementedError

    async def send(self) -> str:
        """Do it; return what to say of it on the screen before.

        An InvalidInput is shown at its field; any other error is said and kept for ``!``.
        """
        raise NotImplementedError

    # Its own doings

    async def changed(self, message: Changed) -> None:
        """What is being typed is not taken away."""

    def action_send(self) -> None:
        if not self._sending and self.form.complete():
            self._sending = True
            self.say("under way…", "working")
            self.start(self._send(), self.WHAT)

    async def _send(self) -> None:
        try:
            said = await self.send()
        except InvalidInput as error:
            if not self.is_open:
                raise
            self.show_refusal(error)
        except VaultLocked:
            if not self.is_open:
                raise
            self.say(LOCKED, "warn")
        else:
            self._conclude(said)
        finally:
            self._sending = False

    def _conclude(self, said: str) -> None:
        """It was sent: leave; where something lies on the form, once that is gone."""
        if self.is_active:
            self._leave(said)
        elif self.is_open:
            self._sent = said
        else:
            self._left_before(said)

    def on_screen_resume(self) -> None:
        if self._sent is not None and self.is_active:
            said, self._sent = self._sent, None
            self._leave(said)

    def show_refusal(self, error: InvalidInput) -> None:
        """Show bad input at its field."""
        self.say("")
        if error.hint:
            self.form.check([(with_keys(error.hint), "muted")])
        self.form.show_error(error.field, error.message)

    def _leave(self, said: str) -> None:
        """Go on after it was sent: back to the page before, which says so."""
        before = self.app.screen_stack[-2]
        if isinstance(before, Page):
            before.say(said, "good")
        self.dismiss(None)

    def _left_before(self, said: str) -> None:
        """It was sent after the form was left: say so wherever the operator is."""
        self.tell(said, "good")

    @on(Form.Changed)
    def _warn_again(self) -> None:
        if self._warned:
            self._warned = False
            self.say("")

    def leave(self) -> None:
        """Leave; what was typed is lost only after a word. What was sent goes on."""
        if self.form.typed_into and not self._warned and not self._sending:
            self._warned = True
            self.say("what was typed is not kept: esc once more leaves", "warn")
        else:
            super().leave()
