"""A CA added under a name of the catalogue: it takes that one's place, and gives it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kmtui.core.authorities import catalogue
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.sandbox import Sandbox
from kmtui.db import authorities

URL = "https://ca.example.test/directory"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    yield core
    await core.close(seconds=1)


async def test_what_is_not_given_stays_as_the_catalogue_says(core: Core) -> None:
    added = await core.cas.add("buypass", directory_url=URL)

    known = catalogue()["buypass"]
    assert (added.directory_url, added.state, added.overrides) == (URL, "custom", True)
    assert (added.title, added.max_names, added.lifetime_days) == (known.title, 15, 180)
    assert (added.single_account, added.email_required, added.wildcard) == (True, True, True)


async def test_what_is_given_goes_before_the_catalogue(core: Core) -> None:
    added = await core.cas.add("buypass", directory_url=URL, max_names=5, title="House CA")

    assert (added.title, added.max_names, added.lifetime_days) == ("House CA", 5, 180)


async def test_it_is_listed_once_and_is_in_use_again(core: Core) -> None:
    await core.cas.add("buypass", directory_url=URL)

    (listed,) = [ca for ca in await core.cas.all() if ca.name == "buypass"]

    assert listed.retired is None
    assert not any("moved elsewhere" in note for note in listed.notes)


async def test_its_seal_holds(core: Core) -> None:
    await core.cas.add("buypass", directory_url=URL)

    await core.cas.require_sealed("buypass")


async def test_removed_the_one_of_the_catalogue_is_back(core: Core) -> None:
    await core.cas.add("buypass", directory_url=URL)

    await core.cas.remove("buypass")

    assert await core.cas.get("buypass") == catalogue()["buypass"]


async def test_a_name_is_overridden_once(core: Core) -> None:
    await core.cas.add("buypass", directory_url=URL)

    with pytest.raises(InvalidInput, match="buypass already"):
        await core.cas.add("buypass", directory_url=URL)


async def test_accounts_work_there_and_keep_the_override_in_place(core: Core) -> None:
    async with Sandbox() as sandbox:
        await core.cas.add("buypass", directory_url=sandbox.directory_url)
        account = await core.accounts.register(
            "main", ca="buypass", email="a@example.org", agree_tos=True
        )

        with pytest.raises(Refused, match="main"):
            await core.cas.remove("buypass")

        assert account.status == "valid"
        assert account.directory_url == sandbox.directory_url
        with pytest.raises(Refused, match="one account"):
            await core.accounts.register(
                "second", ca="buypass", email="a@example.org", agree_tos=True
            )


async def test_accounts_of_the_catalogues_ca_are_not_sent_elsewhere(core: Core) -> None:
    async with Sandbox() as sandbox:
        await core.cas.add("buypass", directory_url=sandbox.directory_url)
        await core.accounts.register("main", ca="buypass", email="a@example.org", agree_tos=True)
        await core.context.db.write(lambda session: authorities.delete(session, "buypass"))

        with pytest.raises(Refused, match="main") as caught:
            await core.cas.add("buypass", directory_url=URL)

    assert "another name" in caught.value.hint
