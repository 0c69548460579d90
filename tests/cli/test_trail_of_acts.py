"""Every act leaves its lines: an intent before an effect outside, a result after it, an unbroken
chain over all of them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kmtui.core.sandbox.sandbox import Sandbox
from kmtui.db.files import FILE_NAME
from tests.cli.conftest import Run
from tests.core.imports.made import made, written

SHOP, MAIL = "shop.kmtui.test", "mail.kmtui.test"

ACTS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("vault add-key-file {d}/second.key", 0, ("vault add ok",)),
    ("ca add third --directory {directory}", 0, ("ca add ok",)),
    ("ca remove third", 0, ("ca remove ok",)),
    (
        f"request new -d {SHOP} --account main --name shop",
        0,
        ("request issue started", "issue ok"),
    ),
    ("cert save shop", 0, ("save ok",)),
    (
        "target add shop edge --server here --dir {d}/tls",
        0,
        ("target add ok",),
    ),
    ("cert deploy shop", 0, ("deploy by hand ok", "deploy started", "deploy ok")),
    ("cert renew shop", 0, ("request renew started", "renew ok")),
    ("cert save shop --version 2", 0, ("save ok", "deploy started", "deploy ok")),
    ("cert use shop --version 1", 0, ("make current ok", "deploy started", "deploy ok")),
    ("cert rollback shop --version 2", 0, ("roll back ok", "deploy started", "deploy ok")),
    (
        "cert reissue shop -d {shop} -d {mail} --force",
        0,
        ("request reissue started", "reissue ok"),
    ),
    ("cert move shop --account over-there --force", 0, ("request move started", "move ok")),
    (
        "cert revoke shop --reason superseded --version 2 --yes",
        0,
        ("revoke started", "revoke ok"),
    ),
    (
        "cert export shop --format pem --with-key --version 1 --out {d}/shop.pem",
        0,
        ("export started", "export ok"),
    ),
    ("cert import {d}/away.pem", 0, ("import ok",)),
    ("cert delete shop --yes --force", 0, ("delete ok",)),
    ("cert undelete shop", 0, ("undelete ok",)),
    (
        "account update main --email new@kmtui.test",
        0,
        ("account update started", "account update ok"),
    ),
    ("account roll-key main", 1, ("account roll-key started", "account roll-key failed")),
    (
        "account export-key over-there --out {d}/account.pem",
        0,
        ("account export-key started", "account export-key ok"),
    ),
    (
        "account deactivate main --yes",
        0,
        ("account deactivate started", "account deactivate ok"),
    ),
    (
        "account delete main --key-out {d}/main.pem --yes --force",
        0,
        ("account export-key started", "account export-key ok", "account delete ok"),
    ),
    (
        "account add main --ca lab --key {d}/main.pem",
        1,
        ("account add started", "account add failed"),
    ),
    (
        "account delete over-there --key-out {d}/over.pem --yes --force",
        0,
        ("account export-key started", "account export-key ok", "account delete ok"),
    ),
    (
        "account add back --ca other --key {d}/over.pem",
        0,
        ("account add started", "account add ok"),
    ),
    (
        "account register fresh --ca other --email a@b.test --agree-tos",
        0,
        ("account register started", "account register ok"),
    ),
    ("backup {d}/copy.db", 0, ("backup started", "backup ok")),
)
"""Command, its exit code, and what it adds to the trail, the oldest first."""


@pytest.fixture
def set_up(ready: Run, sandbox: Sandbox, tmp_path: Path) -> Run:
    """Two accounts, a place for certificates, and a certificate of another CA as a file."""
    ready("ca", "add", "other", "--directory", sandbox.directory_url)
    ready(
        "account", "register", "over-there", "--ca", "other", "--email", "a@b.test", "--agree-tos"
    )
    ready("server", "add", "here", "--kind", "local", "--webroot", str(tmp_path))
    away = made("away.kmtui.test")
    written(tmp_path / "away.pem", away.fullchain_pem + away.key_pem)
    return ready


def lines(run: Run, start: int = 0) -> tuple[str, ...]:
    """The trail from a line on, oldest first: action and outcome."""
    found = run("activity", unlocked=False)["activity"]
    return tuple(f"{line['action']} {line['outcome']}" for line in reversed(found))[start:]


def test_every_act_is_on_record_from_its_intent_to_its_result_and_the_chain_holds(
    set_up: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    directory = sandbox.directory_url
    told = {}
    known = len(lines(set_up))
    for command, code, _ in ACTS:
        words = command.format(d=tmp_path, shop=SHOP, mail=MAIL, directory=directory).split()
        set_up(*words, code=code)
        told[command] = lines(set_up, known)
        known += len(told[command])

    assert told == {command: expected for command, _, expected in ACTS}
    proof = set_up("activity", "--verify")["verification"]
    assert (proof["intact"], proof["broken_at"]) == (True, None)
    assert set_up("activity", "--filter", "outcome:interrupted")["activity"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity SET detail = 'nothing' WHERE id = 5",
        "UPDATE activity SET actor = 'nobody@here' WHERE id = 5",
        "DELETE FROM activity WHERE id = 5",
        "DELETE FROM activity WHERE id BETWEEN 4 AND 6",
    ],
)
def test_a_line_that_somebody_else_touched_is_found(
    ready: Run, tmp_path: Path, statement: str
) -> None:
    raw = sqlite3.connect(tmp_path / "data" / FILE_NAME)
    for verb in ("update", "delete"):
        raw.execute(f"DROP TRIGGER activity_refuses_{verb}")
    raw.execute(statement)
    changed = raw.total_changes
    raw.commit()
    raw.close()

    proof = ready("activity", "--verify", code=1)["verification"]

    assert changed
    assert proof["broken_at"] in (5, 6, 7)
