"""Registering: what is refused before the CA is asked, and what survives a lost answer."""

from __future__ import annotations

import httpx
import pytest

from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, CaUnreachable, InvalidInput, Refused
from kmtui.core.sandbox.sandbox import Sandbox
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import DIRECTORY, FakeCa, Lost, problem
from tests.core.conftest import Bench
from tests.torture.edge_cases.conftest import Desk


async def test_a_retired_ca_is_refused_with_dates_and_alternatives(core: Core) -> None:
    with pytest.raises(Refused) as caught:
        await core.accounts.register("old", ca="buypass", email="ops@example.org", agree_tos=True)

    assert "2025-10-31" in caught.value.message
    assert "letsencrypt" in caught.value.hint
    assert await core.accounts.all() == []


async def test_terms_must_be_agreed_to_and_are_named(bench: Bench) -> None:
    with pytest.raises(InvalidInput) as caught:
        await bench.core.accounts.register("second", ca="sandbox")

    assert caught.value.field == "agree-tos"
    assert "/terms" in caught.value.message


async def test_a_ca_for_one_account_takes_no_second(core: Core) -> None:
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("one", directory_url=sandbox.directory_url, single_account=True)
        await core.accounts.register("first", ca="one", agree_tos=True)

        with pytest.raises(Refused, match="first"):
            await core.accounts.register("second", ca="one", agree_tos=True)


async def test_a_registration_that_was_cut_off_goes_on_with_the_same_key(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("lab", directory_url=sandbox.directory_url)
        client = await core.cas.client("lab")

        async def lost(*_: object, **__: object) -> None:
            raise CaUnreachable("the line went dead")

        with monkeypatch.context() as patched:
            patched.setattr(client, "new_account", lost)
            with pytest.raises(CaUnreachable):
                await core.accounts.register("main", ca="lab", agree_tos=True)
        (planned,) = await core.accounts.all()
        assert planned.status == "pending"

        account = await core.accounts.register("main", ca="lab", agree_tos=True)

    assert account.status == "valid"
    assert account.key_thumbprint == planned.key_thumbprint


@pytest.mark.parametrize("email", ["nobody", "a b@example.org", "a@b", "x@example.org,y@z.org"])
async def test_an_address_that_is_none_names_its_field(bench: Bench, email: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await bench.core.accounts.register("x", ca="sandbox", email=email, agree_tos=True)
    assert caught.value.field == "email"


async def test_a_registration_whose_answer_was_lost_is_found_without_its_binding(
    desk: Desk, ca: FakeCa
) -> None:
    # given: the CA registered, its answer was lost, and the binding is good for once
    ca.meta = {"externalAccountRequired": True}
    bound = {"ca": "fake", "eab_kid": "eab-1", "eab_hmac": "-_8gc2VjcmV0IGtleSBvZiB0aGUgQ0E"}
    ca.script["/new-account"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 5)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.register("bound", **bound)
    assert (await desk.core.accounts.get("bound")).status == "pending"

    account = await desk.core.accounts.register("bound", ca="fake")

    assert account.status == "valid"
    assert account.account_url in ca.accounts
    assert ca.payloads[-1] == ("/new-account", {"onlyReturnExisting": True})


async def test_a_binding_that_cannot_be_read_is_told_before_a_key_is_made(
    desk: Desk, ca: FakeCa
) -> None:
    asked = len(ca.requests)

    with pytest.raises(InvalidInput, match="not base64") as caught:
        await desk.core.accounts.register("x", ca="fake", eab_kid="k", eab_hmac="no key!")

    assert caught.value.field == "eab-hmac-file"
    assert len(ca.requests) == asked
    assert [account.name for account in await desk.core.accounts.all()] == ["ops"]


async def test_a_refused_registration_leaves_only_its_record(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    ca.script["/new-account"].append(problem(403, "invalidContact", "no such domain"))

    with pytest.raises(AcmeError):
        await desk.core.accounts.register("x", ca="fake", email="x@example.org")

    assert [account.name for account in await desk.core.accounts.all()] == ["ops"]
    assert await record() == [("register", "started"), ("register", "failed")]


async def test_a_registration_that_is_not_confirmed_counts_where_one_account_is_allowed(
    desk: Desk, ca: FakeCa
) -> None:
    await desk.core.cas.add("one", directory_url=DIRECTORY, single_account=True)
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.register("first", ca="one")

    with pytest.raises(Refused, match="allows one account, and there is first"):
        await desk.core.accounts.register("second", ca="one")

    assert (await desk.core.accounts.register("first", ca="one")).status == "valid"
