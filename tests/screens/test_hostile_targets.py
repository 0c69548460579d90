"""What servers and commands say is text on the screens of targets, and nothing else."""

from __future__ import annotations

from pathlib import Path

from kmtui.core.core import Core
from kmtui.core.events import DeploymentStepped, TargetChanged
from kmtui.db import targets
from kmtui.model import Certificate, TargetState
from tests.screens.shop import SIZES, add, at_targets, shop
from tests.screens.workbench import press, shows
from tests.terminal import raw_text

__all__ = ["shop"]

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/] \u202e\x9b2J \u200b [b"
FORBIDDEN = {"\x1b", "\x07", "\u202e", "\x9b", "\u200b"}


@SIZES
async def test_words_of_a_server_obey_nothing(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    # given: a target whose commands and failure are hostile
    target = await add(core, tmp_path, check_command="echo [/foo] [@click=app.quit]x[/]")
    await core.context.db.write(
        lambda session: targets.update(
            session, target.id, state=TargetState.FAILED, error=HOSTILE, hint=HOSTILE, step=HOSTILE
        )
    )
    async with at_targets(core, size) as pilot:
        # when / then: in the list and its pane, in the question, on its own screen, in full
        for key in ("", "p", "escape", "enter", "exclamation_mark", "escape"):
            if key:
                await press(pilot, key)
            assert not FORBIDDEN & set(raw_text(pilot.app))

        # when: a command prints it while somebody watches
        said = DeploymentStepped(target.id, "shop", "web1", f"| {HOSTILE}")
        core.bus.publish(said, TargetChanged(target.id))

        # then
        await shows(pilot, "| a")
        assert not FORBIDDEN & set(raw_text(pilot.app))
        assert "[@click=app.quit]x[/]" in raw_text(pilot.app)
