"""An operator's way with Buypass Go SSL, by keys alone, each screen kept as text.

The CA is a real Pebble that issues for 180 days, put in the place of the retired Buypass of the
catalogue; names are proved at a real BIND by dns-01 and by the built-in listener for http-01.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.goldens import Goldens
from tests.real.screen import COLUMNS, ROWS, WIDE, Screen, on_screen
from tests.real.scripted import Scripted
from tests.real.trails import every_act_has_its_result
from tests.servers.bind import Bind
from tests.servers.pebble import PROFILES, Pebble
from tests.servers.process import free_port

KEPT = Path(__file__).parent / "goldens" / "buypass"
SEND, ESCAPE, ENTER, TAB, EMPTY = "\x13", "\x1b", "\r", "\t", "\x15"
NAME = "www.kmtui.test"
ADDRESSES = r"(?m)^[-+x] www\.kmtui\.test (?!: http-01).*\n(  .*\n)*"
"""What the resolvers of this machine know of a name that is proved over http."""


@pytest.fixture(scope="module")
def bind(bind_factory: Callable[..., Bind]) -> Bind:
    """The zone's name server, and the resolver that finds it."""
    return bind_factory(resolves=True)


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    """Issues for 180 days, as Buypass did."""
    return pebble_factory(
        dns_server=bind.server,
        http_port=free_port(),
        profiles={"buypass-like": PROFILES["buypass-like"]},
    )


class Walk:
    """The screen, its keys and what was kept of it."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.press = screen.press
        self._goldens = Goldens(KEPT)

    def keep(self, name: str, *, leaving_out: str = "") -> None:
        self._goldens.keep(self.screen, name, leaving_out=leaving_out)

    def keep_wide(self, name: str) -> None:
        """The same on a terminal of 120 by 40."""
        self.screen.resize(*WIDE, "ops@")
        self.keep(name)
        self.screen.resize(ROWS, COLUMNS)

    def done(self) -> None:
        self._goldens.all_seen()

    def fill(self, *fields: str) -> None:
        """Type into one field after the other, from the one that has the focus on."""
        for field in fields:
            self.press(field + TAB)


def test_the_walk(tmp_path: Path, ca: Pebble, bind: Bind) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ca.ca_bundle_pem)
    run = Scripted(tmp_path, SUDO_USER="ops", KMTUI_KEY_FILE="")
    environment = {**run.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with on_screen(environment) as screen:
        walk = Walk(screen)
        set_up_vault(walk)
        put_in_place(walk, ca, bundle)
        register(walk)
        prove(walk, ca, bind)
        request_over_http(walk)
        request_over_dns(walk)
        save_first(walk)
        renew(walk)
        first, second = serials(run)
        save_second(walk)
        delete(walk)
        assert status(ca, second) == "Valid", "deleted here, valid at the CA"
        undo(walk)
        revoke(walk)
        assert (status(ca, first), status(ca, second)) == ("Valid", "Revoked")
        look_back(walk)
        assert screen.leave("q") == 0
    walk.done()
    every_act_has_its_result(
        run, *("vault init", "account register", "issue", "renew", "delete", "undelete", "revoke")
    )


def serials(run: Scripted) -> list[int]:
    """Of the versions of www.kmtui.test, the oldest first."""
    versions = run("cert", "history", NAME)["versions"]
    ordered = sorted(versions, key=lambda version: int(version["number"]))
    return [int(version["serial"], 16) for version in ordered]


def status(ca: Pebble, serial: int) -> str:
    """What the CA itself says of a certificate."""
    return str(ca.certificate_status(serial)["Status"])


def set_up_vault(walk: Walk) -> None:
    walk.press("", "No certificates yet")
    walk.keep("first-run")
    walk.press("L", "Passphrase*")
    walk.fill("walk all the way round", "walk all the way round")
    walk.keep("vault")
    walk.press(SEND, "the vault is open")


def put_in_place(walk: Walk, ca: Pebble, bundle: Path) -> None:
    """Another directory for the retired Buypass of the catalogue."""
    walk.press("3", "No accounts yet")
    walk.press("I", "buypass-test")
    walk.press("G")
    walk.press("k")
    walk.press(ENTER, "2025-10-31")
    walk.keep("ca-retired")
    walk.press(ESCAPE, "buypass-test")
    walk.press("n", "Directory URL*")
    walk.fill("buypass", ca.directory_url, str(bundle))
    walk.keep("ca-form", leaving_out=r"\S*ca\.pem")
    walk.press(SEND, "buypass added")
    walk.keep("ca")
    walk.press(ESCAPE, "No accounts yet")


def register(walk: Walk) -> None:
    walk.press("n", "data:text/plain")
    walk.fill("main")
    walk.press(SEND, "asks for an e-mail address")
    walk.keep("e-mail-required")
    walk.fill("ops@example.org")
    walk.press(SEND, "terms")
    walk.keep("terms-required")
    walk.press(" ", "[x]")
    walk.press(SEND, "main is registered at Buypass Go SSL")
    walk.keep("registered")
    walk.press("n", "data:text/plain")
    walk.fill("second", "", "ops@example.org", "")
    walk.press(" ", "[x]")
    walk.press(SEND, "allows one account")
    walk.keep("second-refused")
    walk.press(ESCAPE, "esc once more leaves")
    walk.press(ESCAPE, "ACCOUNT")
    walk.press(ENTER, "Thumbprint")
    walk.keep_wide("account")
    walk.press(ESCAPE, "ACCOUNT")


def prove(walk: Walk, ca: Pebble, bind: Bind) -> None:
    """A DNS account and an end server, and which names lead to which."""
    walk.press("4", "No DNS accounts yet")
    walk.press("n", "Provider")
    walk.fill("lab")
    walk.press("r", "TSIG")
    walk.fill("", bind.server, bind.tsig.name, "", bind.tsig.secret, "kmtui.test")
    walk.keep("dns-account-form")
    walk.press(ENTER, "- 11 more")
    walk.fill(*[""] * 8)
    walk.press(bind.server)
    walk.press(SEND, "lab added")
    walk.keep("dns-account")
    walk.press("t", "the test went well")
    walk.keep("dns-account-tested")
    walk.press("m", "No names lead here")
    walk.press("n", "Names*")
    walk.keep("new-mapping")
    walk.fill(".kmtui.test")
    walk.press(SEND, "1 of 1")
    walk.keep("mapping")
    walk.press(ESCAPE, "Primary name server")
    walk.press(ESCAPE, "PROVIDER")
    walk.press("5", "No end servers yet")
    walk.press("n", "Kind")
    walk.fill("listener")
    walk.press("b", "Listen")
    listen = f"127.0.0.1:{ca.http_port}"
    walk.fill("")
    walk.press(EMPTY, "Listen address*\n")
    walk.fill(listen)
    walk.press(ENTER, "- 1 more")
    walk.fill("", listen)
    walk.keep("end-server-form")
    walk.press(SEND, "listener added")
    walk.keep("end-server")
    walk.press("m", "No names lead here")
    walk.press("n", "Names*")
    walk.fill(NAME)
    walk.press(SEND, "leads to listener")
    walk.press(ESCAPE, "WHERE")


def request_over_http(walk: Walk) -> None:
    walk.press("1", "No certificates yet")
    walk.press("n", "Challenge")
    walk.fill(NAME)
    walk.press("", "ready: ctrl+s sends")
    walk.keep("request-http-01", leaving_out=ADDRESSES)
    walk.press(SEND, "version 1, s saves it")
    walk.keep("available-http-01")
    walk.press("q", "NAME")


def request_over_dns(walk: Walk) -> None:
    walk.press("n", "Challenge")
    walk.fill("*.api.kmtui.test")
    walk.press("", "ready: ctrl+s sends")
    walk.keep("request-dns-01")
    walk.press(SEND, "version 1, s saves it")
    walk.keep("available-dns-01")
    walk.press("q", "NAME")


def save_first(walk: Walk) -> None:
    walk.keep("both-available")
    walk.keep_wide("both-available-wide")
    walk.press("s", "current now")
    walk.keep("saved")


def renew(walk: Walk) -> None:
    walk.press("r", "Renew now?")
    walk.keep("renew")
    walk.press("y", "save v2")
    walk.keep("unsaved-new-version")
    walk.press(ENTER, "SERIAL")
    walk.keep("history-before-saving")


def save_second(walk: Walk) -> None:
    walk.press("s", "is current now")
    walk.keep("history")
    walk.keep_wide("history-wide")


def delete(walk: Walk) -> None:
    walk.press("D", "DELETE")
    walk.keep("delete")
    walk.press("y", "u brings it back")
    walk.keep("deleted")


def undo(walk: Walk) -> None:
    walk.press("u", "brought back")
    walk.keep("undone")


def revoke(walk: Walk) -> None:
    walk.press("X", "REVOKE")
    walk.keep("revoke")
    walk.press(NAME)
    walk.press(ENTER, "v2 revoked")
    walk.keep("revoked")


def look_back(walk: Walk) -> None:
    """The trail of all that was done."""
    walk.press("q", "EXPIRES")
    walk.press("6", "OUTCOME")
    walk.keep("activity")
    walk.keep_wide("activity-wide")
