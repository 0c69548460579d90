"""The life of an account at a real CA: changed, rolled, deleted, brought back, ended, cut off."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.account_keys import read_account_key
from kmtui.core.acme import Account, AcmeClient, Signer
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError
from kmtui.core.keys import PrivateKey
from tests.real.scripted import Scripted
from tests.real.trails import every_act_has_its_result
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@pytest.fixture(scope="module")
def free(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    return pebble_factory(dns_server=bind.server, http_port=free_port())


@pytest.fixture(scope="module")
def bound(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    """A CA that registers only accounts bound to one it knows, and rejects some nonces."""
    return pebble_factory(
        dns_server=bind.server, http_port=free_port(), nonce_reject=20, eab_keys={"kid-1": HMAC}
    )


async def at_ca(ca: Pebble, key: PrivateKey, url: str) -> Account:
    """The account as the CA has it, read with a key."""
    async with AcmeClient(ca.directory_url, ca_bundle=ca.ca_bundle_pem) as client:
        return await client.account(Signer(key, url))


async def order(ca: Pebble, key: PrivateKey, url: str) -> None:
    """What another program asks of the CA with the account."""
    async with AcmeClient(ca.directory_url, ca_bundle=ca.ca_bundle_pem) as client:
        await client.new_order(Signer(key, url), ["a.kmtui.test"])


def registered(run: Scripted, ca: Pebble) -> str:
    """An inventory whose account is new at the CA, and bound; its URL."""
    bundle, hmac = run.home / "ca.pem", run.home / "hmac"
    bundle.write_text(ca.ca_bundle_pem)
    hmac.write_text(HMAC + "\n")
    run("vault", "init")
    run("ca", "add", "pebble", "--directory", ca.directory_url, "--ca-bundle", str(bundle))
    register = ("account", "register", "main", "--ca", "pebble", "--email", "a@kmtui.test")
    assert run(*register, "--agree-tos", code=2)["error"]["field"] == "eab-kid"
    binding = ("--eab-kid", "kid-1", "--eab-hmac-file", str(hmac))
    account = run(*register, "--agree-tos", *binding)["account"]
    assert account["status"] == "valid"
    return str(account["account_url"])


def exported(run: Scripted, name: str) -> PrivateKey:
    path = run.home / name
    run("account", "export-key", "main", "--out", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return read_account_key(path).key


def test_an_account_that_is_bound_from_registration_to_its_end_by_commands(
    tmp_path: Path, bound: Pebble
) -> None:
    run = Scripted(tmp_path)
    url = registered(run, bound)

    # its address is changed, and read back at the CA
    run("account", "update", "main", "--email", "b@kmtui.test")
    first = exported(run, "first.pem")
    assert asyncio.run(at_ca(bound, first, url)).contact == ("mailto:b@kmtui.test",)

    # deleted here, it lives on there, and comes back with its key alone: no binding is wanted
    kept = run.home / "kept.pem"
    run("account", "delete", "main", "--key-out", str(kept), "--yes")
    assert asyncio.run(at_ca(bound, first, url)).status == "valid"
    back = run("account", "add", "main", "--ca", "pebble", "--key", str(kept))["account"]
    assert (back["account_url"], back["email"], back["status"]) == (url, "b@kmtui.test", "valid")

    # its key is replaced: the old one opens nothing, the new one the same account
    rolled = run("account", "roll-key", "main", "--key-type", "ec384")["account"]
    assert (rolled["account_url"], rolled["key_type"]) == (url, "ec384")
    second = exported(run, "second.pem")
    with pytest.raises(AcmeError):
        asyncio.run(at_ca(bound, first, url))
    assert asyncio.run(at_ca(bound, second, url)).status == "valid"

    # ended, it orders nothing, not even by another program, and nothing brings it back
    assert run("account", "deactivate", "main", "--yes")["account"]["status"] == "deactivated"
    refused = run("request", "new", "-d", "a.kmtui.test", "--account", "main", code=1)["error"]
    assert "deactivated" in refused["message"]
    with pytest.raises(AcmeError, match="deactivated"):
        asyncio.run(order(bound, second, url))
    run("account", "delete", "main", "--key-out", str(run.home / "dead.pem"), "--yes")
    add = ("account", "add", "main", "--ca", "pebble", "--key", str(run.home / "dead.pem"))
    gone = run(*add, code=1)["error"]
    assert "deactivated at pebble" in gone["message"]
    assert "final" in gone["hint"]
    every_act_has_its_result(
        run,
        *("vault init", "ca add", "account register", "account update", "account export-key"),
        *("account delete", "account add", "account roll-key", "account deactivate"),
    )
    nothing_secret_is_to_be_found(run, first, second)


async def test_a_free_account_from_registration_to_its_end(tmp_path: Path, free: Pebble) -> None:
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("pebble", directory_url=free.directory_url, ca_bundle=free.ca_bundle_pem)
    accounts = core.accounts
    try:
        account = await accounts.register("main", ca="pebble", email="a@kmtui.test", agree_tos=True)
        url, first = account.account_url or "", await accounts.key(account)
        await accounts.update("main", email="b@kmtui.test")
        assert (await at_ca(free, first, url)).contact == ("mailto:b@kmtui.test",)

        await accounts.delete("main", key_out=tmp_path / "main.pem")
        back = await accounts.add("main", ca="pebble", key=tmp_path / "main.pem")
        assert back.account_url == url

        second = await accounts.key(await accounts.roll_key("main", key_type="rsa2048"))
        assert (await at_ca(free, second, url)).status == "valid"
        with pytest.raises(AcmeError):
            await at_ca(free, first, url)
        with pytest.raises(AcmeError, match="no account with this key"):
            await accounts.add("old", ca="pebble", key=tmp_path / "main.pem")
        assert all(line.ok is not False for line in await accounts.test("main"))

        assert (await accounts.deactivate("main")).status == "deactivated"
        with pytest.raises(AcmeError, match="deactivated"):
            await order(free, second, url)
        assert any(line.ok is False for line in await accounts.test("main"))
    finally:
        await core.close(seconds=5)


def nothing_secret_is_to_be_found(run: Scripted, *secret: PrivateKey) -> None:
    """Neither in what was printed, nor in `ps`, the log, or any file of the inventory."""
    files = [path for path in (run.home / "data").rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in [*files, run.home / "log"])
    everything += run.output.encode()
    assert b"PRIVATE KEY" not in everything
    assert HMAC.encode() not in everything
    for key in secret:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        number = key.private_numbers().private_value
        assert number.to_bytes((key.key_size + 7) // 8, "big") not in everything


@pytest.mark.parametrize("act", ["roll", "deactivate"])
def test_an_act_that_is_killed_anywhere_comes_to_its_end(
    act: str, tmp_path: Path, free: Pebble
) -> None:
    command = [sys.executable, "-m", "tests.real.account_kills", act]
    done = subprocess.run(
        [*command, free.directory_url, str(free.ca_bundle_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]

    assert [(case["point"], case["wrong"]) for case in cases if case["wrong"]] == []
    assert all(case["killed"] for case in cases)
    kinds = {case["point"].rsplit(" ", 1)[0] for case in cases}
    assert {"before a commit", "after a commit"} < kinds
    assert {kind.split()[0] for kind in kinds if "POST" in kind} == {"before", "after"}
    if act == "roll":
        # Only what was not committed at all is not gone on with.
        assert [case["point"] for case in cases if not case["rolled"]] == ["before a commit 1"]
