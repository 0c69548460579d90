"""DNS accounts as the rest of core meets them: set up, changed, opened with their secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.dns.rfc2136 import Rfc2136
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.events import DnsAccountChanged, Event
from kmtui.db import dns as rows
from kmtui.model import DnsAccount, ListQuery

FIRST, SECOND = "Zmlyc3Qgc2VjcmV0", "c2Vjb25kIHNlY3JldA=="


@pytest.fixture
async def account(core: Core) -> DnsAccount:
    return await core.dns_accounts.add(
        "ns1",
        provider="rfc2136",
        settings={"server": "192.0.2.1", "tsig_name": "kmtui.", "ttl": "300"},
        secrets={"tsig_secret": FIRST},
        zones=["example.org"],
    )


@pytest.fixture
async def other(core: Core, account: DnsAccount, tmp_path: Path) -> AsyncIterator[Core]:
    """A second process on the same inventory."""
    other = await Core.open(tmp_path / "data", actor="other@here")
    await other.access.unlock_with_key_file(tmp_path / "vault.key")
    yield other
    await other.close(seconds=5)


async def key_of(core: Core) -> bytes:
    """The secret that the account is opened with."""
    opened = await core.dns_accounts.open(await core.dns_accounts.get("ns1"))
    provider = opened.provider.provider
    assert isinstance(provider, Rfc2136)
    assert provider._server.key is not None
    secret: bytes = provider._server.key.secret
    return secret


async def test_what_is_named_changes_and_the_rest_stays(core: Core, account: DnsAccount) -> None:
    changed = await core.dns_accounts.update("ns1", settings={"server": "192.0.2.2", "ttl": ""})

    assert changed == await core.dns_accounts.get("ns1")
    assert changed.settings == {"server": "192.0.2.2", "tsig_name": "kmtui."}
    assert (changed.zones, changed.secret_names) == (account.zones, account.secret_names)
    assert await key_of(core) == b"first secret"


async def test_a_secret_is_replaced(core: Core, account: DnsAccount) -> None:
    assert await key_of(core) == b"first secret"

    await core.dns_accounts.update("ns1", secrets={"tsig_secret": SECOND})

    assert await key_of(core) == b"second secret"


async def test_another_process_goes_on_with_the_new_secret(core: Core, other: Core) -> None:
    assert await key_of(other) == b"first secret"

    await core.dns_accounts.update("ns1", secrets={"tsig_secret": SECOND})
    other.bus.publish(DnsAccountChanged("any"))  # A second has passed since it looked.

    assert await key_of(other) == b"second secret"


async def test_an_empty_secret_is_taken_away(core: Core, account: DnsAccount) -> None:
    changed = await core.dns_accounts.update(
        "ns1", settings={"tsig_name": ""}, secrets={"tsig_secret": ""}
    )

    assert changed.secret_names == ()
    assert (await core.dns_accounts.get("ns1")).secret_names == ()


async def test_zones_are_replaced_and_emptied(core: Core, account: DnsAccount) -> None:
    changed = await core.dns_accounts.update("ns1", zones=["Bücher.example", "example.net"])
    assert changed.zones == ("xn--bcher-kva.example", "example.net")

    assert (await core.dns_accounts.update("ns1", zones=[""])).zones == ()


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({"server": ""}, {}, "server"),
        ({"server": "not a host"}, {}, "server"),
        ({"nonsense": "1"}, {}, "nonsense"),
        ({"ttl": "soon"}, {}, "ttl"),
        ({}, {"tsig_secret": "no-base64!"}, "tsig_secret"),
        ({}, {"tsig_secret": ""}, "tsig_secret"),
    ],
)
async def test_what_cannot_work_is_refused_and_nothing_changes(
    core: Core,
    account: DnsAccount,
    settings: dict[str, str],
    secrets: dict[str, str],
    field: str,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await core.dns_accounts.update("ns1", settings=settings, secrets=secrets)

    assert caught.value.field == field
    assert await core.dns_accounts.get("ns1") == account
    assert await key_of(core) == b"first secret"


async def test_a_change_is_told_and_written_down_without_values(
    core: Core, account: DnsAccount
) -> None:
    heard: list[Event] = []
    core.bus.subscribe(heard.append)

    await core.dns_accounts.update(
        "ns1", settings={"ttl": "77"}, secrets={"tsig_secret": SECOND}, zones=["example.net"]
    )

    assert DnsAccountChanged(account.id) in heard
    lines = await core.activity.page(ListQuery(now=account.created_at))
    (line,) = [line for line in lines if line.action == "dns update"]
    assert (line.object_name, line.detail) == ("ns1", "tsig_secret, ttl, zones")


async def test_the_last_test_is_forgotten(core: Core, account: DnsAccount) -> None:
    result = {"last_test_ok": True, "last_test_at": account.created_at}
    await core.context.db.write(lambda session: rows.update(session, account.id, **result))

    changed = await core.dns_accounts.update("ns1", settings={"ttl": "77"})

    assert (changed.last_test_ok, changed.last_test_at) == (None, None)


async def test_of_two_changes_at_once_one_is_refused(
    core: Core, account: DnsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changed_meanwhile(_: DnsAccount) -> dict[str, str]:
        await core.context.db.write(
            lambda session: rows.update(session, account.id, settings={"server": "192.0.2.9"})
        )
        return {"tsig_secret": FIRST}

    monkeypatch.setattr(core.dns_accounts, "_secrets_of", changed_meanwhile)

    with pytest.raises(Refused, match="changed meanwhile"):
        await core.dns_accounts.update("ns1", settings={"ttl": "77"})

    assert (await core.dns_accounts.get("ns1")).settings == {"server": "192.0.2.9"}
