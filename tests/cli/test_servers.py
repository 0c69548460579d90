"""``kmtui server`` over SSH, as scripts use it: set up, tried, changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import CANARY, Run
from tests.servers.sshd import Sshd
from tests.servers.web import Web


@pytest.fixture
def identity(tmp_path: Path, sshd: Sshd) -> Path:
    path = tmp_path / "id_ed25519"
    path.write_text(sshd.identity)
    return path


@pytest.fixture
def where(sshd: Sshd) -> list[str]:
    """The options that lead to the SSH server."""
    return ["--host", "127.0.0.1", "--port", str(sshd.port), "--user", sshd.user]


@pytest.fixture
def ready(run: Run, where: list[str], identity: Path, sshd: Sshd) -> Run:
    """An inventory with the SSH server as ``web1``."""
    run("vault", "init")
    key = ["--identity", str(identity), "--host-key", sshd.fingerprint()]
    run("server", "add", "web1", "--kind", "ssh", *where, *key)
    return run


def test_a_server_is_set_up_tried_and_shown_without_its_secrets(
    ready: Run, sshd: Sshd, web: Web
) -> None:
    changed = ready(
        *("server", "update", "web1", "--webroot", str(web.root), "--probe", web.address)
    )["server"]
    assert changed["settings"]["webroot"] == str(web.root)

    test = ready("server", "test", "web1")["test"]

    assert test["ok"]
    said = "\n".join(line["text"] for line in test["lines"])
    assert f"its host key is ssh-ed25519 {sshd.fingerprint()}, as pinned" in said
    assert f"logged in to {sshd.user}@127.0.0.1:{sshd.port} with the key SHA256:" in said
    assert "challenge file is seen" in said
    (listed,) = ready("server", "list")["servers"]
    assert (listed["kind"], listed["secrets"]) == ("ssh", ["identity"])
    assert "PRIVATE" not in str(listed)


def test_without_a_pin_nothing_is_stored_and_the_key_it_shows_is_told(
    run: Run, where: list[str], identity: Path, sshd: Sshd
) -> None:
    run("vault", "init")

    error = run(
        *("server", "add", "web1", "--kind", "ssh", *where, "--identity", str(identity)), code=2
    )["error"]

    assert error["message"].startswith("--host-key: ")
    assert f"ssh-ed25519 {sshd.fingerprint()}" in error["hint"]
    assert run("server", "list")["servers"] == []


def test_a_known_hosts_file_pins_too(
    run: Run, where: list[str], identity: Path, sshd: Sshd, tmp_path: Path
) -> None:
    run("vault", "init")
    known = tmp_path / "known_hosts"
    known.write_text("other.example.org ssh-ed25519 AAAA\n" + sshd.known_hosts())
    options = ["--identity", str(identity), "--known-hosts", str(known)]

    server = run("server", "add", "web1", "--kind", "ssh", *where, *options)["server"]

    assert server["settings"]["known_hosts"] == sshd.known_hosts().strip()
    assert run("server", "test", "web1")["test"]["ok"]


def test_a_changed_key_stops_the_test_with_both_prints(ready: Run, sshd: Sshd) -> None:
    pin = "SHA256:" + "A" * 43
    ready("server", "update", "web1", "--host-key", pin)

    test = ready("server", "test", "web1", code=1)["test"]

    assert pin in test["lines"][0]["text"]
    assert sshd.fingerprint() in test["lines"][0]["text"]
    assert f"--host-key '{sshd.fingerprint()}'" in test["lines"][1]["text"]


def test_another_credential_takes_the_place_of_the_former(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{CANARY}\nsecond line\n")

    server = ready("server", "update", "web1", "--password-file", str(tmp_path / "password"))

    assert server["server"]["secrets"] == ["password"]
    test = ready("server", "test", "web1", code=1)["test"]
    assert "with the password" in test["lines"][0]["text"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (["--port", "0"], "--port"),
        (["--host", "a b"], "--host"),
        (["--user", ""], "--user"),
        (["--identity", "/absent"], "/absent"),
        (["--agent", "socket"], "--agent"),
        (["--known-hosts", "/dev/null", "--host-key", ""], "--host-key"),
        (["--set", "port=22", "--port", "22"], "port"),
        (["--set", "nonsense=1"], "nonsense"),
        ([], "nothing is given"),
    ],
)
def test_a_change_that_cannot_be_names_its_option(
    ready: Run, options: list[str], option: str
) -> None:
    error = ready("server", "update", "web1", *options, code=2)["error"]

    assert option in error["message"]
