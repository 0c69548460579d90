"""Targets and deployments by commands: set up, put, put back, looked at, and the exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kmtui.cli import main as cli
from tests.cli.conftest import Run
from tests.cli.test_renew import NAME, make_due, only

PAIR = ("privkey.pem", "fullchain.pem")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves the inventory that all of them begin with."""
    return tmp_path_factory.mktemp("template") / "home"


@pytest.fixture
def held(run: Run, template: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """An inventory with one saved certificate and an end server on this machine."""
    if template.exists():
        shutil.copytree(template, tmp_path, dirs_exist_ok=True)
        return run
    ready = request.getfixturevalue("ready")
    ready("server", "add", "here", "--kind", "local", "--webroot", str(tmp_path))
    ready("request", "new", "-d", NAME, "--account", "main", "--save", "always")
    shutil.copytree(tmp_path, template)
    return run


def add(run: Run, tmp_path: Path, name: str = "web1", *more: str) -> Any:
    directory = str(tmp_path / "tls" / name)
    answer = run("target", "add", NAME, name, "--server", "here", "--dir", directory, *more)
    return answer["target"]


def test_a_target_is_added_listed_shown_changed_and_forgotten(held: Run, tmp_path: Path) -> None:
    added = add(
        *(held, tmp_path, "web1", "--mode", "0600", "--layout", "versioned"),
        *("--check", "true", "--reload", "true"),
    )
    hook = held("target", "add", NAME, "lb", "--exec", "/bin/true --to lb1")["target"]

    assert (added["certificate"], added["name"], added["server"]) == (NAME, "web1", "here")
    assert (added["layout"], added["mode"], added["state"]) == ("versioned", "0600", "waiting")
    assert (added["wanted_version"], added["version"], added["error"]) == (1, None, None)
    assert added["paths"]["privkey.pem"] == f"{tmp_path}/tls/web1/current/privkey.pem"
    assert (hook["exec"], hook["server"], hook["mode"]) == ("/bin/true --to lb1", None, None)
    listed = held("target", "list", unlocked=False)["targets"]
    assert [row["name"] for row in listed] == ["lb", "web1"]
    assert held("target", "list", NAME)["targets"] == listed
    changed = held("target", "update", NAME, "web1", "--check", "", "--owner", "root")["target"]
    assert (changed["check"], changed["reload"], changed["owner"]) == (None, "true", "root")
    assert held("target", "delete", NAME, "lb", code=2)["error"]["field"] == "yes"
    held("target", "delete", NAME, "lb", "--yes")
    shown = held("target", "show", NAME, "web1", unlocked=False)
    assert (shown["target"]["name"], shown["deployments"]) == ("web1", [])
    assert held("target", "show", NAME, "lb", code=5)["error"]["code"] == "not-found"


def test_bad_settings_name_their_option(held: Run, tmp_path: Path) -> None:
    here = ("target", "add", NAME, "web1", "--server", "here")

    assert held(*here, code=2)["error"]["field"] == "dir"
    for option, word in (("--mode", "0644"), ("--mode", "rw"), ("--owner", "a b")):
        answer = held(*here, "--dir", "/etc/tls", option, word, code=2)
        assert answer["error"]["field"] == option.removeprefix("--")
    assert held("target", "add", NAME, "x", "--exec", "true", code=2)["error"]["field"] == "exec"
    assert held("target", "list")["targets"] == []


def test_a_certificate_is_put_and_put_back(held: Run, tmp_path: Path) -> None:
    add(held, tmp_path)
    first = held("cert", "deploy", NAME)
    one = [(tmp_path / "tls" / "web1" / name).read_bytes() for name in PAIR]

    renewed = held("cert", "renew", NAME)
    two = [(tmp_path / "tls" / "web1" / name).read_bytes() for name in PAIR]
    back = held("cert", "rollback", NAME, "--version", "1", "--target", "web1")

    assert (only(first["targets"])["state"], first["summary"]["deployed"]) == ("deployed", 1)
    assert (only(renewed["targets"])["version"], renewed["summary"]["deployed"]) == (2, 1)
    assert one != two
    assert (only(back["targets"])["version"], only(back["targets"])["wanted_version"]) == (1, 1)
    assert [(tmp_path / "tls" / "web1" / name).read_bytes() for name in PAIR] == one
    history = held("target", "show", NAME, "web1")["deployments"]
    assert [(row["version"], row["outcome"]) for row in history] == [
        *((1, "deployed"), (2, "deployed"), (1, "deployed")),
    ]
    assert held("cert", "rollback", NAME, "--version", "9", code=5)
    assert held("cert", "deploy", NAME, "--target", "web9", code=5)


def test_saving_by_hand_puts_it_too(held: Run, tmp_path: Path) -> None:
    add(held, tmp_path)
    held("cert", "set", NAME, "--auto-save", "ask")
    held("cert", "renew", NAME)

    answer = held("cert", "save", NAME)

    assert only(answer["targets"])["version"] == 2
    assert only(held("target", "list")["targets"])["state"] == "deployed"


def test_failures_are_told_kept_and_counted(held: Run, tmp_path: Path) -> None:
    add(held, tmp_path, "good")
    add(held, tmp_path, "bad", "--check", "echo no such file; exit 1")

    partly = held("cert", "deploy", NAME, code=3)
    failed = held("cert", "deploy", NAME, "--target", "bad", code=1)

    states = {row["name"]: row["state"] for row in partly["targets"]}
    assert states == {"good": "deployed", "bad": "failed"}
    assert partly["summary"] == {"deployed": 1, "not_deployed": 1}
    bad = only(failed["targets"])
    assert "ended with 1: no such file" in bad["error"]
    assert bad["hint"]
    assert bad["next_attempt_at"]
    alert = only(held("check", code=1, unlocked=False)["alerts"])
    assert (alert["what"], alert["certificate"]) == ("not-deployed", NAME)
    held("target", "update", NAME, "bad", "--check", "")
    resumed = held("resume")
    assert only(resumed["targets"])["state"] == "deployed"
    assert resumed["summary"]["deployed"] == 1
    assert held("check", unlocked=False)["alerts"] == []


def test_the_unattended_run_puts_what_it_renewed_and_what_was_due(
    held: Run, tmp_path: Path
) -> None:
    add(held, tmp_path)
    first = held("renew", "--due")
    make_due(tmp_path / "data")

    done = held("renew", "--due")
    idle = held("renew", "--due")

    assert (only(first["targets"])["version"], first["requests"]) == (1, [])
    assert only(done["targets"])["version"] == 2
    assert (done["summary"]["available"], done["summary"]["deployed"]) == (1, 1)
    assert (idle["targets"], idle["summary"]["deployed"]) == ([], 0)


def test_a_run_that_cannot_put_something_says_so_by_its_code(held: Run, tmp_path: Path) -> None:
    add(held, tmp_path, "web1", "--check", "false")

    alone = held("renew", "--due", code=1)
    make_due(tmp_path / "data")
    partly = held("renew", "--due", code=3)

    assert alone["summary"]["not_deployed"] == 1
    assert (partly["summary"]["available"], partly["summary"]["not_deployed"]) == (1, 1)


def test_looking_at_what_is_served_tells_by_its_code(held: Run, tmp_path: Path) -> None:
    add(held, tmp_path)
    assert only(held("target", "verify", unlocked=False)["targets"])["served"] is None
    held("cert", "deploy", NAME)
    held("target", "update", NAME, "web1", "--verify", "127.0.0.1:1")

    seen = only(held("target", "verify", NAME, code=1, unlocked=False)["targets"])

    assert seen["served"]["outcome"] == "unreachable"
    assert "127.0.0.1:1" in seen["error"]


def test_people_read_the_steps_and_a_table(
    held: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "vault.key")]
    directory = str(tmp_path / "tls")

    def said(*words: str) -> tuple[str, str]:
        assert cli.run([*base, *words]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    out, _ = said(
        *("target", "add", NAME, "web1", "--server", "here", "--dir", directory),
        *("--check", "printf 'fine\\033[2J'"),
    )
    assert f"kmtui cert deploy {NAME} --target web1 puts version 1 there now" in out
    out, steps = said("cert", "deploy", NAME)
    assert "+ deployed" in out
    for step in ("uploading version 1 to this machine", "checking: ", "version 1 is in its place"):
        assert f"{NAME} web1 {step}" in steps
    assert "| fine" in steps
    assert "\x1b" not in steps, "what a command prints is filtered"
    out, _ = said("target", "list")
    assert "here:" + directory in out
    out, _ = said("target", "show", NAME, "web1")
    assert f"fullchain.pem    {directory}/fullchain.pem" in out


def test_no_document_and_no_line_holds_a_key(
    held: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(held, tmp_path)
    held("cert", "deploy", NAME)
    key = (tmp_path / "tls" / "web1" / "privkey.pem").read_text().splitlines()[1]

    documents = [held("target", "show", NAME, "web1"), held("activity"), held("target", "list")]

    assert key not in json.dumps(documents)
    assert key.encode() not in (tmp_path / "data" / "kmtui.db").read_bytes()
