"""Looking before importing, and what is on record afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, VaultLocked
from kmtui.core.imports.outcome import Fate, Imported
from kmtui.db import activity
from kmtui.model import ListQuery
from tests.core.imports.bringing import brought, combined, count
from tests.core.imports.made import certbot_account, certbot_lineage, history, made, written
from tests.core.issuer import NOW

KEY = ec.generate_private_key(ec.SECP256R1())


async def test_what_is_foreseen_is_what_comes_and_nothing_is_stored(
    core: Core, tmp_path: Path
) -> None:
    certbot_lineage(tmp_path, "shop", history())
    certbot_lineage(tmp_path, "keyless", [made("keyless.example.org")])
    (tmp_path / "archive" / "keyless" / "privkey1.pem").unlink()
    certbot_account(tmp_path, KEY)
    written(tmp_path / "archive" / "bad" / "cert1.pem", "-----BEGIN CERTIFICATE-----\n")
    found = await core.imports.look([str(tmp_path)])

    foreseen = await core.imports.foresee(found)
    assert await count(core) == 0
    assert await core.accounts.all() == []
    done = await core.imports.carry_out(found)

    def told(outcomes: list[Imported]) -> list[tuple[Any, ...]]:
        return [
            (each.kind, each.name, each.fate, each.versions, each.keyless, each.account)
            for each in outcomes
        ]

    assert told(foreseen) == told(done)
    assert {each.fate for each in foreseen} == {Fate.NEW, Fate.FAILED}


async def test_a_locked_vault_shows_what_would_come_and_takes_nothing(
    core: Core, tmp_path: Path
) -> None:
    path = written(tmp_path / "shop.pem", combined(made("shop.example.org")))
    core.access.lock()

    found = await core.imports.look([str(path)])
    (foreseen,) = await core.imports.foresee(found)
    with pytest.raises(VaultLocked):
        await core.imports.carry_out(found)

    assert foreseen.fate == Fate.NEW
    assert await count(core) == 0


@pytest.mark.parametrize("content", ["hello", "", None])
async def test_where_nothing_is_found_that_is_an_error(
    core: Core, tmp_path: Path, content: str | None
) -> None:
    place = tmp_path / "empty"
    if content is None:
        place.mkdir()
    else:
        written(place, content)

    with pytest.raises(InvalidInput) as caught:
        await core.imports.look([str(place)])

    assert str(place) in caught.value.message


async def test_every_import_is_on_record(core: Core, tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop", history(versions=2))
    certbot_account(tmp_path, KEY)
    written(tmp_path / "archive" / "odd" / "cert1.pem", made("My Device").cert_pem)

    await brought(core, tmp_path)

    lines = await core.activity.page(ListQuery(now=NOW, text="what:import"))
    assert [(line.object_type, line.object_name, line.outcome) for line in lines[::-1]] == [
        ("account", "example-certbot", "ok"),
        ("certificate", "odd", "failed"),
        ("certificate", "shop", "ok"),
    ]
    assert "2 versions, from" in lines[0].detail
    assert await core.context.db.read(activity.first_broken_link) is None


async def test_the_keys_are_sealed_and_nowhere_in_the_clear(core: Core, tmp_path: Path) -> None:
    shop = made("shop.example.org")
    certbot_lineage(tmp_path / "state", "shop", [shop])
    certbot_account(tmp_path / "state", KEY)

    await brought(core, tmp_path / "state")
    data = core.data
    await core.close()

    content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for key in (shop.key, KEY):
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        scalar = key.private_numbers().private_value.to_bytes(32, "big")
        assert scalar not in content
    assert b"PRIVATE KEY" not in content
