"""The base of every full screen: title above, job strip and keys below, one way to say things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import Screen

from kmtui.bindings import KEYS, PAGE, bindings
from kmtui.core.errors import KmtuiError
from kmtui.screens.messages import Changed, CoreOpened
from kmtui.screens.tasks import Work
from kmtui.widgets.jobstrip import JobStrip
from kmtui.widgets.keybar import KeyBar
from kmtui.widgets.question import Question
from kmtui.widgets.rowtable import RowTable
from kmtui.widgets.statusline import StatusLine
from kmtui.widgets.titleline import TitleLine

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.screens.results import Results

Answer = TypeVar("Answer")


class Workbench(Protocol):
    """What screens need of the App. They never import it."""

    core: Core | None
    access: str
    """``RW``, ``RO``, ``LOCKED``; empty until the inventory is open."""
    changes: int
    """Counts the ticks at which something changed."""
    results: Results | None
    """What became of each of the last act on several."""

    def start(self, work: Work, on_error: Callable[[KmtuiError], None]) -> None:
        """Run core work to its end, whatever happens to the screen that asked for it."""

    def note_error(self, title: str, error: KmtuiError) -> None:
        """Keep an error for the key ``!``."""

    def who(self) -> str:
        """``user@host``."""


class Page(Screen[None]):
    """A full screen. A subclass names its mode or its crumbs, its keys, and gives its body.

    `ready` runs once the inventory is open; `changed` at every tick at which something changed
    while the screen is shown, and when it is shown again after changes.
    """

    MODE: ClassVar[str] = ""
    """For a root screen: its id in `kmtui.bindings.MODES`."""
    CRUMBS: ClassVar[tuple[str, ...]] = ()
    """For other screens: the trail to it."""
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "back")
    """Ids for the key line, the most needed first."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*PAGE, show=False)]
    AUTO_FOCUS = "RowTable, Form Input, Details"

    def __init__(self) -> None:
        super().__init__()
        self.title_line = TitleLine(self.MODE, self.CRUMBS)
        self.status_line = StatusLine()
        self.question = Question()
        self.job_strip = JobStrip()
        self.key_bar = KeyBar(self.KEY_LINE)
        self._seen = -1
        self._unread: Changed | None = None
        self._reading = False
        self._left = self._leaves = False

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield from self.body()
        yield self.question
        yield self.job_strip
        yield self.key_bar

    # What a subclass gives

    def body(self) -> ComposeResult:
        """Everything between the title and the job strip; `status_line` where it belongs."""
        yield self.status_line

    async def ready(self) -> None:
        """The inventory is open: read what the screen shows."""

    async def changed(self, message: Changed) -> None:
        """Something changed: read again what is concerned. Reads everything unless overridden."""
        await self.ready()

    def impossible(self, key: str) -> str:
        """Why the key with this id can do nothing now; empty when it can."""
        return ""

    def copied(self) -> str:
        """What ``y`` puts on the clipboard; empty for nothing."""
        return ""

    # What a subclass uses

    @property
    def workbench(self) -> Workbench:
        """The App, as far as screens know it."""
        return cast(Workbench, self.app)

    @property
    def core(self) -> Core:
        """The opened inventory; there is one from `ready` on."""
        core = self.workbench.core
        assert core is not None, "the inventory is not open yet"
        return core

    def say(self, text: str, tone: str = "") -> None:
        """Say one thing on the status line until the next key."""
        self.status_line.say(text, tone)

    def tell(self, text: str, tone: str = "") -> None:
        """Say how something ended that may have outlasted this screen: where the operator looks."""
        if self.is_open:
            self.say(text, tone)
        if text and (shown := self.app.screen) is not self and isinstance(shown, Page):
            shown.say(text, tone)

    def lead_to(
        self, screen: Screen[Answer], then: Callable[[Answer | None], None] | None = None
    ) -> bool:
        """Open a screen or a question that a key here asked for; False where the operator has gone
        elsewhere meanwhile: what is typed there is no answer to it.
        """
        if self.is_active:
            self.app.push_screen(screen, then)
            return True
        return False

    def start(self, work: Work, title: str = "") -> None:
        """Run an action of the core; an error is said here and kept for ``!``.

        `title` names the action for the error screen. The work outlives this screen.
        """

        self.workbench.start(work, lambda error: self._say_error(title, error))

    def _say_error(self, title: str, error: KmtuiError) -> None:
        self.workbench.note_error(title, error)
        said = f"{title}: {error}  (! for more)" if title else str(error)
        if self.is_open:
            self.say(said, "bad")
        else:
            self.tell(said, "bad")

    def ask(self, text: str, on_yes: Callable[[], None]) -> None:
        """Ask on one line, y or n."""
        self.question.ask(text, on_yes)

    # Its own doings

    def on_mount(self) -> None:
        self.refresh_title()
        if self.workbench.core is not None:
            self.post_message(CoreOpened())

    async def on_core_opened(self) -> None:
        self._seen = self.workbench.changes
        self.refresh_title()
        try:
            await self.ready()
        except KmtuiError as error:
            self._say_error("reading", error)
        self.refresh_bindings()

    async def on_changed(self, message: Changed) -> None:
        self._seen = self.workbench.changes
        self.refresh_title()
        self._unread = message if self._unread is None else self._unread.and_then(message)
        if not self._reading:
            self._reading = True
            self.run_worker(self._read_changes(), group="changes")

    async def _read_changes(self) -> None:
        """Beside the screen: a key that passes it would wait until everything is read."""
        try:
            while (message := self._unread) is not None:
                self._unread = None
                await self.changed(message)
                self.refresh_bindings()
        except KmtuiError as error:
            self._say_error("reading what changed", error)
        finally:
            self._reading = False

    @property
    def is_open(self) -> bool:
        """Whether it can still be seen: now, or when what lies on it is left."""
        return self.is_attached and not self._left

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leave this screen, and no other: below others it goes once it would be seen again."""
        # Textual takes away whatever lies on top, and fails at the last screen.
        if self.is_active and not self.MODE:
            self._left = True
            return super().dismiss(result)
        self._leaves = True
        return AwaitComplete(asyncio.sleep(0))

    def on_screen_resume(self) -> None:
        """Read again if something changed while another screen was shown."""
        if self._leaves and not self.MODE:
            self.dismiss(None)
        if self._seen not in (-1, self.workbench.changes):
            self.post_message(Changed())

    def on_key(self) -> None:
        """What was said, and how a job ended, was seen."""
        self.say("")
        self.job_strip.acknowledge()

    @on(RowTable.Highlighted)
    async def _paint_at_once(self) -> None:
        """After what the screen itself shows of a row: have its widgets tell what they will paint,
        so that it comes with the cursor. What misses a frame waits for up to two more.
        """
        await asyncio.sleep(0)

    def refresh_title(self) -> None:
        """Show who is here and what may be changed."""
        core = self.workbench.core
        self.title_line.access = self.workbench.access
        self.title_line.who = self.workbench.who()
        self.title_line.sandbox = core is not None and core.sandbox

    def reason_against(self, key: str) -> str:
        """Why a key does nothing now: read-only mode, or what `impossible` says."""
        known = KEYS.get(key)
        if known is None:
            return ""
        if known.writes and self.workbench.access == "RO":
            return f"{known.word}: this is read-only mode"
        return self.impossible(key) if self.workbench.core is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey (None) when there is a reason against it."""
        return None if self.reason_against(action) else True

    def action_back(self) -> None:
        """Leave this screen; a root screen stays."""
        self.leave()

    def leave(self) -> None:
        """Leave this screen at once, by ``q``; a form asks before it forgets what was typed."""
        if not self.MODE:
            self.dismiss(None)

    def action_help(self) -> None:
        """Show the keys of this screen; run the one that is chosen there."""
        from kmtui.screens.help import HelpScreen

        own = {
            name: active
            for active in self.active_bindings.values()
            if (name := active.binding.id) in KEYS
        }
        shown = HelpScreen(tuple(own), {name: self.reason_against(name) for name in KEYS})

        async def run_chosen(_: None) -> None:
            if (active := own.get(shown.chosen or "")) is not None:
                await self.app.run_action(active.binding.action, active.node)

        self.app.push_screen(shown, run_chosen)

    def action_leftovers(self) -> None:
        """Show what requests published and could not remove."""
        from kmtui.screens.leftovers import LeftoversScreen

        if not isinstance(self, LeftoversScreen):
            self.app.push_screen(LeftoversScreen())

    def action_authorities(self) -> None:
        """Show the CAs."""
        from kmtui.screens.authorities import AuthoritiesScreen

        if not isinstance(self, AuthoritiesScreen):
            self.app.push_screen(AuthoritiesScreen())

    def action_reload(self) -> None:
        self.post_message(Changed())

    def action_copy(self) -> None:
        if text := self.copied():
            self.app.copy_to_clipboard(text)
            self.say(f"copied: {text.splitlines()[0]}")
        else:
            self.say("copy: there is nothing here", "warn")
