"""The audit trail as a whole: edited, cut and rewritten trails are told from what was written."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from kmtui.core.activity import SEALED_HEAD
from kmtui.core.core import Core
from kmtui.db import settings
from kmtui.db.activity import _hash
from kmtui.db.files import FILE_NAME
from kmtui.model import Activity, ListQuery
from tests.core.deployment import stock

ORIGIN = "uid 1000, sudo mary, ssh 192.0.2.7"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """An inventory whose trail has seven lines."""
    core = await Core.open(tmp_path / "data", actor="tester@here", origin=ORIGIN)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await stock.version(core, await stock.certificate(core, "shop"))
    for label, name in pairwise(("shop", "a", "b", "c", "d", "e", "shop")):
        await core.certificates.set(label, name=name)
    yield core
    await core.close(seconds=5)


def tamper(core: Core, *statements: str) -> None:
    """Go around kmtui and its triggers."""
    raw = sqlite3.connect(core.data / FILE_NAME)
    for verb in ("update", "delete"):
        raw.execute(f"DROP TRIGGER IF EXISTS activity_refuses_{verb}")
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


def rewrite(core: Core) -> None:
    """Change a line, and make the chain anew from there: needs no key."""
    tamper(core, "UPDATE activity SET actor = 'nobody@here' WHERE id = 3")
    raw = sqlite3.connect(core.data / FILE_NAME)
    former = ""
    fields = "id, at, actor, action, object_type, object_id, object_name, outcome, detail, origin"
    for row in raw.execute(f"SELECT {fields} FROM activity ORDER BY id").fetchall():
        line = Activity(**dict(zip(fields.split(", "), row, strict=True)))
        former = _hash(former, _WithTextTime(line))
        raw.execute("UPDATE activity SET hash = ? WHERE id = ?", (former, line.id))
    raw.commit()
    raw.close()


class _WithTextTime:
    """A raw line: its time is text already."""

    def __init__(self, line: Activity) -> None:
        self._line = line

    def __getattr__(self, name: str) -> object:
        value = getattr(self._line, name)
        return datetime.fromisoformat(value) if name == "at" else value


async def test_an_untouched_trail_is_intact_and_says_from_where(core: Core) -> None:
    found = await core.activity.verify()
    lines = await core.activity.page(ListQuery(now=core.context.clock()))

    assert (found.intact, found.lines, found.broken_at) == (True, 7, None)
    assert (found.sealed_at, found.sealed_holds) == (None, None)
    assert {line.origin for line in lines} == {ORIGIN}


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE activity SET detail = 'nothing' WHERE id = 4", 4),
        ("UPDATE activity SET origin = '' WHERE id = 4", 4),
        ("UPDATE activity SET origin = 'uid 0' WHERE id = 6", 6),
        ("DELETE FROM activity WHERE id = 3", 4),
        ("DELETE FROM activity WHERE id = 1", 2),
        ("DELETE FROM activity WHERE id BETWEEN 3 AND 5", 6),
        ("UPDATE activity SET id = 99 WHERE id = 3", 4),
        # two lines in each other's place
        (
            "UPDATE activity SET id = -3 WHERE id = 3; UPDATE activity SET id = 3 WHERE id = 4;"
            "UPDATE activity SET id = 4 WHERE id = -3",
            3,
        ),
        # one that was never written
        (
            "INSERT INTO activity SELECT 8, at, actor, action, object_type, object_id,"
            " object_name, outcome, detail, hash, origin FROM activity WHERE id = 7",
            8,
        ),
    ],
)
async def test_a_line_changed_cut_or_moved_in_the_middle_is_seen(
    core: Core, statement: str, broken_at: int
) -> None:
    tamper(core, *statement.split(";"))

    found = await core.activity.verify()

    assert (found.intact, found.broken_at) == (False, broken_at)


async def test_a_chain_that_was_made_anew_is_seen_by_what_was_sealed(core: Core) -> None:
    await core.activity.seal_head()
    assert (await core.activity.verify()).sealed_holds is True

    rewrite(core)

    found = await core.activity.verify()
    assert found.broken_at is None, "the chain itself holds"
    assert (found.intact, found.sealed_holds, found.sealed_line) == (False, False, 7)
    await core.activity.seal_head()
    assert (await core.activity.verify()).sealed_holds is False, "it is not sealed over"


async def test_a_trail_cut_at_its_end_is_seen_by_what_was_sealed(core: Core) -> None:
    await core.activity.seal_head()
    await core.certificates.set("shop", name="later")

    tamper(core, "DELETE FROM activity WHERE id > 5")

    assert (await core.activity.verify()).sealed_holds is False


@pytest.mark.parametrize("text", ["nonsense", "[]", '["2026-01-01T00:00:00+00:00", 6, "", "00"]'])
async def test_a_seal_of_somebody_else_seals_nothing(core: Core, text: str) -> None:
    await core.context.db.write(lambda session: settings.put(session, SEALED_HEAD, text))

    assert (await core.activity.verify()).intact is False


async def test_a_locked_vault_leaves_what_was_sealed_open(core: Core) -> None:
    await core.activity.seal_head()
    core.access.lock()

    found = await core.activity.verify()

    assert (found.intact, found.sealed_holds, found.sealed_line) == (True, None, 7)


async def test_the_unattended_run_seals_the_trail(core: Core) -> None:
    await core.unattended.run()

    assert (await core.activity.verify()).sealed_holds is True
