"""Accounts, DNS accounts, end servers, mappings and custom CAs: kept, listed, in use or not."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.db import accounts, authorities, certificates, cleanup, dns, mappings, secrets, servers
from kmtui.db.database import Database
from kmtui.model import Authority
from tests.db.samples import (
    NOW,
    Filled,
    account,
    dns_account,
    entry,
    mapping,
    new_id,
    query,
    server,
)

PARTIES = [
    pytest.param(accounts, account, id="account"),
    pytest.param(dns, dns_account, id="dns"),
    pytest.param(servers, server, id="server"),
]


def stored(db: Database, module: ModuleType, word: str) -> Any:
    return db.read_sync(lambda session: module.get(session, word))


@pytest.mark.parametrize(("module", "make"), PARTIES)
def test_a_party_is_kept_by_id_and_name(db: Database, module: ModuleType, make: Any) -> None:
    row = make("one")

    db.write_sync(lambda session: module.insert(session, row))

    assert stored(db, module, "one") == stored(db, module, row.id) == row
    assert stored(db, module, "two") is None
    with pytest.raises(InvalidInput, match="of this name exists") as caught:
        db.write_sync(lambda session: module.insert(session, make("one")))
    assert caught.value.field == "name"


@pytest.mark.parametrize(("module", "make"), PARTIES)
def test_parties_are_listed_by_name(db: Database, module: ModuleType, make: Any) -> None:
    for name in ("b", "a", "c"):
        db.write_sync(lambda session, n=name: module.insert(session, make(n)))

    def listed(**fields: Any) -> list[str]:
        return [row.name for row in db.read_sync(lambda s: module.page(s, query(**fields)))]

    assert [row.name for row in db.read_sync(module.list_all)] == ["a", "b", "c"]
    assert listed() == ["a", "b", "c"]
    assert listed(sort="name", descending=True, limit=2) == ["c", "b"]
    assert listed(text="B") == ["b"]
    assert db.read_sync(lambda s: module.count(s, query("!b"))) == 2


@pytest.mark.parametrize(("module", "make"), PARTIES)
def test_a_deleted_party_takes_its_secrets_along(
    db: Database, module: ModuleType, make: Any
) -> None:
    row = make("one")
    db.write_sync(lambda session: module.insert(session, row))
    db.write_sync(
        lambda session: secrets.put(
            session,
            id=new_id(),
            owner_table=module.OWNER,
            owner_id=row.id,
            kind="key",
            blob=b"sealed",
        )
    )

    db.write_sync(lambda session: module.delete(session, row.id))

    assert stored(db, module, "one") is None
    assert db.read_sync(lambda s: secrets.find(s, module.OWNER, row.id, "key")) is None
    with pytest.raises(NotFound):
        db.write_sync(lambda session: module.delete(session, row.id))


@pytest.mark.parametrize(("module", "make"), PARTIES[1:])
def test_the_last_test_is_remembered(db: Database, module: ModuleType, make: Any) -> None:
    row = make("one")
    db.write_sync(lambda session: module.insert(session, row))
    db.write_sync(lambda session: module.insert(session, make("two")))

    db.write_sync(
        lambda session: module.update(
            session, row.id, last_test_at=NOW, last_test_ok=False, last_test_detail="refused"
        )
    )

    found = stored(db, module, "one")
    assert (found.last_test_at, found.last_test_ok, found.last_test_detail) == (
        NOW,
        False,
        "refused",
    )
    for word, names in (("failed", ["one"]), ("never", ["two"]), ("ok", [])):
        page = db.read_sync(lambda s, w=word: module.page(s, query(f"test:{w}")))
        assert [other.name for other in page] == names


@pytest.mark.parametrize(("module", "make"), PARTIES[1:])
def test_only_names_of_secrets_are_listed(db: Database, module: ModuleType, make: Any) -> None:
    row = make("one")
    db.write_sync(lambda session: module.insert(session, row))
    for kind in ("token", "api_key"):
        db.write_sync(
            lambda session, k=kind: secrets.put(
                session,
                id=new_id(),
                owner_table=module.OWNER,
                owner_id=row.id,
                kind=k,
                blob=b"sealed bytes",
            )
        )

    found = stored(db, module, "one")

    assert found.secret_names == ("api_key", "token")
    assert "sealed" not in repr(found)


def test_an_account_counts_its_certificates(db: Database) -> None:
    filled = Filled(db)
    prod = filled.account("prod")
    filled.certificate("a", account_id=prod.id)
    filled.certificate("b", account_id=prod.id)

    assert stored(db, accounts, "prod").certificates == 2


def test_an_account_counts_what_the_list_of_certificates_shows(db: Database) -> None:
    filled = Filled(db)
    prod = filled.account("prod")
    filled.certificate("a", account_id=prod.id)
    gone = filled.certificate("b", account_id=prod.id)

    db.write_sync(lambda session: certificates.archive(session, gone.id, NOW))

    assert stored(db, accounts, "prod").certificates == 1


def test_one_account_url_is_one_account(db: Database) -> None:
    filled = Filled(db)
    first = filled.account("prod")

    with pytest.raises(InvalidInput, match="in the inventory already"):
        filled.account("again", account_url=first.account_url)
    # Two that are not registered yet have none.
    filled.account("new", account_url=None)
    filled.account("newer", account_url=None)


def test_a_mapping_names_who_answers_and_keeps_them(db: Database) -> None:
    zone, web = dns_account("zone"), server("web")
    both = [
        mapping("*.example.org", dns_account_id=zone.id, dns_account="zone", alias="acme.test"),
        mapping(
            "*.example.org",
            challenge_type="http-01",
            server_id=web.id,
            server="web",
            webroot="/srv/www",
        ),
    ]
    db.write_sync(lambda session: dns.insert(session, zone))
    db.write_sync(lambda session: servers.insert(session, web))
    for row in both:
        db.write_sync(lambda session, r=row: mappings.insert(session, r))

    assert db.read_sync(mappings.list_all) == both
    assert db.read_sync(lambda s: mappings.get(s, both[1].id)) == both[1]
    assert db.read_sync(lambda s: dns.mappings_of(s, zone.id)) == both[:1]
    assert db.read_sync(lambda s: servers.mappings_of(s, web.id)) == both[1:]
    assert stored(db, dns, "zone").used_by == 1
    assert stored(db, servers, "web").mapped == 1
    again = mapping("*.example.org", dns_account_id=zone.id)
    with pytest.raises(InvalidInput, match="mapped already"):
        db.write_sync(lambda session: mappings.insert(session, again))
    for module, used in ((dns, zone), (servers, web)):
        with pytest.raises(Refused, match="still uses it"):
            db.write_sync(lambda session, m=module, u=used: m.delete(session, u.id))

    for row in both:
        db.write_sync(lambda session, r=row: mappings.delete(session, r.id))
    db.write_sync(lambda session: dns.delete(session, zone.id))
    db.write_sync(lambda session: servers.delete(session, web.id))


def test_a_mapping_goes_to_one_place_that_fits_its_challenge(db: Database) -> None:
    zone = dns_account("zone")
    db.write_sync(lambda session: dns.insert(session, zone))

    for wrong in (
        mapping("a.test"),
        mapping("a.test", challenge_type="http-01", dns_account_id=zone.id),
    ):
        with pytest.raises(Refused):
            db.write_sync(lambda session, w=wrong: mappings.insert(session, w))


def test_what_is_needed_to_clean_up_stays(db: Database) -> None:
    zone = dns_account("zone")
    db.write_sync(lambda session: dns.insert(session, zone))
    row = entry(Filled(db).request("a.test"), dns_account_id=zone.id, state="presented")
    db.write_sync(lambda session: cleanup.insert(session, row))

    with pytest.raises(Refused, match="needed to remove"):
        db.write_sync(lambda session: dns.delete(session, zone.id))

    db.write_sync(lambda session: cleanup.update(session, row.id, state="done"))
    db.write_sync(lambda session: dns.delete(session, zone.id))


def test_a_custom_ca_comes_back_as_it_was_added(db: Database) -> None:
    authority = Authority(
        name="lab",
        title="Lab CA",
        directory_url="https://ca.example.test/directory",
        state="custom",
        ca_bundle="PEM",
        max_names=5,
        single_account=True,
        lifetime_days=180,
    )
    db.write_sync(lambda session: authorities.insert(session, authority, created_at=NOW))
    Filled(db).account("prod", ca="lab")

    assert db.read_sync(authorities.list_all) == [authority]
    assert db.read_sync(lambda session: authorities.get(session, "lab")) == authority
    assert db.read_sync(lambda session: authorities.accounts_at(session, "lab")) == ["prod"]
    with pytest.raises(InvalidInput):
        db.write_sync(lambda session: authorities.insert(session, authority, created_at=NOW))
    db.write_sync(lambda session: authorities.delete(session, "lab"))
    assert db.read_sync(authorities.list_all) == []
