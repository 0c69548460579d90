"""One command's session with the core: opened, unlocked, interrupted in good order, closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from kmtui import garbage
from kmtui.cli.deploying import telling
from kmtui.cli.group import invocation
from kmtui.cli.output import Output
from kmtui.cli.passphrases import ask_passphrase, can_ask, read_passphrase
from kmtui.config import Options
from kmtui.core.errors import VaultLocked

if TYPE_CHECKING:
    from kmtui.core.core import Core

Act = Callable[["Core", Output], Awaitable[int | None]]
"""What a command does; the number is its exit code, None is 0."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command is given: the options and where its answer goes."""

    options: Options
    output: Output


class Interrupted(Exception):
    """A signal ended the command; the work is in the database and can be resumed."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted; kmtui resume takes unfinished work up again")
        self.exit_code = 128 + number


def with_core(context: typer.Context, act: Act, *, change: bool = False) -> int:
    """Run `act` with an open core; with `change` the vault is unlocked first.

    Raises KmtuiError, Interrupted.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_within(invocation(context), act, change=change))


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Core]:
    """The core of the data directory, unlocked when the options hold a way to do so."""
    from kmtui.core.core import Core

    garbage.begin()
    core = await Core.open(
        options.data,
        read_only=options.read_only,
        actor=options.actor or None,
        origin=options.origin,
    )
    try:
        if options.unlocks and core.access.initialised:
            await _unlock(core, options)
        yield core
    finally:
        await core.close()


async def _within(invoked: Invocation, act: Act, *, change: bool) -> int:
    received: list[int] = []
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()

    def interrupt(number: int) -> None:
        received.append(number)
        for each in _SIGNALS:  # a second one ends the process at once
            loop.remove_signal_handler(each)
        # Except this one: a terminal that closes after ctrl+c must not cut the clean-up short.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        task.cancel()

    try:
        async with opened(invoked.options) as core:
            if change:
                await _unlock_by_prompt(core)
            for number in _SIGNALS:
                loop.add_signal_handler(number, interrupt, number)
            with telling(core, invoked.output):
                code = await act(core, invoked.output) or 0
                # What was saved is put where it belongs, before this process ends.
                await core.deployments.settled()
            return code
    except asyncio.CancelledError:
        if received:
            raise Interrupted(received[0]) from None
        raise


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop: hundreds of requests take it a quarter less time than asyncio's own,
    which serves where it is not built.
    """
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _unlock(core: Core, options: Options) -> None:
    if options.key_file is not None:
        await core.access.unlock_with_key_file(options.key_file)
    else:
        source = options.passphrase_file or options.passphrase_fd
        assert source is not None
        await core.access.unlock_with_passphrase(read_passphrase(source))


async def _unlock_by_prompt(core: Core) -> None:
    """Ask for the passphrase where somebody can answer. Raises VaultLocked where nobody can."""
    if core.access.read_only or not core.access.initialised or not core.access.locked:
        return
    if not can_ask():
        raise VaultLocked(
            "the vault is locked",
            hint="give --key-file FILE, --passphrase-file FILE or --passphrase-fd N "
            "before the command",
        )
    await core.access.unlock_with_passphrase(ask_passphrase("Passphrase: "))
