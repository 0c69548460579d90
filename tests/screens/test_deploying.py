"""Deploying from the screen: asked before, watched, proved or put back, rolled back."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from kmtui.core.core import Core
from kmtui.core.events import DeploymentStepped, Event
from kmtui.model import Certificate, TargetState
from kmtui.screens.deployment_steps import BACK, BEGINNINGS, Way, steps_of
from tests.core.deployment import stock
from tests.screens.shop import SIZES, add, at_targets, deployed, flat, now, serving, shop
from tests.screens.workbench import press, shows
from tests.terminal import line_with, screen_text

__all__ = ["shop"]


@SIZES
async def test_the_current_version_is_deployed_after_a_question_and_proved(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    directory = tmp_path / "tls" / "web1"
    async with serving(directory) as address:
        await add(core, tmp_path, reload_command="true", verify=address)
        async with at_targets(core, size) as pilot:
            # when / then: what will happen where
            await press(pilot, "p")
            text = await shows(pilot, "DEPLOY shop v2")
            assert "nothing of ours becomes v2" in flat(text)
            assert f"see it at {address}" in text
            assert not directory.exists()

            # when
            await press(pilot, "y")

            # then
            await shows(pilot, "v2 verified at web1")
            await shows(pilot, "+ web1")
            assert "verified" in line_with(pilot.app, "+ web1")

            # when / then: it is looked at again
            await press(pilot, "t")
            await shows(pilot, f"{address} serves version 2")


async def test_no_is_no(core: Core, shop: Certificate, tmp_path: Path) -> None:
    await add(core, tmp_path)
    async with at_targets(core) as pilot:
        await press(pilot, "p")
        await shows(pilot, "DEPLOY shop v2")

        await press(pilot, "n")

        assert (await now(core)).version is None
        assert not (tmp_path / "tls").exists()


async def test_marked_targets_are_deployed_to_and_others_left_alone(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    for name in ("web1", "web2", "web3"):
        await add(core, tmp_path, name)
    async with at_targets(core) as pilot:
        await press(pilot, "space", "space", "p")
        text = await shows(pilot, "DEPLOY shop v2")
        assert text.count("becomes v2") == 2
        await press(pilot, "y")

        await shows(pilot, "v2 deployed at web1, web2")
        assert (await now(core, "web3")).version is None

        # esc leaves the marks before the screen
        await press(pilot, "escape")
        assert "Targets 3" in screen_text(pilot.app)


@SIZES
async def test_its_steps_are_watched_and_the_job_strip_counts_it(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    # given: a check that waits until somebody reads what it says
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    await add(core, tmp_path, check_command=f"echo go > {gate}; echo fine", reload_command="true")
    async with at_targets(core, size) as pilot:
        await press(pilot, "enter")
        await shows(pilot, "Nothing was tried here yet")

        # when
        await press(pilot, "p")
        await shows(pilot, "DEPLOY shop v2")
        await press(pilot, "y")

        # then
        await shows(pilot, "> check")
        done = flat(line_with(pilot.app, "> check"))
        assert done == "+ look + upload + switch > check . reload"
        await shows(pilot, "1 running")
        assert "deploy shop to web1" in screen_text(pilot.app)

        # when
        await asyncio.to_thread(gate.read_text)

        # then
        await shows(pilot, "+ reload")
        text = await shows(pilot, "| fine")
        assert "version 2 is in its place" in text
        assert "deployed" in line_with(pilot.app, "+ 20")


@SIZES
async def test_a_failure_tells_what_happened_what_to_do_and_what_was_put_back(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    # given
    await add(core, tmp_path, check_command="true")
    await deployed(core, version=1)
    await core.targets.update("shop", "web1", check_command="echo line 3: syntax error; false")
    async with at_targets(core, size) as pilot:
        # when
        await press(pilot, "enter", "p")
        await shows(pilot, "v1 becomes v2")
        await press(pilot, "y")

        # then
        await shows(pilot, "by itself; p does it now")
        text = await shows(pilot, "x check")
        assert "+ go back" in text
        assert text.count("| line 3: syntax error") == 1

        # when / then: at the list, and in full
        await press(pilot, "escape")
        row = line_with(pilot.app, "x web1")
        assert "v1>v2" in row
        assert "failed" in row
        await press(pilot, "exclamation_mark")
        text = await shows(pilot, "Next")
        assert "in effect is again what was before" in flat(text)
        assert "run the command by hand there" in text


async def test_several_failures_are_one_error_with_a_part_for_each(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    for name in ("web1", "web2"):
        await add(core, tmp_path, name, check_command=f"echo broken at {name}; false")
    async with at_targets(core) as pilot:
        await press(pilot, "tab", "p")
        await shows(pilot, "DEPLOY shop v2")
        await press(pilot, "y")
        await shows(pilot, "web1, web2 failed (! tells more)")

        await press(pilot, "exclamation_mark")

        text = await shows(pilot, "2 targets of shop are not well")
        assert "broken at web1" in text
        assert "broken at web2" in text


@SIZES
async def test_a_version_is_rolled_back_to_and_the_inventory_keeps_its_current_one(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    await add(core, tmp_path)
    await deployed(core)
    async with at_targets(core, size) as pilot:
        # when / then: not from here, and not to what is there
        await press(pilot, "b")
        await shows(pilot, "roll back: tab goes to the versions")
        await press(pilot, "tab", "b")
        await shows(pilot, "roll back: v2 is what all targets have")

        # when
        await press(pilot, "j", "b")
        text = flat(await shows(pilot, "ROLL BACK shop v1"))
        assert "v2 becomes v1" in text
        assert "v2 stays the current one" in text
        await press(pilot, "y")

        # then
        await shows(pilot, "v1 deployed at web1")
        assert (await now(core)).version == 1
        assert (await core.certificates.get("shop")).current_version == 2


async def test_deploying_an_expired_version_says_what_clients_will_do(
    core: Core, tmp_path: Path
) -> None:
    await core.end_servers.add("web", kind="local", settings={"webroot": str(tmp_path)})
    certificate = await stock.certificate(core, "shop")
    for _ in range(2):
        await stock.version(core, certificate, lasts=timedelta(minutes=30))
    await add(core, tmp_path)
    async with at_targets(core) as pilot:
        await press(pilot, "p")
        await shows(pilot, "clients will refuse it")
        await press(pilot, "y")

        await shows(pilot, "v2 deployed at web1")


async def test_rolling_back_to_an_expired_version_says_what_clients_will_do(
    core: Core, tmp_path: Path
) -> None:
    # given
    await core.end_servers.add("web", kind="local", settings={"webroot": str(tmp_path)})
    certificate = await stock.certificate(core, "shop")
    await stock.version(core, certificate, lasts=timedelta(minutes=30))
    await stock.version(core, certificate)
    await add(core, tmp_path)
    await deployed(core)
    async with at_targets(core) as pilot:
        # when
        await press(pilot, "tab", "j", "b")

        # then
        await shows(pilot, "clients will refuse it")
        await press(pilot, "y")
        await shows(pilot, "v1 deployed at web1")


async def test_every_step_the_core_tells_is_one_of_the_steps_shown(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    heard: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, DeploymentStepped):
            heard.append(event.text)

    core.bus.subscribe(hear)
    directory = tmp_path / "tls" / "web1"
    async with serving(directory) as address:
        await add(core, tmp_path, check_command="true", reload_command="true", verify=address)
        await deployed(core)

    target = await now(core)
    way = Way()
    for text in heard:
        way.hear(text)
    assert [text for text in heard[:-1] if not text.startswith(tuple(BEGINNINGS))] == []
    assert way.at == "prove"
    assert {step.state for step in steps_of(target, way)} == {"done"}


async def test_the_step_that_failed_and_the_way_back_are_told(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    heard: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, DeploymentStepped):
            heard.append(event.text)

    core.bus.subscribe(hear)
    await add(core, tmp_path, check_command="false", reload_command="true")
    await deployed(core)

    way = Way()
    for text in heard:
        way.hear(text)
    assert any(text.startswith(BACK) for text in heard)
    steps = [(step.word, step.state) for step in steps_of(await now(core), way)]
    assert steps[3:] == [("check", "failed"), ("reload", "to come"), ("go back", "done")]


async def test_what_waits_or_was_not_watched_shows_no_steps(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    target = await add(core, tmp_path, check_command="true")

    assert steps_of(target, Way()) == []
    assert steps_of(target, Way(at="check")) == []
    assert steps_of(replace(target, state=TargetState.FAILED), Way()) == []
