"""Notifications and units by command: set in pieces, tried, taken away, never with a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from tests.cli.conftest import CANARY, Run

MAIL = ("--smtp-host", "mail.example.org", "--from", "ca@example.org", "--to", "ops@example.org")


@pytest.fixture
def opened(run: Run) -> Run:
    run("vault", "init")
    return run


def test_settings_are_given_in_pieces_shown_without_secrets_and_taken_away(
    opened: Run, tmp_path: Path
) -> None:
    secret = tmp_path / "smtp"
    secret.write_text(CANARY)
    secret.chmod(0o600)

    assert opened("notify", "show")["notify"] is None
    first = opened("notify", "set", *MAIL)["notify"]
    second = opened(
        *("notify", "set", "--smtp-user", "ca", "--smtp-password-file", str(secret)),
        *("--smtp-security", "tls", "--within", "30d", "--digest", "off"),
        *("--command", "/usr/local/bin/page 'the ops'"),
    )["notify"]
    mailless = opened("notify", "set", "--smtp-host", "")["notify"]
    off = opened("notify", "off")["notify"]

    assert first["mail"] == {
        "host": "mail.example.org",
        "port": 587,
        "security": "starttls",
        "user": None,
        "password": False,
        "from": "ca@example.org",
        "to": ["ops@example.org"],
        "own_ca": False,
    }
    assert (first["command"], first["within_days"], first["digest"]) == (None, 14, True)
    assert (second["mail"]["port"], second["mail"]["user"]) == (465, "ca")
    assert second["mail"]["password"] is True
    assert second["command"] == ["/usr/local/bin/page", "the ops"]
    assert (second["within_days"], second["digest"]) == (30, False)
    assert (mailless["mail"], mailless["command"]) == (None, second["command"])
    assert off is None
    assert CANARY not in json.dumps(opened("activity"))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ((), "smtp-host"),
        (("--smtp-host", "mail.example.org"), "smtp-host"),
        ((*MAIL, "--smtp-security", "none"), "smtp-security"),
        (("--command", "page 'ops"), "command"),
        (("--command", "page"), "command"),
    ],
)
def test_what_is_missing_or_wrong_names_the_option(
    opened: Run, words: tuple[str, ...], field: str
) -> None:
    assert opened("notify", "set", *words, code=2)["error"]["field"] == field


def test_a_test_that_does_not_get_through_ends_with_1_and_stands_in_check(opened: Run) -> None:
    opened("notify", "set", "--command", "/bin/false")

    refused = opened("notify", "test", code=1)["error"]
    alert = opened("check", code=1, unlocked=False)["alerts"][0]
    opened("notify", "set", "--command", "/bin/true")
    sent = opened("notify", "test")

    assert refused["code"] == "notification"
    assert alert["what"] == "not-told"
    assert sent["sent"] is True
    assert opened("check", unlocked=False)["alerts"] == []
    run = opened("renew", "--due")
    assert run["notified"] == "digest"
    assert opened("check", unlocked=False)["last_run"]["failed"] == 0


def test_the_units_are_printed_for_this_inventory_and_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(tmp_path), "--key-file", "/etc/kmtui/vault.key"]

    assert cli.run([*options, "systemd", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["units"]
    assert cli.run(["--data", str(tmp_path), "systemd"]) == 0
    shown = capsys.readouterr()

    service = found["kmtui-renew.service"]
    assert f"--data {tmp_path} renew --due" in service
    assert "LoadCredential=kmtui.key:/etc/kmtui/vault.key" in service
    assert set(found) == {"kmtui-renew.service", "kmtui-renew.timer"}
    assert "# /etc/systemd/system/kmtui-renew.timer" in shown.out
    assert "kmtui vault add-key-file" in shown.err
