"""The commands end to end: a fresh inventory, the sandbox CA, real answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from tests.cli.conftest import CANARY, Run


def test_a_certificate_from_nothing_to_saved(ready: Run) -> None:
    issued = ready("request", "new", "-d", "*.kmtui.test", "-d", "kmtui.test", "--account", "main")
    request = issued["request"]
    assert (request["status"], request["version"], request["error"]) == ("available", 1, None)
    assert {each["status"] for each in request["challenges"]} == {"valid"}

    label = request["certificate"]
    (listed,) = ready("cert", "list")["certificates"]
    assert (listed["name"], listed["status"], listed["unsaved_version"]) == (label, "available", 1)

    assert ready("cert", "save", label)["certificate"]["current_version"] == 1
    shown = ready("cert", "show", label)
    assert shown["version"]["chain_pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in json.dumps(shown)
    (version,) = ready("cert", "history", label)["versions"]
    assert (version["status"], version["number"]) == ("current", 1)
    assert "chain_pem" not in version

    number = str(request["number"])
    assert ready("request", "show", number)["request"]["status"] == "saved"
    assert ready("request", "log", number)["log"]
    assert ready("cert", "list", "--expires-within", "1d")["certificates"] == []
    done = [line["action"] for line in ready("activity", "--since", "1d")["activity"]]
    assert {"save", "account register", "dns add"} <= set(done)


def test_a_file_of_names_gives_a_request_per_line(ready: Run, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("www.kmtui.test\na.kmtui.test b.kmtui.test\nnot a name!\n")

    answer = ready(
        *("request", "new", "--from", str(names), "--account", "main", "--save", "always"), code=3
    )

    assert [each["status"] for each in answer["requests"]] == ["saved", "saved", "failed"]
    summary = answer["summary"]
    assert (summary["available"], summary["failed"], summary["parked"]) == (2, 1, 0)
    assert len(ready("request", "list", "--status", "saved")["requests"]) == 2


def test_no_wait_leaves_a_request_to_be_taken_up(ready: Run) -> None:
    answer = ready("request", "new", "-d", "a.kmtui.test", "--account", "main", "--no-wait")
    number = str(answer["request"]["number"])
    assert answer["request"]["status"] == "queued"

    assert ready("request", "retry", number)["request"]["status"] == "available"


def test_a_request_that_fails_says_why_twice(ready: Run) -> None:
    answer = ready(
        *("request", "new", "-d", "gone.kmtui.test", "--account", "main"),
        *("--server", "web", "--timeout", "60"),
    )
    assert answer["request"]["status"] == "available"

    refused = ready("request", "new", "-d", "a.example.org", "--account", "main", code=2)
    assert refused["error"]["field"] == "challenge"


def test_the_set_up_is_listed_tested_and_removed(ready: Run) -> None:
    (account,) = ready("account", "list")["accounts"]
    assert (account["status"], account["ca"]) == ("valid", "lab")
    assert ready("account", "show", "main")["account"]["id"] == account["id"]
    (dns,) = ready("dns", "list")["dns_accounts"]
    assert (dns["secrets"], dns["zones"], dns["used_by"]) == (["tsig_secret"], ["kmtui.test"], 1)
    assert ready("dns", "test", "ns")["test"]["ok"]
    assert ready("server", "test", "web")["test"]["ok"]
    assert ready("server", "show", "web")["server"]["last_test"]["ok"]
    assert len(ready("mapping", "list")["mappings"]) == 2
    assert ready("ca", "check", "lab")["test"]["ok"]

    assert ready("server", "delete", "web", "--yes", code=1)["error"]["code"] == "refused"
    ready("mapping", "delete", "www.kmtui.test")
    ready("server", "delete", "web", "--yes")
    assert ready("server", "list")["servers"] == []
    assert ready("account", "show", "nobody", code=5)["error"]["code"] == "not-found"


def test_a_locked_vault_browses_and_says_how_to_unlock(run: Run) -> None:
    run("vault", "init")

    assert run("ca", "list", unlocked=False)["cas"]
    refused = run("mapping", "delete", "x.test", unlocked=False, code=4)["error"]
    assert refused["code"] == "vault-locked"
    assert "--key-file" in refused["hint"]


def test_read_only_changes_nothing(run: Run) -> None:
    run("vault", "init")

    refused = run("--read-only", "ca", "add", "x", "--directory", "https://x.test/d", code=6)

    assert refused["error"]["code"] == "read-only"


def test_the_vault_has_several_keys(run: Run, tmp_path: Path) -> None:
    run("vault", "init")
    run("vault", "add-key-file", str(tmp_path / "second.key"))
    first, second = run("vault", "status")["vault"]["slots"]

    run("vault", "remove-slot", str(first["id"]))

    (left,) = run("vault", "status", unlocked=False)["vault"]["slots"]
    assert left["id"] == second["id"]
    assert run("vault", "status", code=4)["error"]["code"] == "wrong-key"


def test_a_wrong_passphrase_is_code_4(run: Run, tmp_path: Path) -> None:
    for name, text in (("right", CANARY), ("wrong", CANARY + "x"), ("new", CANARY + "y")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    right, wrong, new = (
        ["--passphrase-file", str(tmp_path / n)] for n in ("right", "wrong", "new")
    )

    run(*right, "vault", "init", unlocked=False)
    assert run(*wrong, "vault", "status", unlocked=False, code=4)["error"]["code"] == "wrong-key"
    run(*right, "vault", "passwd", "--new-passphrase-file", new[1], unlocked=False)
    assert not run(*new, "vault", "status", unlocked=False)["vault"]["locked"]


def test_providers_describe_themselves_without_an_inventory(run: Run, tmp_path: Path) -> None:
    providers = {each["name"]: each for each in run("dns", "providers")["providers"]}

    fields = {field["name"]: field for field in providers["rfc2136"]["fields"]}
    assert fields["tsig_secret"]["secret"]
    assert (fields["server"]["common"], fields["ttl"]["common"]) == (False, True)
    assert not (tmp_path / "data").exists()


def test_people_read_what_a_provider_needs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["dns", "providers", "godaddy", "exec"]) == 0

    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line and not line.startswith(" ")] == [
        "godaddy: GoDaddy",
        "exec: Own commands",
        "every account",
    ]
    assert "kmtui dns add godaddy --provider godaddy" in shown
    assert "ten or more domains" in shown
    assert all(len(line) <= 102 for line in shown.splitlines())
    assert cli.run(["dns", "providers", "bind"]) == 5


def test_people_read_tables(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("vault", "init")

    assert cli.run(["--data", str(tmp_path / "data"), "ca", "list"]) == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "TITLE", "STATE", "ANSWERS", "DAYS", "EAB", "DIRECTORY"]
    assert any("retired" in row for row in rows)
