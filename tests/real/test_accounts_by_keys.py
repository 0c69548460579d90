"""The life of an account by keys alone, at a real CA that wants accounts bound to one it knows."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kmtui.core.account_keys import read_account_key
from kmtui.core.acme import Account, AcmeClient, Signer
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError
from kmtui.core.keys import PrivateKey
from kmtui.model import ListQuery
from tests.real.test_accounts_on_pebble import HMAC
from tests.screens.workbench import opened, press_all, shows
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    """A CA that registers only accounts bound to one it knows, and rejects some nonces."""
    return pebble_factory(
        dns_server=bind.server, http_port=free_port(), nonce_reject=20, eab_keys={"kid-1": HMAC}
    )


@pytest.fixture
async def core(tmp_path: Path, ca: Pebble) -> AsyncIterator[Core]:
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("pebble", directory_url=ca.directory_url, ca_bundle=ca.ca_bundle_pem)
    yield core
    await core.close(seconds=5)


async def at_ca(ca: Pebble, key: PrivateKey, url: str) -> Account:
    """The account as the CA has it, read with a key."""
    async with AcmeClient(ca.directory_url, ca_bundle=ca.ca_bundle_pem) as client:
        return await client.account(Signer(key, url))


async def fill(pilot: Pilot[None], *texts: str) -> None:
    """Type into one field after the other, from the one that has the focus on."""
    for text in texts:
        await press_all(pilot, text)
        await pilot.press("tab")


async def test_from_registration_to_its_end(
    core: Core, ca: Pebble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(core, "accounts") as pilot:
        # registered: without its binding it is not
        await pilot.press("n")
        await shows(pilot, "EAB key id")
        await fill(pilot, "main", "", "a@kmtui.test", "")
        await pilot.press("space", "ctrl+s")
        await shows(pilot, "EAB key id")
        assert await core.accounts.all() == []
        await fill(pilot, "kid-1", HMAC)
        await pilot.press("ctrl+s")
        text = await shows(pilot, "main is registered at pebble")
        assert HMAC not in text
        account = await core.accounts.get("main")
        url, first = account.account_url or "", await core.accounts.key(account)
        assert (await at_ca(ca, first, url)).contact == ("mailto:a@kmtui.test",)

        # its address is changed
        await pilot.press("E")
        await shows(pilot, "Until now")
        await pilot.press("ctrl+u")
        await fill(pilot, "b@kmtui.test")
        await pilot.press("ctrl+s")
        await shows(pilot, "e-mail address of main: b@kmtui.test")
        assert (await at_ca(ca, first, url)).contact == ("mailto:b@kmtui.test",)

        # its key is exported
        await pilot.press("e")
        await shows(pilot, "not encrypted")
        await fill(pilot, "first.pem")
        await pilot.press("ctrl+s")
        await shows(pilot, "the key of main is in")
        assert stat.S_IMODE((tmp_path / "first.pem").stat().st_mode) == 0o600
        assert read_account_key(tmp_path / "first.pem").key.private_numbers() == (
            first.private_numbers()
        )

        # deleted here, it comes back by its key: no binding is wanted
        await delete(pilot, "main", "kept")
        assert (await at_ca(ca, first, url)).status == "valid"
        await add(pilot, "main", "kept")
        await shows(pilot, "main is back")
        back = await core.accounts.get("main")
        assert (back.account_url, back.email) == (url, "b@kmtui.test")

        # its key is replaced
        await pilot.press("K")
        await shows(pilot, "ROLL THE KEY of main")
        await press_all(pilot, "main")
        await pilot.press("enter")
        await shows(pilot, "main has a new key")
        second = await core.accounts.key(await core.accounts.get("main"))
        assert (await at_ca(ca, second, url)).status == "valid"
        with pytest.raises(AcmeError):
            await at_ca(ca, first, url)

        # given up, it orders nothing, and nothing brings it back
        await pilot.press("X")
        await shows(pilot, "There is no undo")
        await press_all(pilot, "main")
        await pilot.press("enter")
        await shows(pilot, "main is deactivated at pebble, for ever")
        async with AcmeClient(ca.directory_url, ca_bundle=ca.ca_bundle_pem) as client:
            with pytest.raises(AcmeError, match="deactivated"):
                await client.new_order(Signer(second, url), ["a.kmtui.test"])
        await delete(pilot, "main", "dead")
        await add(pilot, "main", "dead")
        await shows(pilot, "the account of this key is deactivated at pebble")
        await pilot.press("exclamation_mark")
        await shows(pilot, "that is final")
    assert await core.accounts.all() == []
    await on_record(core)


async def delete(pilot: Pilot[None], name: str, key_out: str) -> None:
    await pilot.press("D")
    await shows(pilot, f"DELETE {name}")
    await press_all(pilot, name)
    await pilot.press("shift+tab", "shift+tab")
    await press_all(pilot, key_out)
    await pilot.press("enter")
    await shows(pilot, f"{name} deleted, its key is in")


async def add(pilot: Pilot[None], name: str, key: str) -> None:
    await pilot.press("A")
    await shows(pilot, "Key files")
    await fill(pilot, name, "", key)
    await pilot.press("ctrl+s")


async def on_record(core: Core) -> None:
    """Each act with its intent and its result."""
    query = ListQuery(now=core.context.clock(), text="what:account", limit=100)
    lines = [
        (line.action.removeprefix("account "), line.outcome)
        for line in reversed(await core.activity.page(query))
    ]
    acts = ("register", "update", "export-key", "export-key", "delete", "add", "roll-key")
    acts += ("deactivate", "export-key", "delete")
    told = [line for line in lines if line[1] != "started"]

    assert told == [*((act, "ok") for act in acts), ("add", "failed")]
    assert [act for act, outcome in lines if outcome == "started"] == [
        act for act, _ in told if act != "delete"
    ]
