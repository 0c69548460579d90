"""What real clients left is taken over: every version, its key, the account; the next renewal is
kmtui's, with the account that was imported.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from kmtui.core import inspection, keys
from tests.core.imports.made import Made, acme_sh_account, acme_sh_certificate, written
from tests.real.clients import EMAIL, certbot, lego
from tests.real.scripted import Scripted, verify_with_openssl
from tests.real.trails import every_act_has_its_result
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble, Profile
from tests.servers.process import free_port

LIFE = {"default": Profile("Ninety days", 90 * 86_400)}


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    """A CA that issues for ninety days, and checks http-01 where every client here answers it."""
    return pebble_factory(dns_server=bind.server, http_port=free_port(), profiles=LIFE)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, ca: Pebble) -> Path:
    """The home of an inventory that knows the CA and answers http-01, and has no account."""
    run = Scripted(tmp_path_factory.mktemp("prepared"))
    run("vault", "init")
    bundle = str(ca.ca_bundle_path)
    run("ca", "add", "pebble", "--directory", ca.directory_url, "--ca-bundle", bundle)
    listen = f"127.0.0.1:{ca.http_port}"
    run("server", "add", "web", "--kind", "standalone", "--listen", listen, "--probe", listen)
    run("mapping", "add", ".kmtui.test", "--server", "web")
    return run.home


@pytest.fixture
def run(prepared: Path, tmp_path: Path) -> Scripted:
    """Commands on an inventory of the test's own."""
    return Scripted(shutil.copytree(prepared, tmp_path / "home"))


@pytest.fixture(scope="module")
def lego_state(tmp_path_factory: pytest.TempPathFactory, ca: Pebble) -> Path:
    """What lego leaves after one certificate."""
    root = tmp_path_factory.mktemp("lego") / "state"
    lego(ca, root, "lego.kmtui.test", "www.lego.kmtui.test")
    return root


def test_certbots_history_and_account_are_taken_over(
    run: Scripted, ca: Pebble, tmp_path: Path
) -> None:
    root = tmp_path / "letsencrypt"
    names = ("shop.kmtui.test", "www.shop.kmtui.test")
    certbot(ca, root, *names)
    certbot(ca, root, *names)
    issued = [
        x509.load_pem_x509_certificate(path.read_bytes())
        for path in sorted((root / "archive" / "shop.kmtui.test").glob("cert*.pem"))
    ]
    key = (root / "live" / "shop.kmtui.test" / "privkey.pem").read_bytes()

    account, certificate = imported(run, ca, root)

    assert (account["name"], account["outcome"]) == ("pebble-certbot", "new")
    assert (certificate["name"], certificate["versions"]) == ("shop.kmtui.test", 2)
    versions = run("cert", "history", "shop.kmtui.test")["versions"][::-1]
    assert [each["serial"] for each in versions] == [f"{leaf.serial_number:x}" for leaf in issued]
    assert [each["status"] for each in versions] == ["replaced", "current"]
    assert exported(run, "shop.kmtui.test") == keys.load_private_key(key).private_numbers()
    stored = run("account", "show", "pebble-certbot")["account"]
    assert stored["account_url"] == account_url(root)
    the_next_renewal_is_ours(run, ca, "shop.kmtui.test", "pebble-certbot", number=3)
    assert {each["outcome"] for each in run("cert", "import", str(root))["imports"]} == {"known"}


def account_url(root: Path) -> str:
    (note,) = (root / "accounts").rglob("regr.json")
    return str(json.loads(note.read_text())["uri"])


def test_legos_certificates_and_account_are_taken_over(
    run: Scripted, ca: Pebble, lego_state: Path
) -> None:
    key = (lego_state / "certificates" / "lego.kmtui.test.key").read_bytes()

    account, certificate = imported(run, ca, lego_state)

    assert (account["name"], account["ca"]) == ("pebble-lego", "pebble")
    assert (certificate["versions"], certificate["versions_without_key"]) == (1, 0)
    stored = run("account", "show", "pebble-lego")["account"]
    assert (stored["email"], stored["status"]) == (EMAIL, "valid")
    assert exported(run, "lego.kmtui.test") == keys.load_private_key(key).private_numbers()
    the_next_renewal_is_ours(run, ca, "lego.kmtui.test", "pebble-lego", number=2)


def test_acme_shs_certificates_and_account_are_taken_over(
    run: Scripted, ca: Pebble, lego_state: Path, tmp_path: Path
) -> None:
    """Its files, with what the CA issued to lego in them."""
    (note,) = (lego_state / "accounts").rglob("account.json")
    (account_key,) = (lego_state / "accounts").rglob("*.key")
    folder = lego_state / "certificates"
    leaf, *issuers = inspection.parse_chain((folder / "lego.kmtui.test.crt").read_bytes())
    key = keys.load_private_key((folder / "lego.kmtui.test.key").read_bytes())
    root = tmp_path / "acme.sh"
    acme_sh_certificate(root, Made(leaf, key), "lego.kmtui.test_ecc", server=ca.directory_url)
    written(root / "lego.kmtui.test_ecc" / "fullchain.cer", inspection.chain_pem([leaf, *issuers]))
    acme_sh_account(
        root,
        keys.load_private_key(account_key.read_bytes()),
        place="127.0.0.1/dir",
        url=json.loads(note.read_text())["registration"]["uri"],
    )

    account, certificate = imported(run, ca, root)

    assert (account["name"], certificate["account"]) == ("pebble-acme.sh", "pebble-acme.sh")
    assert exported(run, "lego.kmtui.test") == key.private_numbers()
    the_next_renewal_is_ours(run, ca, "lego.kmtui.test", "pebble-acme.sh", number=2)


def imported(run: Scripted, ca: Pebble, root: Path) -> list[dict[str, Any]]:
    """What came, after a look; the CA was asked for nothing by either."""
    before = ca.orders
    foreseen = run("cert", "import", str(root), "--dry-run")["imports"]
    assert run("cert", "list")["certificates"] == []
    came: list[dict[str, Any]] = run("cert", "import", str(root))["imports"]

    assert before > 0
    assert ca.orders == before
    assert [{**each, "id": None} for each in came] == foreseen
    return came


def the_next_renewal_is_ours(
    run: Scripted, ca: Pebble, name: str, account: str, *, number: int
) -> None:
    assert run("request", "list")["requests"] == []
    orders = ca.orders
    (request,) = run("cert", "renew", name)["requests"]
    assert (request["account"], request["version"]) == (account, number)
    assert ca.orders == orders + 1
    shown = run("cert", "save", name)["certificate"]
    assert (shown["current_version"], shown["unsaved_version"]) == (number, None)
    chain = run("cert", "show", name)["version"]["chain_pem"]
    verify_with_openssl(chain, ca.root_pem(), run.home, name)
    every_act_has_its_result(run, "import", "renew", "save")


def exported(run: Scripted, name: str) -> object:
    """The numbers of the key that is kept here."""
    out = run.home / "exported.pem"
    run("cert", "export", name, "--format", "pem", "--part", "key", "--out", str(out))
    return keys.load_private_key(out.read_bytes()).private_numbers()
