"""The audit trail: newest first, filtered, verified, and a way to the thing acted on."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmtui.core import last_run
from kmtui.core.core import Core
from kmtui.core.last_run import LastRun
from kmtui.db import activity
from kmtui.db.files import FILE_NAME
from kmtui.screens.last_run_words import last_run_cell
from tests.core.conftest import Bench
from tests.db.samples import Filled
from tests.screens.shop import SIZES
from tests.screens.workbench import NARROW, WIDE, opened, press, shows, until
from tests.terminal import line_with, screen_lines, screen_text

HOSTILE = "x [/foo] [@click=app.quit]y\x1b]52;c;aGk=\x07\u202e"


async def test_an_empty_trail_says_what_fills_it(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "data", actor="tester@here")
    async with opened(core, "activity") as pilot:
        await shows(pilot, "Nothing was done yet.")
    await core.close(seconds=5)


@SIZES
async def test_the_newest_line_comes_first_and_O_turns_it_around(
    bench: Bench, size: tuple[int, int]
) -> None:
    async with opened(bench.core, "activity", size) as pilot:
        await shows(pilot, "8 actions   no unattended run yet")
        assert "mapping add" in screen_lines(pilot.app)[3]
        assert line_with(pilot.app, "dns add").lstrip().startswith("+ 20")

        await press(pilot, "O")
        assert "vault init" in screen_lines(pilot.app)[3]
        assert "ca add" in screen_lines(pilot.app)[4]


async def test_the_filter_takes_words_and_qualifiers(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await pilot.press("slash", *"what:mapping", "enter")
        text = await shows(pilot, "/what:mapping")

        assert "mapping add" in text
        assert "dns add" not in text


async def test_a_new_action_appears_by_itself(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await shows(pilot, "8 actions")
        await bench.core.mappings.add("*.kmtui.test", dns="lab")
        await shows(pilot, "9 actions")

        assert "*.kmtui.test" in screen_lines(pilot.app)[3]


async def test_enter_opens_the_certificate_acted_on(core: Core, filled: Filled) -> None:
    certificate = filled.certificate("shop.example.org")
    filled.version(certificate)
    await core.certificates.save(certificate.id)

    async with opened(core, "activity") as pilot:
        await shows(pilot, "ok version 1")
        await press(pilot, "enter")
        await shows(pilot, "Certificates > shop.example.org")


@pytest.mark.parametrize(
    ("what", "crumbs"),
    [
        ("account", "Accounts > practice"),
        ("ca", "CAs > sandbox"),
        ("dns", "DNS > lab"),
        ("server", "Servers > listener"),
        ("mapping", "Names"),
    ],
)
async def test_enter_opens_the_thing_acted_on_and_escape_comes_back(
    bench: Bench, what: str, crumbs: str
) -> None:
    async with opened(bench.core, "activity") as pilot:
        await pilot.press("slash", *f"what:{what}", "enter")
        await shows(pilot, f"/what:{what}")

        await press(pilot, "enter")
        await shows(pilot, crumbs)

        await press(pilot, "escape")
        await shows(pilot, f"/what:{what}")


async def test_what_was_deleted_keeps_its_lines_and_says_so(bench: Bench) -> None:
    await bench.core.cas.add("house", directory_url="https://127.0.0.1:1/directory")
    await bench.core.cas.remove("house")
    async with opened(bench.core, "activity") as pilot:
        assert "ca remove" in await shows(pilot, "house")

        await press(pilot, "enter")

        await shows(pilot, "house is not there any more; what was done to it stays here")


async def test_enter_says_when_there_is_nothing_to_open(core: Core) -> None:
    await core.notifications.clear()
    async with opened(core, "activity") as pilot:
        await shows(pilot, "notify off")
        await press(pilot, "enter")
        await shows(pilot, "notify off: there is nothing more to show")


@SIZES
async def test_the_line_says_where_whoever_acted_came_from(
    core: Core, size: tuple[int, int]
) -> None:
    origin = "uid 1000, sudo mary, ssh 192.0.2.7"
    object.__setattr__(core.context, "origin", origin)
    await core.cas.add("house", directory_url="https://127.0.0.1:1/directory")

    async with opened(core, "activity", size) as pilot:
        await shows(pilot, f"({origin}) · house · ok")


async def test_an_intent_without_a_result_is_told_as_interrupted(core: Core) -> None:
    account = {"object_type": "account", "object_id": "a1", "object_name": "main"}
    early = core.context.clock() - timedelta(hours=2)
    for outcome in ("started", "ok", "started"):
        await core.context.db.write(
            lambda session, outcome=outcome: activity.append(  # type: ignore[misc]
                session, at=early, actor="x", action="account roll-key", outcome=outcome, **account
            )
        )
    async with opened(core, "activity") as pilot:
        await shows(pilot, "4 actions")
        assert [line.split()[-1] for line in screen_lines(pilot.app)[3:6]] == [
            *("interrupted", "ok", "started"),
        ]


async def test_t_reads_the_trail_and_says_whether_it_holds(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await shows(pilot, "8 actions")
        await press(pilot, "t")
        await shows(pilot, "8 lines, the chain holds")

        raw = sqlite3.connect(bench.core.data / FILE_NAME)
        raw.execute("DROP TRIGGER activity_refuses_delete")
        raw.execute("DELETE FROM activity WHERE id = 3")
        raw.commit()
        raw.close()
        await press(pilot, "t")
        await shows(pilot, "line 4 does not follow from the one before")
        await press(pilot, "exclamation_mark")
        await shows(pilot, "compare it with a backup")


async def test_the_last_unattended_run_is_told(core: Core) -> None:
    await core.unattended.run()
    await core.cas.add("house", directory_url="https://127.0.0.1:1/directory")
    async with opened(core, "activity") as pilot:
        await shows(pilot, "2 actions   unattended run just now: nothing was due")


async def test_a_run_that_nobody_makes_any_more_is_an_alarm_here_and_at_home(
    core: Core, filled: Filled
) -> None:
    certificate = filled.certificate("shop.example.org")
    filled.version(certificate, saved=True)
    late = LastRun(at=core.context.clock() - timedelta(days=3), actor="timer@here")
    await core.context.db.write(lambda session: last_run.put(session, late))

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate   no unattended run")
        await press(pilot, "6")
        await shows(pilot, "no unattended run for 3d: kmtui systemd prints a timer")

        await core.unattended.run()
        await press(pilot, "1", "ctrl+r")
        await until(pilot, lambda: "no unattended" not in screen_text(pilot.app), "the alarm stays")


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"due": 3, "renewed": 2, "failed": 1}, "unattended run 2h ago: 1 of 3 due failed"),
        ({"due": 3, "renewed": 3}, "unattended run 2h ago: 3 of 3 due renewed"),
        ({"error": "the clock is wrong"}, "unattended run 2h ago: the clock is wrong"),
    ],
)
def test_a_run_is_told_by_what_came_of_it(run: dict[str, Any], told: str) -> None:
    now = datetime.now(UTC)
    made = LastRun(at=now - timedelta(hours=2), actor="timer@here", **run)

    assert last_run_cell(made, absent=False, now=now)[0] == told


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_words_are_only_text(core: Core, size: tuple[int, int]) -> None:
    await core.cas.add("own", directory_url="https://127.0.0.1:1/directory", title=HOSTILE)
    object.__setattr__(core.context, "origin", HOSTILE)
    object.__setattr__(core.context, "actor", HOSTILE)
    await core.cas.remove("own")
    async with opened(core, "activity", size) as pilot:
        text = await shows(pilot, "ca remove")
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        await press(pilot, "enter")
        assert not {"\x1b", "\x07", "\u202e"} & set(await shows(pilot, "not there any more"))
