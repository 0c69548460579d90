"""Draws docs/request.svg, the picture of the README: a request of the demo on its way."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from kmtui.app import KmtuiApp
from kmtui.config import Options
from kmtui.model import RequestSpec, RequestStatus
from kmtui.screens.request import RequestScreen
from kmtui.startup import load_demo

PICTURE = Path(__file__).parent.parent / "docs" / "request.svg"
NAMES = ("www.kmtui.test", "api.kmtui.test", "*.kmtui.test")


async def main() -> None:
    """Start the demo, ask for a certificate, and draw the moment one server is behind."""
    with tempfile.TemporaryDirectory() as directory:
        options = Options(data=Path(directory), theme="dark", actor="ops@host1")
        async with AsyncExitStack() as closing:
            app = KmtuiApp(options, partial(load_demo, options, closing))
            async with app.run_test(size=(120, 26)) as pilot:
                while app.core is None:
                    await pilot.pause(0.1)
                core = app.core
                await app.switch_mode("requests")
                request = await core.requests.create(RequestSpec(names=NAMES, account="practice"))
                await app.push_screen(RequestScreen(request.id))
                while (await core.requests.get(request.id)).status != RequestStatus.PROPAGATING:
                    await pilot.pause(0.05)
                await pilot.pause(0.8)
                await pilot.press("j")
                await pilot.pause(0.3)
                drawn = app.export_screenshot(title="kmtui")
                # A picture must not fetch fonts from anywhere.
                drawn = re.sub(r"@font-face\s*{[^}]*}\s*", "", drawn)
                PICTURE.write_text(drawn.replace("Fira Code", "monospace"))
                await core.requests.wait(request.id, seconds=30)
            await app.close_core()


if __name__ == "__main__":
    asyncio.run(main())
