"""What happens after the first paint: the heavy imports, the inventory, the vault's door."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from kmtui.config import Options
from kmtui.text import Secret

if TYPE_CHECKING:
    from kmtui.core.core import Core

FIRST_NEEDED_BY_A_REQUEST = (
    "kmtui.core.acme.transport",
    "kmtui.core.challenges.probe",
    "httpcore",
    "anyio.abc",
    "anyio.streams.tls",
    "dns.asyncbackend",
    "publicsuffixlist",
    "kmtui.core.dns.rfc2136",
)
"""What these libraries and ours import only when the first connection is made."""


async def load(options: Options, passphrase: Secret[bytes] | None = None) -> Core:
    """The opened core, unlocked when the options hold a way to do so. Raises KmtuiError."""
    # Database, ACME and cryptography take over a second to import: the screen is drawn meanwhile.
    await asyncio.to_thread(import_module, "kmtui.core.core")
    from kmtui.core.core import Core

    core = await Core.open(
        options.data,
        read_only=options.read_only,
        actor=options.actor or None,
        origin=options.origin,
    )
    try:
        if core.access.initialised and options.key_file is not None:
            await core.access.unlock_with_key_file(options.key_file)
        elif core.access.initialised and passphrase is not None:
            await core.access.unlock_with_passphrase(passphrase.reveal())
    except BaseException:
        await core.close()
        raise
    return _looking(core)


async def import_ahead() -> None:
    """Import in a thread what the first request would import in the event loop."""
    await asyncio.to_thread(_import_for_a_request)


def _import_for_a_request() -> None:
    for name in FIRST_NEEDED_BY_A_REQUEST:
        import_module(name)
    import anyio
    import dns.asyncbackend

    # Both choose and import what drives asyncio at their first use; neither has another way to ask.
    anyio.run(anyio.sleep, 0)
    dns.asyncbackend.get_backend("asyncio")


async def load_demo(options: Options, closing: AsyncExitStack) -> Core:
    """The core of the practice inventory in `options.data`, with its sandbox started.

    `closing` stops the sandbox: close it after the core. Raises KmtuiError.
    """
    await asyncio.to_thread(import_module, "kmtui.core.demo.demo")
    from kmtui.core.demo.demo import open_demo

    demo = await open_demo(options.data, read_only=options.read_only, actor=options.actor or None)
    closing.push_async_callback(demo.sandbox.close)
    return _looking(demo.core)


def _looking(core: Core) -> Core:
    """The core, from now on taking up whatever was cut off: last time, or by another process."""
    if not core.read_only:
        core.recovery.keep_looking()
    return core
