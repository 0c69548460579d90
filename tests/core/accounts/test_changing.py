"""E-mail address, exported key, test and limits of an account; and how it is deleted here."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from kmtui.core import keys, ledger
from kmtui.core.acme import thumbprint
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, InvalidInput, NotFound, ReadOnly, Refused
from kmtui.db.files import FILE_NAME
from kmtui.model import CheckLine, RateLimit, RequestStatus
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import FakeCa, problem
from tests.torture.edge_cases.conftest import Desk


def there(ca: FakeCa) -> dict[str, object]:
    """The only account at the CA."""
    (account,) = ca.accounts.values()
    return account


# --- e-mail ---------------------------------------------------------------------------------------


async def test_the_address_is_changed_at_the_ca_and_kept_as_it_answers(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    account = await desk.core.accounts.update("ops", email=" Ops@example.org ")

    assert there(ca)["contact"] == ["mailto:Ops@example.org"]
    assert account.email == "Ops@example.org"
    assert await record() == [("update", "started"), ("update", "ok")]


async def test_a_ca_that_keeps_no_addresses_leaves_ours_as_given(desk: Desk, ca: FakeCa) -> None:
    url = (await desk.core.accounts.get("ops")).account_url or ""
    ca.script[httpx.URL(url).path].append(httpx.Response(200, json={"status": "valid"}))

    assert (await desk.core.accounts.update("ops", email="new@example.org")).email == (
        "new@example.org"
    )


async def test_an_address_can_be_taken_away(desk: Desk, ca: FakeCa) -> None:
    assert (await desk.core.accounts.update("ops", email="")).email is None
    assert there(ca)["contact"] == []


async def test_a_refused_address_changes_nothing(desk: Desk, ca: FakeCa, record: Record) -> None:
    before = await desk.core.accounts.get("ops")
    ca.script[httpx.URL(before.account_url or "").path].append(
        problem(400, "invalidContact", "no such domain")
    )

    with pytest.raises(AcmeError, match="e-mail"):
        await desk.core.accounts.update("ops", email="ops@example.com")
    with pytest.raises(InvalidInput):
        await desk.core.accounts.update("ops", email="nobody")

    assert await desk.core.accounts.get("ops") == before
    assert await record() == [("update", "started"), ("update", "failed")]


# --- the key --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["pem", "jwk"])
async def test_an_exported_key_is_for_its_owner_alone(
    desk: Desk, tmp_path: Path, format_: str, record: Record
) -> None:
    path = tmp_path / "ops.key"

    account = await desk.core.accounts.export_key("ops", path, format=format_)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if format_ == "jwk":
        assert json.loads(path.read_text())["kty"] == "EC"
    else:
        assert thumbprint(keys.load_private_key(path.read_bytes())) == account.key_thumbprint
    assert await record() == [("export-key", "started"), ("export-key", "ok")]


async def test_no_file_is_overwritten_unasked(desk: Desk, tmp_path: Path, record: Record) -> None:
    path = tmp_path / "ops.key"
    path.write_text("precious")

    with pytest.raises(Refused, match="exists already"):
        await desk.core.accounts.export_key("ops", path)
    with pytest.raises(InvalidInput, match="pkcs12"):
        await desk.core.accounts.export_key("ops", path, format="pkcs12")

    assert path.read_text() == "precious"
    assert await record() == [("export-key", "started"), ("export-key", "failed")]
    await desk.core.accounts.export_key("ops", path, replace=True)
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")


# --- deleting -------------------------------------------------------------------------------------


async def test_the_inventory_is_no_place_for_a_key(desk: Desk, record: Record) -> None:
    for replace in (False, True):
        with pytest.raises(InvalidInput, match="the inventory itself") as caught:
            await desk.core.accounts.export_key("ops", desk.data / FILE_NAME, replace=replace)
        assert caught.value.field == "out"
    with pytest.raises(InvalidInput, match="the inventory itself"):
        await desk.core.accounts.delete("ops", key_out=desk.data / FILE_NAME)

    assert (await desk.core.accounts.get("ops")).status == "valid"
    assert await record() == []


async def test_what_becomes_of_the_key_must_be_said(desk: Desk, tmp_path: Path) -> None:
    for more in ({}, {"discard_key": True, "key_out": tmp_path / "ops.key"}):
        with pytest.raises(InvalidInput, match="all that brings the account back") as caught:
            await desk.core.accounts.delete("ops", **more)  # type: ignore[arg-type]
        assert caught.value.field == "key-out"
    assert os.listdir(tmp_path / "www") == []
    await desk.core.accounts.get("ops")


async def test_the_key_is_in_its_file_before_the_account_goes(
    desk: Desk, ca: FakeCa, tmp_path: Path, record: Record
) -> None:
    account = await desk.core.accounts.get("ops")
    with pytest.raises(InvalidInput, match="cannot write"):
        await desk.core.accounts.delete("ops", key_out=tmp_path / "missing" / "ops.key")
    assert await desk.core.accounts.get("ops") == account

    await desk.core.accounts.delete("ops", key_out=tmp_path / "ops.key")

    found = keys.load_private_key((tmp_path / "ops.key").read_bytes())
    assert thumbprint(found) == account.key_thumbprint
    with pytest.raises(NotFound):
        await desk.core.accounts.get("ops")
    assert there(ca)["status"] == "valid", "it lives on at the CA"
    assert (await record())[-1] == ("delete", "ok")


async def test_certificates_that_renew_with_it_keep_it(desk: Desk, tmp_path: Path) -> None:
    request = await desk.obtain("www.example.org")
    assert request.status == RequestStatus.AVAILABLE
    assert await desk.core.accounts.renewing("ops") == ["www.example.org"]
    path = tmp_path / "ops.key"

    with pytest.raises(Refused, match=r"www\.example\.org"):
        await desk.core.accounts.delete("ops", key_out=path)
    assert not path.exists(), "no key lies about for nothing"

    orphaned = await desk.core.accounts.delete("ops", key_out=path, force=True)
    certificate = await desk.core.certificates.get("www.example.org")
    assert orphaned == [certificate.id]
    assert certificate.account is None
    assert (await desk.core.requests.get(request.id)).account == "ops"


async def test_a_request_under_way_keeps_it(desk: Desk, ca: FakeCa) -> None:
    ca.script["/new-order"].append(problem(503, "serverInternal", "later", Retry_After="9999"))
    request = await desk.obtain("www.example.org")
    assert request.status == RequestStatus.PARKED

    with pytest.raises(Refused, match=f"request {request.number} of the account ops"):
        await desk.core.accounts.delete("ops", discard_key=True, force=True)


# --- looking --------------------------------------------------------------------------------------


async def said(core: Core) -> list[CheckLine]:
    return await core.accounts.test("ops")


async def test_a_test_compares_with_the_ca(desk: Desk, ca: FakeCa) -> None:
    assert (await said(desk.core))[-1] == CheckLine(True, "the account is valid at the CA")

    there(ca)["contact"] = ["mailto:else@example.org"]
    assert (await said(desk.core))[-1].text == "the CA has the e-mail address else@example.org"

    ca.accounts.clear()
    ca.keys.clear()
    lines = await said(desk.core)
    assert any(line.ok is False and "does not know" in line.text for line in lines)
    assert (await desk.core.accounts.get("ops")).status == "valid"


async def test_an_account_somebody_ended_elsewhere_is_shown_as_ended(
    desk: Desk, ca: FakeCa
) -> None:
    there(ca)["status"] = "deactivated"

    assert CheckLine(False, "the account is deactivated at the CA") in await said(desk.core)

    assert (await desk.core.accounts.get("ops")).status == "deactivated"


async def test_a_locked_vault_tests_what_needs_no_key(desk: Desk) -> None:
    desk.core.access.lock()

    lines = await said(desk.core)

    assert [line.ok for line in lines] == [True, None]
    assert "locked" in lines[-1].text


async def test_a_ca_that_wants_a_binding_to_find_an_account_is_asked_for_it_by_url(
    desk: Desk, ca: FakeCa
) -> None:
    ca.script["/new-account"].append(problem(403, "externalAccountRequired", "bind it"))

    assert (await said(desk.core))[-1].ok is True


async def test_limits_in_use_are_counted_for_the_account(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    limits = (RateLimit(what="order", per="account", most=2, hours=3),)
    authority = replace(await desk.core.cas.get("fake"), rate_limits=limits)

    async def get(_: str) -> object:
        return authority

    await desk.obtain("www.example.org")
    monkeypatch.setattr(desk.core.cas, "get", get)
    (standing,) = await desk.core.accounts.standings("ops")
    assert (standing.used, standing.limit.most, standing.free_at) == (1, 2, None)

    now = desk.core.context.clock()
    account = await desk.core.accounts.get("ops")
    await desk.core.context.db.write(
        lambda session: ledger.ordered(
            session, at=now, ca="fake", account_id=account.id, request_id="r"
        )
    )
    (standing,) = await desk.core.accounts.standings("ops")
    assert standing.free_at is not None
    assert timedelta(hours=2) < standing.free_at - now <= timedelta(hours=3)


async def test_only_who_may_change_things_gets_a_key_or_changes_an_account(
    desk: Desk, tmp_path: Path
) -> None:
    onlooker = await Core.open(desk.data, read_only=True)
    acts = onlooker.accounts
    try:
        for act in (
            acts.export_key("ops", tmp_path / "key"),
            acts.delete("ops", discard_key=True),
            acts.deactivate("ops"),
            acts.roll_key("ops"),
            acts.update("ops", email="x@example.org"),
            acts.add("x", ca="fake", key=""),
        ):
            with pytest.raises(ReadOnly):
                await act
    finally:
        await onlooker.close()
    assert not (tmp_path / "key").exists()
