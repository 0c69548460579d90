"""What is due is done once: after a save, after a crash, by hand, beside other processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.deployment import queue
from kmtui.core.deployment.attempt import Attempt
from kmtui.core.deployment.bundle import FULLCHAIN, PRIVKEY
from kmtui.core.deployment.queue import Deployments
from kmtui.core.errors import NotFound, Refused, VaultLocked
from kmtui.core.events import DeploymentStepped, Event
from kmtui.core.locks import FileLock
from kmtui.db import targets, versions
from kmtui.model import Certificate, Served, Target, TargetState
from tests.core.deployment import stock


@pytest.fixture
async def shop(core: Core, tmp_path: Path) -> Certificate:
    """A certificate with one version, and a target on this machine."""
    await core.end_servers.add("web", kind="local", settings={"webroot": str(tmp_path)})
    certificate = await stock.certificate(core, "shop")
    await stock.version(core, certificate)
    await add(core, tmp_path)
    return certificate


async def add(core: Core, tmp_path: Path, name: str = "web1", **settings: str) -> Target:
    return await core.targets.add(
        *("shop", name), server="web", directory=str(tmp_path / "tls" / name), **settings
    )


async def now(core: Core, name: str = "web1") -> Target:
    return await core.targets.get("shop", name)


async def put(core: Core, tmp_path: Path, name: str = "web1") -> int | None:
    """Which version lies there, as whoever opens the files finds it."""
    directory = tmp_path / "tls" / name
    for version in await core.certificates.history("shop"):
        files = (await stock.files(core, await core.certificates.get("shop"), version.number)).files
        if all(
            (directory / file).exists() and (directory / file).read_bytes() == files[file]
            for file in (PRIVKEY, FULLCHAIN)
        ):
            return version.number
    return None


async def test_by_hand_the_current_version_goes_to_every_target(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path, "web2", reload_command=f"touch {tmp_path / 'reloaded'}")

    started = await core.deployments.deploy("shop")
    ended = await core.deployments.wait([target.id for target in started])

    assert [(row.name, row.state, row.version) for row in ended] == [
        ("web1", TargetState.DEPLOYED, 1),
        ("web2", TargetState.DEPLOYED, 1),
    ]
    assert (await put(core, tmp_path), await put(core, tmp_path, "web2")) == (1, 1)
    assert (tmp_path / "reloaded").exists()
    assert (tmp_path / "tls" / "web1" / PRIVKEY).stat().st_mode & 0o777 == 0o640


async def test_what_is_saved_is_put_by_itself(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await core.deployments.deploy("shop")
    await core.deployments.settled()
    await stock.version(core, shop, saved=False)
    assert await core.deployments.settled() == []

    await core.certificates.save("shop")
    (ended,) = await core.deployments.settled()

    assert (ended.state, ended.version) == (TargetState.DEPLOYED, 2)
    assert await put(core, tmp_path) == 2


async def test_a_rollback_stays_until_another_version_is_saved(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await stock.version(core, shop)
    await core.deployments.deploy("shop")
    await core.deployments.settled()

    await core.deployments.roll_back("shop", 1)
    await core.deployments.settled()
    assert await put(core, tmp_path) == 1
    assert await core.deployments.take_up() == []
    assert (await core.certificates.get("shop")).current_version == 2

    await stock.version(core, shop)
    await core.recovery.run()
    await core.deployments.settled()
    assert await put(core, tmp_path) == 3


async def test_what_nobody_should_serve_is_refused_unless_forced(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    old = await stock.version(core, shop, lasts=timedelta(minutes=30))
    unsaved = await stock.version(core, shop, saved=False)
    first = (await core.certificates.history("shop"))[-1]
    at = core.context.clock()
    await core.context.db.write(lambda s: versions.mark_revoked(s, first.id, at, "superseded"))

    for number, why in ((old.number, "expired"), (1, "revoked"), (unsaved.number, "not saved yet")):
        with pytest.raises(Refused, match=why) as caught:
            await core.deployments.roll_back("shop", number)
        assert caught.value.hint
    with pytest.raises(NotFound, match="no version 9"):
        await core.deployments.deploy("shop", version=9)
    await core.deployments.roll_back("shop", 1, force=True)
    (ended,) = await core.deployments.settled()

    assert (ended.version, await put(core, tmp_path)) == (1, 1)


async def test_a_certificate_without_targets_says_how_to_get_one(core: Core) -> None:
    await stock.version(core, await stock.certificate(core, "mail"))

    with pytest.raises(NotFound, match="mail has no targets") as caught:
        await core.deployments.deploy("mail")

    assert "kmtui target add mail" in caught.value.hint


async def test_a_failure_is_tried_again_when_its_time_has_come(
    core: Core, shop: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    await core.targets.update("shop", "web1", check_command=f"test -e {gate}")
    await core.deployments.take_up()
    (failed,) = await core.deployments.settled()
    assert (failed.state, failed.failures, failed.version) == (TargetState.FAILED, 1, None)
    assert await core.deployments.take_up() == [], "not before its time"
    gate.touch()
    at = core.context.clock() - timedelta(seconds=1)
    await core.context.db.write(lambda s: targets.update(s, failed.id, next_attempt_at=at))

    run = await core.renewal.run()

    (ended,) = run.deployed
    assert (ended.state, ended.version, ended.failures) == (TargetState.DEPLOYED, 1, 0)
    assert (run.outcomes, await put(core, tmp_path)) == ((), 1)


async def test_what_was_cut_off_is_taken_up_and_told(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    # given: a process that claimed the target and is dead
    target = await now(core)
    await Attempt.claim(core.context, target.id)
    dead = "4711-" + "0" * 16
    await core.context.db.write(lambda s: targets.update(s, target.id, worker=dead))

    # when
    found = await core.recovery.run()
    (ended,) = await core.deployments.settled()

    # then
    assert [row.id for row in found.targets] == [target.id]
    assert (ended.state, ended.version) == (TargetState.DEPLOYED, 1)
    history = await core.targets.history("shop", "web1")
    assert [row.outcome for row in history] == ["deployed", "interrupted"]


async def test_what_another_living_process_does_is_left_to_it(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    target = await now(core)
    await Attempt.claim(core.context, target.id)
    alive = f"{os.getpid()}-" + "0" * 16
    lock = FileLock.take(core.context.owners.directory / f"{alive}.owner")
    assert lock is not None
    await core.context.db.write(lambda s: targets.update(s, target.id, worker=alive))

    with lock:
        assert await core.deployments.take_up() == []
        with pytest.raises(Refused, match="another process deploys shop to web1"):
            await core.deployments.deploy("shop")
        with pytest.raises(Refused, match=f"process {os.getpid()}"):
            await Attempt.claim(core.context, target.id)
        with pytest.raises(Refused, match="being deployed"):
            await core.targets.delete("shop", "web1")
    assert [row.id for row in await core.deployments.take_up()] == [target.id]
    await core.deployments.settled()
    assert await put(core, tmp_path) == 1


async def test_two_processes_put_a_version_once(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    await core.targets.update("shop", "web1", reload_command=f"echo reloaded >> {log}; sleep 0.2")
    other = await Core.open(core.data, actor="timer@here")
    await other.access.unlock_with_key_file(tmp_path / "vault.key")

    await asyncio.gather(core.recovery.run(), other.recovery.run())
    both = [*await core.deployments.settled(), *await other.deployments.settled()]
    await other.close()

    assert log.read_text() == "reloaded\n"
    assert {row.id for row in both} == {(await now(core)).id}
    assert len(await core.targets.history("shop")) == 1
    assert await put(core, tmp_path) == 1


async def test_cancelled_it_stays_as_it_is_for_whoever_looks_next(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await core.targets.update("shop", "web1", check_command="sleep 30")
    checking = asyncio.Event()

    def heard(event: Event) -> None:
        if isinstance(event, DeploymentStepped) and event.text.startswith("checking"):
            checking.set()

    core.bus.subscribe(heard)
    (target,) = await core.deployments.deploy("shop")
    await checking.wait()

    await core.jobs.cancel(f"deploy:{target.id}")
    left = await now(core)
    await core.targets.update("shop", "web1", check_command="true")
    await core.deployments.take_up()
    (ended,) = await core.deployments.settled()

    assert (left.state, left.worker, left.former) == (TargetState.UPLOADING, None, "")
    assert (ended.state, ended.former) == (TargetState.DEPLOYED, None)
    assert await put(core, tmp_path) == 1


async def test_one_end_server_is_not_asked_for_two_things_at_once(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    command = f"mkdir {tmp_path / 'busy'} && sleep 0.05 && rmdir {tmp_path / 'busy'}"
    for name in ("web1", "web2", "web3"):
        if name != "web1":
            await add(core, tmp_path, name)
        await core.targets.update("shop", name, check_command=command)

    await core.deployments.deploy("shop")
    ended = await core.deployments.settled()

    assert [row.error for row in ended] == ["", "", ""]


async def test_a_locked_vault_keeps_everything_waiting(core: Core, shop: Certificate) -> None:
    core.access.lock()

    with pytest.raises(VaultLocked):
        await core.deployments.take_up()
    with pytest.raises(VaultLocked):
        await core.deployments.deploy("shop")
    assert (await now(core)).state == TargetState.WAITING


Proved = Callable[[str], Awaitable[list[tuple[Target, Served | None]]]]


@pytest.fixture
def looking(core: Core, shop: Certificate) -> Proved:
    """Verifies with a server that shows what the test says, after a deployment."""

    async def look(outcome: str) -> list[tuple[Target, Served | None]]:
        async def prove(verify: str, *_: object, **__: object) -> Served:
            return Served(outcome=outcome, detail=f"{verify}: {outcome}")

        deployments = Deployments(
            core.context, core.targets, core.deployments._deployer, core.jobs, prove
        )
        return await deployments.verify("shop")

    return look


async def test_looking_keeps_what_was_seen(core: Core, looking: Proved, tmp_path: Path) -> None:
    await core.deployments.deploy("shop")
    await core.deployments.settled()
    assert [served for _, served in await looking("verified")] == [None], "no address to look at"
    await core.targets.update("shop", "web1", verify="www.example.org")
    assert (await now(core)).state == TargetState.WAITING

    seen = []
    for outcome in ("verified", "unreachable", "stale", "verified"):
        ((target, served),) = await looking(outcome)
        assert served is not None
        assert served.outcome == outcome
        seen.append((target.state, bool(target.error), target.next_attempt_at is not None))

    assert seen == [
        (TargetState.VERIFIED, False, False),
        (TargetState.DEPLOYED, True, False),
        (TargetState.STALE, True, True),
        (TargetState.VERIFIED, False, False),
    ]


async def test_looking_says_nothing_against_a_version_that_is_still_to_come(
    core: Core, looking: Proved
) -> None:
    await core.targets.update("shop", "web1", verify="www.example.org")

    ((target, _),) = await looking("stale")

    assert target.state == TargetState.WAITING
    assert target.error


def test_the_jobs_of_deployments_are_told_from_others() -> None:
    assert queue._job("x") == "deploy:x"
    assert not queue.LOOKING.startswith(queue._job(""))


async def test_the_monitor_hears_of_what_is_not_where_it_belongs(
    core: Core, shop: Certificate, looking: Proved
) -> None:
    within = timedelta(days=1)
    assert await core.alerts.all(within=within) == []
    await core.targets.update("shop", "web1", check_command="exit 3", verify="www.example.org")
    await core.deployments.deploy("shop")
    await core.deployments.settled()

    (failed,) = await core.alerts.all(within=within)
    await looking("stale")
    (stale,) = await core.alerts.all(within=within)

    assert (failed.what, failed.certificate) == ("not-deployed", "shop")
    assert "target web1: exit 3 ended with 3" in failed.text
    assert (stale.what, stale.text) == ("stale", "target web1: www.example.org:443: stale")
