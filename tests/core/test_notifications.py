"""Telling operators: what is new at once, the day once, nothing twice, and no secret ever."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, NotificationFailed, Refused
from kmtui.core.mail import mail_server
from kmtui.core.notify_settings import NotifySettings
from kmtui.db import secrets, targets
from kmtui.db.files import FILE_NAME
from kmtui.model import ListQuery, TargetState
from tests.core.deployment import stock
from tests.core.smtp_sink import SmtpSink

CANARY = "canary-5Zt9QvXw"
DAY = timedelta(days=1)


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def core(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Core]:
    """A certificate `shop` with ninety days to live."""
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await stock.version(core, await stock.certificate(core, "shop"))
    yield core
    await core.close(seconds=5)


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink(users={"ca": CANARY}) as sink:
        yield sink


def by_mail(sink: SmtpSink) -> NotifySettings:
    server = mail_server(
        "127.0.0.1",
        port=sink.port,
        sender="kmtui@example.org",
        recipients=["ops@example.org"],
        user="ca",
        ca_bundle=sink.ca_bundle,
    )
    return NotifySettings(mail=server)


def subjects(sink: SmtpSink) -> list[str]:
    return [str(each.mail["Subject"]) for each in sink.delivered]


async def broken_target(core: Core, name: str, error: str) -> None:
    target = await core.targets.add("shop", name, hook="/bin/true")
    fields = {"state": TargetState.FAILED, "error": error, "next_attempt_at": None}
    await core.context.db.write(lambda s: targets.update(s, target.id, **fields))


# --- what is told, and when -----------------------------------------------------------------------


async def test_the_day_is_told_once_also_when_all_is_well(
    core: Core, sink: SmtpSink, clock: MovableClock
) -> None:
    await core.notifications.set(by_mail(sink), password=CANARY)

    runs = [await core.unattended.run() for _ in range(3)]
    clock.ahead = DAY
    runs.append(await core.unattended.run())

    assert [run.notified for run in runs] == ["digest", "", "", "digest"]
    assert subjects(sink) == [
        "kmtui on here: all is well, 1 certificate, 1 issued",
        "kmtui on here: all is well, 1 certificate",
    ]
    first, second = (each.text for each in sink.delivered)
    assert "shop: version 1 (issue), valid until" in first
    assert "version 1" not in second
    assert "0 due, 0 renewed, 0 failed" in second


async def test_what_is_new_is_told_at_once_and_not_again_before_the_digest(
    core: Core, sink: SmtpSink, clock: MovableClock
) -> None:
    await core.notifications.set(by_mail(sink), password=CANARY)
    await core.unattended.run()
    await broken_target(core, "web1", "the reload failed")

    told = await core.unattended.run()
    again = await core.unattended.run()
    await broken_target(core, "web2", "no route to host")
    more = await core.unattended.run()
    clock.ahead = DAY
    daily = await core.unattended.run()

    assert [run.notified for run in (told, again, more, daily)] == ["alarm", "", "alarm", "digest"]
    assert subjects(sink)[1:] == [
        "kmtui on here: shop: target web1: the reload failed",
        "kmtui on here: shop: target web2: no route to host",
        "kmtui on here: 2 things need a look",
    ]
    assert "1 thing told before still stand" in sink.delivered[2].text
    assert sink.delivered[3].text.count("target web") == 2


async def test_what_passed_and_came_back_is_told_again(core: Core, sink: SmtpSink) -> None:
    await core.notifications.set(replace(by_mail(sink), digest=False), password=CANARY)
    await broken_target(core, "web1", "the reload failed")
    await core.unattended.run()
    target = await core.targets.get("shop", "web1")
    await core.context.db.write(lambda s: targets.update(s, target.id, error=""))
    mended = await core.unattended.run()
    await core.context.db.write(lambda s: targets.update(s, target.id, error="once more"))

    again = await core.unattended.run()

    assert (mended.notified, again.notified) == ("", "alarm")
    assert len(sink.delivered) == 2


async def test_what_expires_is_told_in_time(
    core: Core, sink: SmtpSink, clock: MovableClock
) -> None:
    await core.notifications.set(
        replace(by_mail(sink), digest=False, within_days=20), password=CANARY
    )
    await core.certificates.set("shop", auto_renew=False)

    early = await core.unattended.run()
    clock.ahead = timedelta(days=75)
    run = await core.notifications.tell()

    assert (early.notified, run.sent) == ("", "alarm")
    assert "shop: expires on" in subjects(sink)[0]


async def test_a_run_that_could_not_begin_is_told_too(
    core: Core, sink: SmtpSink, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await core.notifications.set(by_mail(sink), password=CANARY)

    async def refuse(**_: object) -> None:
        raise Refused("the clock cannot be right")

    monkeypatch.setattr(core.renewal, "run", refuse)
    with pytest.raises(Refused):
        await core.unattended.run()

    (found,) = sink.delivered
    assert "the clock cannot be right" in found.text


# --- what does not get through --------------------------------------------------------------------


async def test_what_does_not_get_through_stands_in_check_and_is_tried_again(
    core: Core, sink: SmtpSink
) -> None:
    await core.notifications.set(by_mail(sink), password="wrong")

    failed = await core.unattended.run()
    alerts = await core.alerts.all(within=DAY)
    await core.notifications.set(by_mail(sink), password=CANARY)
    mended = await core.unattended.run()

    assert failed.notified == ""
    assert "refuses the login" in failed.notes[0]
    assert [alert.what for alert in alerts] == ["not-told"]
    assert (mended.notified, mended.notes) == ("digest", ())
    assert await core.alerts.all(within=DAY) == []


async def test_by_a_command_the_words_come_in_its_environment_and_nothing_else_does(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", CANARY)
    script, out = tmp_path / "page", tmp_path / "out"
    script.write_text(f'#!/bin/sh\necho "$1" > {out}\nenv >> {out}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    await core.notifications.set(NotifySettings(command=(str(script), "to ops")))

    run = await core.unattended.run()

    said = out.read_text()
    assert run.notified == "digest"
    assert said.startswith("to ops\n")
    assert "KMTUI_NOTICE=digest" in said
    assert "KMTUI_NOTICE_SUBJECT=kmtui on here: all is well" in said
    assert CANARY not in said


async def test_one_way_is_enough_to_know(core: Core, sink: SmtpSink) -> None:
    both = replace(by_mail(sink), command=("/bin/false",))
    await core.notifications.set(both, password=CANARY)

    first = await core.unattended.run()
    second = await core.unattended.run()

    assert (first.notified, second.notified) == ("digest", "")
    assert first.notes == ("/bin/false ended with 1; kmtui notify test runs it again",)
    assert [alert.what for alert in await core.alerts.all(within=DAY)] == ["not-told"]


@pytest.mark.parametrize("command", ["/nowhere/page", "/etc/passwd"])
async def test_a_command_that_cannot_run_is_told(core: Core, command: str) -> None:
    await core.notifications.set(NotifySettings(command=(command,)))

    with pytest.raises(NotificationFailed, match="cannot run"):
        await core.notifications.test()


# --- the settings ---------------------------------------------------------------------------------


async def test_settings_are_sealed_and_a_password_is_kept_replaced_and_destroyed(
    core: Core, sink: SmtpSink
) -> None:
    stored = await core.notifications.set(by_mail(sink), password=CANARY)
    kept = await core.notifications.set(replace(stored, within_days=30))
    gone = await core.notifications.set(kept, password="")
    file = (core.data / FILE_NAME).read_bytes()
    await core.notifications.clear()

    assert (stored.has_password, kept.has_password, gone.has_password) == (True, True, False)
    assert await core.notifications.settings() is None
    assert b"127.0.0.1" not in file.replace(b"mail through 127.0.0.1", b"")
    assert CANARY.encode() not in file
    left = await core.context.db.read(lambda s: secrets.kinds(s, "setting", ["notify"]))
    assert left == {}
    with pytest.raises(Refused):
        await core.notifications.test()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (NotifySettings(), "smtp-host"),
        (NotifySettings(command=("page",)), "command"),
        (NotifySettings(command=("/bin/true",), within_days=0), "within"),
    ],
)
async def test_settings_that_tell_nobody_are_refused(
    core: Core, settings: NotifySettings, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await core.notifications.set(settings)

    assert caught.value.field == field
    assert await core.notifications.settings() is None


async def test_settings_of_somebody_else_run_nothing_and_stop_no_run(core: Core) -> None:
    await core.notifications.set(NotifySettings(command=("/bin/true",)))
    raw = sqlite3.connect(core.data / FILE_NAME)
    raw.execute("UPDATE secret SET blob = zeroblob(80) WHERE kind = 'notify-settings'")
    raw.commit()
    raw.close()

    run = await core.unattended.run()

    assert run.notified == ""
    assert [alert.what for alert in await core.alerts.all(within=DAY)] == ["not-told"]


async def test_no_message_line_or_trail_holds_the_password(core: Core, sink: SmtpSink) -> None:
    await core.notifications.set(by_mail(sink), password=CANARY)
    await core.notifications.test()
    await core.unattended.run()

    trail = await core.activity.page(ListQuery(now=core.context.clock()))
    assert len(sink.delivered) == 2
    assert all(CANARY.encode() not in each.octets for each in sink.delivered)
    assert CANARY not in repr(trail)
    assert CANARY not in repr(await core.notifications.settings())
    assert [row.action for row in trail][:3] == ["notify", "notify", "notify set"]


# --- the run that nobody makes --------------------------------------------------------------------


async def test_a_run_that_is_not_made_any_more_is_told_by_check(
    core: Core, clock: MovableClock
) -> None:
    new = await core.alerts.all(within=DAY)
    clock.ahead = timedelta(days=3)
    never = await core.alerts.all(within=DAY)
    await core.unattended.run()
    made = await core.alerts.last_run()
    fine = await core.alerts.all(within=DAY)
    clock.ahead = timedelta(days=6)
    late = await core.alerts.all(within=DAY)
    await core.certificates.set("shop", auto_renew=False)
    unwanted = await core.alerts.all(within=DAY)

    assert new == [], "a new inventory has some days to get its timer"
    assert [alert.text for alert in never] == [
        "no unattended run was made yet: kmtui systemd prints a timer for it"
    ]
    assert made is not None
    assert (made.due, made.renewed, made.failed, made.actor) == (0, 0, 0, "tester@here")
    assert fine == []
    assert [alert.what for alert in late] == ["unattended"]
    assert unwanted == [], "nothing waits for it"
