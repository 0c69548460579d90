"""The life of an account by commands: changed, exported, deleted, added back, ended."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from tests.cli.conftest import Run


def test_an_account_is_exported_deleted_and_comes_back(ready: Run, tmp_path: Path) -> None:
    ready("request", "new", "-d", "a.kmtui.test", "--account", "main", "--save", "always")
    before = ready("account", "show", "main")["account"]
    assert before["renewing"] == ["a.kmtui.test"]
    path = tmp_path / "main.pem"

    exported = ready("account", "export-key", "main", "--out", str(path))
    assert (exported["file"], exported["format"]) == (str(path), "pem")
    assert "PRIVATE" not in json.dumps(exported)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    refused = ready("account", "export-key", "main", "--out", str(path), code=1)["error"]
    assert "--force" in refused["hint"]
    ready("account", "export-key", "main", "--out", str(path), "--format", "jwk", "--force")
    assert json.loads(path.read_text())["kty"] == "EC"

    # deleting needs a word about the key, a yes, and nothing that renews
    assert ready("account", "delete", "main", code=2)["error"]["field"] == "yes"
    unsaid = ready("account", "delete", "main", "--yes", code=2)["error"]
    assert unsaid["field"] == "key-out"
    out = tmp_path / "kept.pem"
    kept = ("account", "delete", "main", "--yes", "--key-out", str(out))
    assert "a.kmtui.test" in ready(*kept, code=1)["error"]["message"]
    deleted = ready(*kept, "--force")
    assert deleted["key_file"] == str(out)
    assert len(deleted["certificates_without_account"]) == 1
    assert ready("account", "list")["accounts"] == []

    added = ready("account", "add", "back", "--ca", "lab", "--key", str(out))["account"]
    assert added["account_url"] == before["account_url"]
    assert (added["status"], added["email"]) == ("valid", "ops@kmtui.test")
    ready("cert", "set", "a.kmtui.test", "--account", "back")
    assert ready("account", "show", "back")["account"]["renewing"] == ["a.kmtui.test"]
    done = [(line["action"], line["outcome"]) for line in ready("activity")["activity"]]
    for action in ("account export-key", "account delete", "account add"):
        assert (action, "ok") in done


def test_the_address_is_changed_and_the_account_tested(ready: Run) -> None:
    changed = ready("account", "update", "main", "--email", "new@kmtui.test")["account"]
    assert changed["email"] == "new@kmtui.test"
    assert ready("account", "update", "main", code=2)["error"]["field"] == "email"
    assert ready("account", "update", "main", "--email", "x", code=2)["error"]["field"] == "email"

    tested = ready("account", "test", "main")["test"]
    assert (tested["ok"], tested["type"]) == (True, "account")


def test_agreeing_names_the_terms_and_takes_up_nothing_when_nothing_waits(
    ready: Run,
) -> None:
    agreed = ready("account", "update", "main", "--agree-tos")

    assert (agreed["requests"], agreed["refused"]) == ([], [])
    assert agreed["account"]["terms_url"].endswith("/terms")


def test_an_unknown_key_is_explained_and_registers_nothing(ready: Run, tmp_path: Path) -> None:
    path = tmp_path / "main.pem"
    ready("account", "delete", "main", "--yes", "--key-out", str(path))
    path.write_text("no key")

    refused = ready("account", "add", "x", "--ca", "lab", "--key", str(path), code=2)["error"]

    assert refused["field"] == "key"
    assert ready("account", "list")["accounts"] == []


def test_a_ca_that_cannot_change_keys_says_so_and_the_key_stays(ready: Run) -> None:
    before = ready("account", "show", "main")["account"]

    refused = ready("account", "roll-key", "main", code=1)["error"]

    assert "does not offer" in refused["message"]
    assert ready("account", "show", "main")["account"] == before
    assert ready("resume")["accounts"] == []


def test_ending_an_account_lists_what_renews_no_more(ready: Run, tmp_path: Path) -> None:
    ready("request", "new", "-d", "a.kmtui.test", "--account", "main", "--save", "always")

    unsure = ready("account", "deactivate", "main", code=2)["error"]
    assert "a.kmtui.test" in unsure["message"]
    assert "never come back" in unsure["message"]
    ended = ready("account", "deactivate", "main", "--yes")
    assert (ended["account"]["status"], ended["renewing"]) == ("deactivated", ["a.kmtui.test"])

    (listed,) = ready("account", "list")["accounts"]
    assert listed["status"] == "deactivated"
    refused = ready("request", "new", "-d", "b.kmtui.test", "--account", "main", code=1)["error"]
    assert "deactivated" in refused["message"]
    path = tmp_path / "dead.pem"
    ready("account", "delete", "main", "--yes", "--key-out", str(path), "--force")
    back = ready("account", "add", "main", "--ca", "lab", "--key", str(path), code=1)["error"]
    assert "deactivated" in back["message"]
    assert "final" in back["hint"]


def test_people_read_what_happened_and_what_to_do(
    ready: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "vault.key")]
    path = str(tmp_path / "main.pem")

    for command, said in (
        (["export-key", "main", "--out", path], "not encrypted"),
        (["show", "main"], "Thumbprint"),
        (["delete", "main", "--discard-key", "--yes"], "it lives on"),
        (["add", "main", "--ca", "lab", "--key", path], "valid"),
        (["deactivate", "main", "--yes"], "for ever"),
    ):
        assert cli.run([*options, "account", *command]) == 0
        assert said in capsys.readouterr().out
