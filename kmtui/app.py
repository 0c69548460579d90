"""The Textual App: modes, global keys, the inbox of events, and every way out."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import textual.screen
from rich.text import Text
from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.reactive import reactive
from textual.screen import Screen

from kmtui import garbage, theme
from kmtui.bindings import EVERYWHERE, KEYS, MODES, bindings
from kmtui.config import Options
from kmtui.core.errors import KmtuiError
from kmtui.core.fairloop import FairLoop
from kmtui.lastwords import crash_report, refusal, stop
from kmtui.screens.lazy import key_commands, screen_named
from kmtui.screens.messages import Changed, CoreOpened
from kmtui.screens.tasks import Tasks, Work
from kmtui.startup import import_ahead
from kmtui.text import Secret, harden

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.events import Event
    from kmtui.model import Problem
    from kmtui.screens.feed import Feed
    from kmtui.screens.page import Page
    from kmtui.screens.results import Results

ASK_AGAIN = 10.0
"""Seconds in which a second q leaves although jobs run."""
FRAME = 1 / 120
"""Seconds between two frames, at times twice that: a key waits for it when something else was just
painted, and Textual's sixtieth is felt."""


class KmtuiApp(App[None], inherit_bindings=False):
    """The screens over one core. It is opened by `loader` after the first paint."""

    TITLE = "kmtui"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        mode: screen_named(f"{mode}:{mode.capitalize()}Screen") for mode in (*MODES, "opening")
    }
    DEFAULT_MODE = "opening"
    HOME = "certificates"
    COMMANDS: ClassVar[set[Any]] = {key_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(*(name for name in EVERYWHERE if name != "quit"), show=False),
        *(replace(key, priority=True) for key in bindings("quit", show=False)),
    ]
    CSS = theme.CSS
    access = reactive("", init=False)

    def __init__(
        self, options: Options, loader: Callable[[], Awaitable[Core]], **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.animation_level = "none"
        textual.screen.UPDATE_PERIOD = FRAME  # type: ignore[misc]  # no other way but the environment
        for own in theme.themes():
            self.register_theme(own)
        self.theme = theme.choose(
            options.theme or "auto",
            true_color=self.console.color_system == "truecolor",
            no_color=self.no_color,
        )
        self.options = options
        self.unicode_glyphs = not options.ascii
        self.ascii_only = False
        self.core: Core | None = None
        self.changes = 0
        self.results: Results | None = None
        self._loader = loader
        self._work = Tasks(self._handle_exception)
        self._feed: Feed | None = None
        self._error: tuple[str, Problem, datetime] | None = None
        self._asked_at = -ASK_AGAIN

    # Opening

    def on_mount(self) -> None:
        self.call_after_refresh(self._enter)

    async def _enter(self) -> None:
        """After the first paint: the home screen, and the inventory behind it."""
        await self.switch_mode(self.HOME)
        self.start(self._open(), self._cannot_open)

    def _cannot_open(self, error: KmtuiError) -> None:
        self.exit(return_code=error.exit_code, message=Text(refusal(error)))

    async def _open(self) -> None:
        """Open the core and tell the screens."""
        core = await self._loader()
        from kmtui.screens.feed import Feed

        self.core = core
        self.access = core.access.mode
        self._feed = Feed(self, core, self._tell)
        for stack in self._screen_stacks.values():
            for screen in stack:
                screen.post_message(CoreOpened())
        await import_ahead()
        garbage.begin()

    def _tell(self, events: tuple[Event, ...]) -> None:
        """Something changed: the screens in view read it again, the others when they are shown."""
        assert self.core is not None
        self.changes += 1
        self.access = self.core.access.mode
        for screen in self.screen_stack:
            screen.post_message(Changed(events))

    # What screens use (see `kmtui.screens.page.Workbench`)

    def start(self, work: Work, on_error: Callable[[KmtuiError], None]) -> None:
        """Run core work to its end, whatever happens to the screen that asked for it."""
        self._work.start(work, on_error)

    def note_error(self, title: str, error: KmtuiError) -> None:
        """Keep an error for the key ``!``."""
        from kmtui.screens.error import problem_of

        self._error = (title, problem_of(error), datetime.now(UTC))

    def who(self) -> str:
        """``user@host``."""
        return self.options.actor

    @property
    def page(self) -> Page | None:
        """The screen in view, when it is a full one."""
        from kmtui.screens.page import Page

        return self.screen if isinstance(self.screen, Page) else None

    # Keys

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """None: Textual's own commands would save the screen, secrets included, to a file."""
        return ()

    async def run_action(self, action: Any, default_namespace: Any = None, *rest: Any) -> bool:
        """Run an action; where a key is grey, say why."""
        done = await super().run_action(action, default_namespace, *rest)
        if not done and isinstance(action, str) and (page := self.page) is not None:
            page.say(page.reason_against(action), "warn")
        return done

    def action_last_error(self) -> None:
        from kmtui.screens.error import ErrorScreen

        failed = self._feed.problem if self._feed else None
        errors = [error for error in (self._error, failed) if error is not None]
        if errors:
            self.push_screen(ErrorScreen(*max(errors, key=lambda error: error[2])))
        elif self.page is not None:
            self.page.say("no error so far")

    def action_lock(self) -> None:
        self.push_screen(screen_named("vault:VaultScreen")())

    def action_results(self) -> None:
        from kmtui.screens.results import ResultsScreen

        if self.results is not None and not isinstance(self.screen, ResultsScreen):
            self.push_screen(ResultsScreen(self.results))
        elif self.results is None and self.page is not None:
            self.page.say("nothing was done to several at once so far")

    async def action_switch_mode(self, mode: str) -> None:
        """To a root screen, or what lies on it; where that is in view, say how to leave it."""
        page = self.page
        if mode == self.current_mode and page is not None and not page.MODE:
            page.say(f"esc goes back to {KEYS[mode].word}", "muted")
        else:
            await super().action_switch_mode(mode)

    async def action_jobs(self) -> None:
        await self.switch_mode("requests")
        self.screen.query("RowTable").focus()

    async def action_leave(self) -> None:
        if (page := self.page) is not None and page.MODE:
            await self.action_quit()
        elif page is not None:
            page.leave()

    async def action_quit(self) -> None:
        """Leave; with jobs running only at the second press."""
        running = len(self.core.jobs.running) if self.core else 0
        if running and monotonic() - self._asked_at > ASK_AGAIN and self.page is not None:
            self._asked_at = monotonic()
            what = "1 job is" if running == 1 else f"{running} jobs are"
            self.page.say(f"{what} under way: again stops them, they go on next time", "warn")
            return
        self.exit()

    def keep_to_ascii(self) -> None:
        """Draw nothing but ASCII: for terminals and locales that show nothing else."""
        from kmtui.terminal import AsciiOnly

        self.ascii_only = True
        self._filters.append(AsciiOnly())

    @on(Driver.SignalResume)
    def on_foreground(self) -> None:
        """Back from the shell (ctrl+z, fg): the terminal holds nothing of ours any more."""
        self.refresh(layout=True)

    # Ways out

    def on_line_lost(self) -> None:
        """The terminal is gone: leave as after a hang-up."""
        self.leave_by(signal.SIGHUP)

    def leave_by(self, number: signal.Signals) -> None:
        """Leave because of a signal."""
        self.exit(return_code=128 + number)

    async def close_core(self) -> None:
        """End what was started, then the core; after the terminal was restored."""
        await self._work.close()
        if self.core is not None:
            await stop(self.core)

    def _fatal_error(self) -> None:
        """Textual would print every local variable, keys and passphrases among them."""
        report = crash_report(self._exception or RuntimeError("unknown"))
        logging.getLogger("kmtui.app").error("%s", report)
        self._exit_renderables.append(Text(report))
        self._close_messages_no_wait()


def run_screen(
    options: Options, *, demo: bool = False, passphrase: Secret[bytes] | None = None
) -> int:
    """Run the screens until they are left; the exit code of the command contract."""
    harden()
    with asyncio.Runner(loop_factory=FairLoop) as runner:
        return runner.run(_run(options, passphrase, demo=demo))


async def _run(options: Options, passphrase: Secret[bytes] | None, *, demo: bool) -> int:
    from kmtui.startup import load, load_demo
    from kmtui.terminal import TerminalDriver, can_show_unicode, signals_told_to

    async with AsyncExitStack() as outliving:  # what the core's last clean-up may still need
        opening = partial(load, options, passphrase)
        loader = partial(load_demo, options, outliving) if demo else opening
        app = KmtuiApp(options, loader, driver_class=TerminalDriver)
        if not can_show_unicode():
            app.keep_to_ascii()
        try:
            with signals_told_to(app.leave_by):
                await app.run_async(mouse=options.mouse)
        finally:
            await app.close_core()
    return app.return_code or 0
