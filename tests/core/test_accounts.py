"""Registering: what is refused before the CA is asked, and what survives a lost answer."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import CaUnreachable, InvalidInput, Refused
from kmtui.core.sandbox.sandbox import Sandbox
from tests.core.conftest import Bench


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
