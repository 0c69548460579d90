"""The life of an account from the keyboard: in the list and on its sheet, at both sizes."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.model import RequestSpec, RequestStatus
from tests.core.acme.fake_ca import FakeCa, problem
from tests.core.conftest import Bench
from tests.screens.workbench import NARROW, WIDE, opened, press, press_all, shows, until
from tests.terminal import line_with, screen_text
from tests.torture.edge_cases.conftest import Desk

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])


async def issued(core: Core, name: str, account: str) -> None:
    spec = RequestSpec(names=(name,), account=account, auto_save="always")
    request = await core.requests.create(spec)
    done = await core.requests.wait(request.id, seconds=20)
    assert done.status == RequestStatus.SAVED, done.problem


async def typed(pilot: Pilot[Any], field: str, text: str) -> None:
    """Put a text into a field of the form or panel that is shown."""
    form = pilot.app.screen.query_one("Form")
    form.set_values({field: text})  # type: ignore[attr-defined]
    await pilot.pause()


@SIZES
async def test_the_address_is_changed(bench: Bench, size: tuple[int, int]) -> None:
    async with opened(bench.core, "accounts", size) as pilot:
        await pilot.press("E")
        await shows(pilot, "Until now")

        await typed(pilot, "email", "nobody")
        await pilot.press("ctrl+s")
        await shows(pilot, "is not an e-mail address")
        await typed(pilot, "email", "new@kmtui.test")
        await pilot.press("ctrl+s")

        await shows(pilot, "e-mail address of practice: new@kmtui.test")
        assert (await bench.core.accounts.get("practice")).email == "new@kmtui.test"


@SIZES
async def test_the_key_goes_to_a_new_file_and_over_another_only_when_told(
    bench: Bench, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "practice.pem"
    path.write_text("precious")
    async with opened(bench.core, "accounts", size) as pilot:
        await pilot.press("e")
        await shows(pilot, "not encrypted")
        await typed(pilot, "out", str(path))
        await pilot.press("ctrl+s")
        await shows(pilot, "exists already")
        assert path.read_text() == "precious"

        await typed(pilot, "replace", True)  # type: ignore[arg-type]
        await pilot.press("ctrl+s")

        text = await shows(pilot, "the key of practice is in")
    assert "PRIVATE" not in text
    assert "PRIVATE KEY" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@SIZES
async def test_an_account_is_deleted_with_its_key_kept_and_comes_back(
    bench: Bench, tmp_path: Path, size: tuple[int, int]
) -> None:
    await issued(bench.core, "a.kmtui.test", "practice")
    before = await bench.core.accounts.get("practice")
    path = tmp_path / "practice.pem"
    async with opened(bench.core, "accounts", size) as pilot:
        # given: the name alone arms nothing
        await pilot.press("D")
        await shows(pilot, "DELETE practice")
        await shows(pilot, "Renewing a.kmtui.test")
        await press_all(pilot, "practice")
        await shows(pilot, "say where its key goes, or that it is given up")
        await typed(pilot, "key-out", str(path))
        await shows(pilot, "certificates renew with it)")
        await pilot.press("enter")
        assert "DELETE practice" in screen_text(pilot.app)

        # when
        await typed(pilot, "force", True)  # type: ignore[arg-type]
        await pilot.press("enter")

        # then
        await shows(pilot, "practice deleted, its key is in")
        await shows(pilot, "No accounts yet")

        # when: it is added by the file
        await pilot.press("A")
        await shows(pilot, "Key files")
        await typed(pilot, "name", "back")
        await typed(pilot, "key", str(path))
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "back is back")
        assert "valid" in line_with(pilot.app, "+ back")
        assert (await bench.core.accounts.get("back")).account_url == before.account_url


async def test_a_pasted_key_is_not_to_be_read(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "key"
    await bench.core.accounts.delete("practice", key_out=path)
    async with opened(bench.core, "accounts") as pilot:
        await pilot.press("A")
        await shows(pilot, "Key files")
        await typed(pilot, "name", "back")
        await typed(pilot, "key", path.read_text())

        assert "PRIVATE" not in screen_text(pilot.app)
        await pilot.press("ctrl+s")
        await shows(pilot, "back is back")


async def test_a_wrong_key_is_said_at_its_field(bench: Bench, tmp_path: Path) -> None:
    async with opened(bench.core, "accounts") as pilot:
        await pilot.press("A")
        await shows(pilot, "Key files")
        await typed(pilot, "name", "back")
        await typed(pilot, "key", str(tmp_path / "missing"))
        await pilot.press("ctrl+s")

        await shows(pilot, "cannot read")
        assert len(await bench.core.accounts.all()) == 1


async def test_a_binding_is_asked_for_where_the_ca_wants_one(desk: Desk, ca: FakeCa) -> None:
    path = desk.data.parent / "ops.pem"
    await desk.core.accounts.delete("ops", key_out=path)
    ca.script["/new-account"].append(problem(403, "externalAccountRequired", "bind it"))
    async with opened(desk.core, "accounts") as pilot:
        await pilot.press("A")
        assert "EAB" not in await shows(pilot, "Key files")
        await typed(pilot, "name", "back")
        await typed(pilot, "key", str(path))
        await pilot.press("ctrl+s")

        await shows(pilot, "only with its binding (EAB)")
        await shows(pilot, "EAB HMAC key")


@SIZES
async def test_an_account_is_given_up_only_by_its_name_and_then_says_why_keys_are_off(
    bench: Bench, size: tuple[int, int]
) -> None:
    await issued(bench.core, "a.kmtui.test", "practice")
    async with opened(bench.core, "accounts", size) as pilot:
        await pilot.press("X")
        text = await shows(pilot, "Renewing a.kmtui.test")
        assert "There is no undo" in text
        await press_all(pilot, "practic")
        await pilot.press("enter")
        assert (await bench.core.accounts.get("practice")).status == "valid"
        await pilot.press("e", "enter")

        await shows(pilot, "practice is deactivated at sandbox, for ever")
        await shows(pilot, "- practice")
        assert "deactivated" in line_with(pilot.app, "- practice")
        for key, word in (("E", "edit"), ("K", "roll key"), ("X", "deactivate"), ("T", "terms")):
            await pilot.press(key)
            await shows(pilot, f"{word}: this account is deactivated")


@SIZES
async def test_the_key_is_replaced_on_the_sheet(desk: Desk, size: tuple[int, int]) -> None:
    before = await desk.core.accounts.get("ops")
    async with opened(desk.core, "accounts", size) as pilot:
        await pilot.press("enter")
        await shows(pilot, before.key_thumbprint)
        await pilot.press("K")
        await shows(pilot, "ROLL THE KEY of ops")
        await typed(pilot, "key-type", "ec384")
        await press_all(pilot, "ops")
        await pilot.press("enter")

        await shows(pilot, "ops has a new key")

        after = await desk.core.accounts.get("ops")
        assert after.key_type == "ec384"
        sheet = f"Thumbprint   {after.key_thumbprint}"
        assert before.key_thumbprint not in await shows(pilot, sheet)


async def test_a_ca_that_cannot_replace_keys_is_told_in_full(bench: Bench) -> None:
    async with opened(bench.core, "accounts") as pilot:
        await pilot.press("K")
        await shows(pilot, "ROLL THE KEY")
        await press_all(pilot, "practice")
        await pilot.press("enter")

        await shows(pilot, "does not offer key rollover")
        await press(pilot, "exclamation_mark")
        await shows(pilot, "Next")


async def test_changed_terms_are_agreed_to_once_and_what_waited_goes_on(
    desk: Desk, ca: FakeCa
) -> None:
    # given
    ca.meta = {"termsOfService": "https://ca.test/terms/2"}
    ca.script["/new-order"].append(
        problem(403, "userActionRequired", "new terms", Link="<https://ca.test/x>;rel=help")
    )
    failed = await desk.obtain("www.example.org")
    assert failed.status == RequestStatus.FAILED
    async with opened(desk.core, "accounts") as pilot:
        # when
        await pilot.press("T")
        text = await shows(pilot, "TERMS OF SERVICE for ops")
        for said in ("https://ca.test/terms/2", "https://ca.test/x", "1 request, taken up"):
            assert said in text
        await pilot.press("y")

        # then
        await shows(pilot, "agreed; 1 request under way again")
        await until(pilot, lambda: not desk.core.jobs.running, "the request does not end")
    certificate = await desk.core.certificates.get("www.example.org")
    assert certificate.unsaved_version == 1


async def test_terms_are_not_agreed_to_by_leaving(desk: Desk, ca: FakeCa) -> None:
    ca.meta = {"termsOfService": "x [/foo] [@click=app.quit]y\x1b]52;c;aGk=\x07\u202e"}
    async with opened(desk.core, "accounts") as pilot:
        await pilot.press("T")
        text = await shows(pilot, "x [/foo] [@click=app.quit]y")
        assert not {"\x1b", "\x07", "\u202e"} & set(text)

        await pilot.press("escape")
        await pilot.pause()
        assert (await desk.core.accounts.get("ops")).terms_url is None


async def test_a_locked_vault_says_why_nothing_happens(bench: Bench) -> None:
    async with opened(bench.core, "accounts") as pilot:
        bench.core.access.lock()
        await pilot.pause()
        for key in ("A", "E", "e", "K", "D", "X", "T"):
            await pilot.press(key)
            await shows(pilot, "vault is locked: L unlocks")


async def test_without_an_account_its_keys_say_so(core: Core) -> None:
    async with opened(core, "accounts") as pilot:
        await shows(pilot, "A adds one by its key")
        for key in ("E", "e", "K", "D", "X", "T", "t"):
            await pilot.press(key)
            await shows(pilot, "there is no account yet")
