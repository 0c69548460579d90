"""Renewing and setting certificates, and the monitor's question, by commands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kmtui.cli import main as cli
from kmtui.core.core import Core
from kmtui.db import renewal
from kmtui.model import RenewalPlan
from tests.cli.conftest import Run

NAME = "www.kmtui.test"


@pytest.fixture
def held(ready: Run) -> Run:
    """An inventory with one saved certificate that saves itself."""
    ready("request", "new", "-d", NAME, "--account", "main", "--save", "always")
    return ready


def make_due(data: Path) -> None:
    """Let the certificate's time to renew have come an hour ago."""

    async def act() -> None:
        core = await Core.open(data, actor="tester@here")
        certificate = await core.certificates.get(NAME)
        now = core.context.clock()
        plan = RenewalPlan(
            certificate_id=certificate.id,
            version_number=certificate.current_version or 0,
            source="lifetime",
            renew_at=now - timedelta(hours=1),
            next_check_at=now + timedelta(days=1),
        )
        await core.context.db.write(lambda session: renewal.put(session, [plan]))
        await core.close()

    asyncio.run(act())


def only(rows: list[Any]) -> Any:
    (row,) = rows
    return row


def test_how_it_is_renewed_is_set_shown_and_taken_away_again(held: Run) -> None:
    changed = held(
        *("cert", "set", NAME, "--reuse-key", "on", "--chain", "Some Root"),
        *("--profile", "classic", "--profile-mode", "preferred"),
    )["certificate"]
    again = held("cert", "set", NAME, "--chain", "", "--profile", "")["certificate"]

    assert (changed["reuse_key"], changed["chain"]) == (True, "Some Root")
    assert (changed["profile"], changed["profile_mode"]) == ("classic", "preferred")
    assert (again["reuse_key"], again["chain"], again["profile"]) == (True, None, None)
    held("cert", "set", NAME, code=2)


def test_the_unattended_run_renews_what_is_due_and_nothing_else(held: Run, tmp_path: Path) -> None:
    assert held("renew", "--due")["due"] == 0
    make_due(tmp_path / "data")

    foreseen = held("renew", "--due", "--dry-run", unlocked=False)
    done = held("renew", "--due")
    again = held("renew", "--due")

    verdict = only(foreseen["certificates"])
    assert (verdict["name"], verdict["due"], foreseen["requests"]) == (NAME, True, [])
    assert verdict["why"]
    assert verdict["at"]
    request = only(done["requests"])
    assert (request["kind"], request["status"], request["version"]) == ("renew", "saved", 2)
    assert (done["due"], done["summary"]["available"], done["put_off"]) == (1, 1, 0)
    assert (again["due"], again["requests"]) == (0, [])
    assert held("cert", "show", NAME)["certificate"]["current_version"] == 2


def test_a_certificate_is_renewed_by_hand_and_told_about(held: Run) -> None:
    answer = held("cert", "renew", NAME)

    assert (answer["request"]["status"], answer["request"]["version"]) == ("saved", 2)
    shown = held("cert", "show", NAME)
    assert shown["renewal"]["due"] is False
    assert "the CA suggests renewing between" in shown["renewal"]["why"]
    assert held("cert", "renew", "nobody.kmtui.test", code=5)["error"]["code"] == "not-found"


def test_a_renewal_left_alone_is_taken_up_later(held: Run) -> None:
    answer = held("cert", "renew", NAME, "--no-wait")

    assert answer["request"]["status"] == "queued"
    assert only(held("resume")["requests"])["status"] == "saved"


def test_what_is_set_is_shown_and_obeyed(held: Run, tmp_path: Path) -> None:
    changed = held(
        "cert", "set", NAME, "--auto-renew", "off", "--auto-save", "ask", "--name", "shop"
    )
    make_due(tmp_path / "data")

    certificate = changed["certificate"]
    assert (certificate["name"], certificate["auto_renew"]) == ("shop", False)
    assert certificate["auto_save"] == "ask"
    assert changed["renewal"]["blocked"] == "auto-renew-off"
    assert held("renew", "--due")["requests"] == []
    assert held("cert", "set", "shop", code=2)["error"]["code"] == "invalid-input"
    assert held("cert", "set", "shop", "--account", "nobody", code=5)


def test_the_monitor_hears_of_what_expires(held: Run) -> None:
    assert held("check", unlocked=False)["alerts"] == []

    alert = only(held("check", "--within", "900d", code=1, unlocked=False)["alerts"])

    assert (alert["certificate"], alert["what"]) == (NAME, "expires")


def test_renew_wants_to_be_told_what(held: Run) -> None:
    assert held("renew", code=2)["error"]["field"] == "due"


def test_people_read_a_line_for_each_certificate(
    held: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, key = str(tmp_path / "data"), str(tmp_path / "vault.key")

    def lines(*words: str) -> list[str]:
        assert cli.run(["--data", data, "--key-file", key, *words]) == 0
        return capsys.readouterr().out.splitlines()

    assert any(NAME in line and "the CA suggests" in line for line in lines("renew", "--due"))
    assert lines("renew", "--due")[-1] == "1 certificate, 0 due"
    assert any(line.startswith("Last attempt") for line in lines("cert", "show", NAME))
    assert lines("cert", "set", NAME, "--auto-renew", "off") == [
        f"{NAME} is changed; renewal: auto-renew is off"
    ]
