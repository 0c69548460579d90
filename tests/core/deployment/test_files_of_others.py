"""Files of others where a target's belong: left alone, or taken over when an operator says so."""

from __future__ import annotations

import pytest

from kmtui.core.deployment.bundle import FULLCHAIN
from kmtui.core.deployment.layouts import paths
from kmtui.core.servers.host import Ran
from kmtui.model import TargetState
from tests.core.deployment.memory_host import File, Link
from tests.core.deployment.scene import CHECK, LAYOUTS, Stage

everywhere = pytest.mark.parametrize("layout", LAYOUTS)


@everywhere
async def test_files_of_others_are_left_alone(stage: Stage, layout: str) -> None:
    scene = await stage.scene(layout)
    scene.others_are_there()
    scene.allowed = ("foreign",)
    before = dict(scene.host.nodes)

    target = await scene.deploy(1)

    assert scene.host.nodes == before
    assert (target.state, scene.host.ran) == (TargetState.FAILED, [])
    assert "that kmtui did not put" in target.error
    assert "--adopt" in target.hint


@everywhere
async def test_files_of_others_are_taken_over_when_asked_and_a_copy_is_kept(
    stage: Stage, layout: str
) -> None:
    scene = await stage.scene(layout, adopt=True)
    scene.others_are_there()
    scene.allowed = ("foreign", 1, 2)

    target = await scene.deploy(1)
    later = await scene.deploy(2)

    assert (target.state, later.state) == (TargetState.VERIFIED, TargetState.VERIFIED)
    assert scene.seen == ["foreign", 1, 2]
    kept = [file.content for file in scene.host.files().values()]
    assert any(b"PRIVATE KEY of others" in content for content in kept)


@everywhere
async def test_files_of_others_come_back_when_ours_fail(stage: Stage, layout: str) -> None:
    scene = await stage.scene(layout, adopt=True)
    scene.others_are_there()
    scene.allowed = ("foreign", 1)
    scene.host.commands[CHECK] = lambda: Ran(1, "test failed")

    await scene.deploy(1)

    assert scene.in_effect() == "foreign"


@everywhere
async def test_what_lies_there_as_plain_files_of_ours_needs_no_word(
    stage: Stage, layout: str
) -> None:
    """Somebody exported version 1 and put it there by hand."""
    scene = await stage.scene(layout)
    scene.others_are_there()
    by_hand = scene.bundles[1].files
    for path, node in scene.host.nodes.items():
        name = "combined.pem" if layout == "combined" else path.rpartition("/")[2]
        if isinstance(node, File):
            scene.host.nodes[path] = File(by_hand[name], 0o640)
    scene.allowed = (1, 2)

    target = await scene.deploy(2)

    assert (target.state, scene.seen) == (TargetState.VERIFIED, [1, 2])


async def test_a_link_to_elsewhere_is_not_replaced(stage: Stage) -> None:
    scene = await stage.scene("pair", adopt=True)
    path = paths(scene.target)[FULLCHAIN]
    scene.host.nodes[path] = Link("/etc/letsencrypt/live/shop/fullchain.pem")

    target = await scene.deploy(1)

    assert "is a link to /etc/letsencrypt" in target.error
    assert isinstance(scene.host.nodes[path], Link)


async def test_a_directory_of_somebody_else_with_the_versions_number_is_left_alone(
    stage: Stage,
) -> None:
    scene = await stage.scene("versioned")
    theirs = f"{scene.target.directory}/1/notes.txt"
    scene.host.nodes[theirs] = File(b"mine", 0o644)
    scene.allowed = (None, 1, 2)

    for number in (1, 2, 2, 2):
        assert (await scene.deploy(number)).state == TargetState.VERIFIED

    assert scene.host.nodes[theirs] == File(b"mine", 0o644)
