"""A deployment: in effect at once, checked, reloaded, proved; and back when any of that fails."""

from __future__ import annotations

import pytest

from kmtui.model import TargetState
from tests.core.deployment.scene import CHECK, LAYOUTS, RELOAD, Stage


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_first_version_and_its_successor_are_put_and_proved(
    stage: Stage, layout: str
) -> None:
    scene = await stage.scene(layout, owner="root:tls", mode=0o600)
    scene.allowed = (None, 1, 2)

    first = await scene.deploy(1)
    second = await scene.deploy(2)

    assert (first.state, first.version) == (TargetState.VERIFIED, 1), first.error
    assert (second.state, second.version) == (TargetState.VERIFIED, 2), second.error
    assert (second.former, second.next_attempt_at, second.error) == (None, None, "")
    assert second.verified_at is not None
    assert scene.seen == [None, 1, 2], "nothing else was ever in effect"
    assert scene.host.ran == [CHECK, RELOAD, CHECK, RELOAD]
    for path, file in scene.host.files().items():
        secret = b"PRIVATE KEY" in file.content
        assert (file.mode, file.owner) == (0o600 if secret else 0o644, "root:tls"), path
