"""What decides where keys and records go is not used once another program changed it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import TamperedConfiguration
from kmtui.core.seals import COVERED, describe
from kmtui.db.files import FILE_NAME

URL = "https://ca.example.test/directory"

CHANGES = {
    "CA own-ca": "UPDATE ca SET directory_url = 'https://evil.example.test/directory'",
    "CA own-ca, its trust": "UPDATE ca SET ca_bundle = 'another'",
    "DNS account ns1": (
        "UPDATE dns_account SET settings = json_set(settings, '$.server', '192.0.2.9')"
    ),
    "DNS account ns1, its zones": """UPDATE dns_account SET zones = '["example.test"]'""",
    "end server web1": "UPDATE end_server SET settings = json_set(settings, '$.webroot', '/etc')",
    "end server web1, its seal": "DELETE FROM secret WHERE owner_table = 'end_server'",
    "mapping example.org": "UPDATE mapping SET webroot = '/etc'",
    "mapping example.org, its seal moved": (
        "UPDATE secret SET owner_id = 'x' WHERE owner_table = 'mapping'"
    ),
}
"""What somebody who can write the file does, by what must be refused then."""


async def opened(tmp_path: Path) -> Core:
    core = await Core.open(tmp_path)
    if core.access.initialised:
        await core.access.unlock_with_passphrase(b"open sesame")
    else:
        await core.access.initialise_with_passphrase(b"open sesame")
    return core


@pytest.fixture
async def set_up(tmp_path: Path) -> Path:
    core = await opened(tmp_path)
    await core.cas.add("own-ca", directory_url=URL)
    await core.dns_accounts.add(
        "ns1", provider="rfc2136", settings={"server": "192.0.2.1"}, secrets={}, zones=[]
    )
    await core.end_servers.add("web1", kind="local", settings={"webroot": str(tmp_path)})
    await core.mappings.add("example.org", server="web1", webroot=str(tmp_path))
    await core.close()
    return tmp_path


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_from_outside_is_found_and_not_used(set_up: Path, what: str) -> None:
    with sqlite3.connect(set_up / FILE_NAME) as db:
        assert db.execute(CHANGES[what]).rowcount
    core = await opened(set_up)
    (broken,) = await core.configuration.broken()

    assert describe(broken) == what.partition(",")[0]
    with pytest.raises(TamperedConfiguration, match="changed from outside"):
        await core.context.seals.require(broken)
    await core.close()


async def test_an_end_server_with_another_path_is_not_opened(set_up: Path) -> None:
    with sqlite3.connect(set_up / FILE_NAME) as db:
        db.execute(CHANGES["end server web1"])
    core = await opened(set_up)

    with pytest.raises(TamperedConfiguration) as caught:
        await core.end_servers.open(await core.end_servers.get("web1"))

    assert "web1" in caught.value.message
    assert "kmtui vault seal" in caught.value.hint
    await core.close()


async def test_a_dns_account_with_another_server_gets_no_secret(set_up: Path) -> None:
    with sqlite3.connect(set_up / FILE_NAME) as db:
        db.execute(CHANGES["DNS account ns1"])
    core = await opened(set_up)

    with pytest.raises(TamperedConfiguration):
        await core.dns_accounts.open(await core.dns_accounts.get("ns1"))
    await core.close()


async def test_an_administrator_who_looked_at_it_seals_it_anew(set_up: Path) -> None:
    with sqlite3.connect(set_up / FILE_NAME) as db:
        db.execute(CHANGES["end server web1"])
    core = await opened(set_up)

    await core.configuration.seal(await core.configuration.broken())

    assert await core.configuration.broken() == []
    server = await core.end_servers.get("web1")
    assert server.settings["webroot"] == "/etc"
    assert server.secret_names == ()
    await core.end_servers.open(server)
    await core.close()


async def test_nothing_is_broken_in_what_kmtui_stored(set_up: Path) -> None:
    core = await opened(set_up)

    assert await core.configuration.broken() == []
    await core.close()


def test_every_covered_field_is_one_of_its_row() -> None:
    for row, (_, identity, fields) in COVERED.items():
        assert {identity, *fields} <= row.__dataclass_fields__.keys()
