"""Versions: numbered, immutable, and what became of them."""

from __future__ import annotations

import pytest

from kmtui.core.errors import NotFound, Refused
from kmtui.db import certificates, secrets, versions
from kmtui.db.database import Database
from kmtui.model import Certificate, VersionStatus
from kmtui.status import version_status
from tests.db.samples import DAY, NOW, Filled, new_id, query, version


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


@pytest.fixture
def shop(filled: Filled) -> Certificate:
    return filled.certificate("shop")


def history(filled: Filled, shop: Certificate) -> dict[int, str]:
    found = filled.db.read_sync(lambda session: versions.of_certificate(session, shop.id))
    return {row.number: version_status(row, NOW).value for row in found}


def test_versions_are_numbered_per_certificate(filled: Filled, shop: Certificate) -> None:
    other = filled.certificate("other")

    assert [filled.version(shop).number for _ in range(3)] == [1, 2, 3]
    assert filled.version(other).number == 1


def test_saving_replaces_the_former(filled: Filled, shop: Certificate) -> None:
    first = filled.version(shop, saved=True)
    filled.version(shop)
    filled.version(shop, saved=True)
    assert history(filled, shop) == {3: "current", 2: "available", 1: "replaced"}

    # going back: an older version is saved again
    filled.db.write_sync(lambda session: versions.mark_saved(session, first.id, NOW))

    assert history(filled, shop) == {3: "replaced", 2: "available", 1: "current"}
    assert filled.now(shop).current_version == 1


def test_a_revoked_version_says_when_and_why(filled: Filled, shop: Certificate) -> None:
    stored = filled.version(shop, saved=True)

    filled.db.write_sync(
        lambda session: versions.mark_revoked(session, stored.id, NOW + DAY, "keyCompromise")
    )

    found = filled.db.read_sync(lambda session: versions.by_id(session, stored.id))
    assert found is not None
    assert (found.revoked_at, found.revocation_reason) == (NOW + DAY, "keyCompromise")
    assert filled.now(shop).revoked_at == NOW + DAY


def test_a_revoked_version_does_not_wait_to_be_saved(filled: Filled, shop: Certificate) -> None:
    stored = filled.version(shop)

    filled.db.write_sync(lambda session: versions.mark_revoked(session, stored.id, NOW, None))

    assert filled.now(shop).unsaved_version is None


def test_the_chain_is_read_for_one_version_and_never_for_a_list(
    filled: Filled, shop: Certificate
) -> None:
    stored = filled.version(shop, chain_pem="PEM")

    one = filled.db.read_sync(lambda session: versions.get(session, shop.id, 1))
    same = filled.db.read_sync(lambda session: versions.by_sha256(session, stored.sha256))
    listed = filled.db.read_sync(lambda session: versions.of_certificate(session, shop.id))
    paged = filled.db.read_sync(lambda session: versions.page(session, query()))

    assert one is not None
    assert one.chain_pem == "PEM"
    assert one == same
    assert [row.chain_pem for row in listed + paged] == ["", ""]
    assert filled.db.read_sync(lambda session: versions.get(session, shop.id, 2)) is None


def test_the_same_certificate_is_stored_once(filled: Filled, shop: Certificate) -> None:
    stored = filled.version(shop)

    with pytest.raises(Refused, match="in the inventory already"):
        filled.version(shop, sha256=stored.sha256)


def test_a_version_of_nothing_is_refused(filled: Filled, shop: Certificate) -> None:
    with pytest.raises((NotFound, Refused)):
        filled.version(shop, certificate_id=new_id())
    for act in (
        lambda s: versions.mark_saved(s, "unknown", NOW),
        lambda s: versions.mark_revoked(s, "unknown", NOW, None),
        lambda s: versions.key_secret_id(s, "unknown"),
    ):
        with pytest.raises(NotFound):
            filled.db.write_sync(act)


def test_a_version_outlives_its_key(filled: Filled, shop: Certificate) -> None:
    row, key = version(shop), new_id()
    filled.db.write_sync(
        lambda s: secrets.put(
            s, id=key, owner_table="version", owner_id=row.id, kind="key", blob=b"sealed"
        )
    )
    filled.db.write_sync(lambda s: versions.insert(s, row, key_secret_id=key))

    def stored() -> tuple[bool, str | None]:
        found = filled.db.read_sync(lambda s: versions.by_id(s, row.id))
        assert found is not None
        return found.has_key, filled.db.read_sync(lambda s: versions.key_secret_id(s, row.id))

    assert stored() == (True, key)
    filled.db.write_sync(lambda s: secrets.delete_for(s, "version", row.id))
    assert stored() == (False, key)


def test_status_words_show_what_the_screens_call_so(filled: Filled, shop: Certificate) -> None:
    filled.version(shop, saved=True, not_after=NOW - DAY)
    filled.version(shop, saved=True)
    filled.version(shop)
    revoked = filled.version(shop)
    filled.db.write_sync(lambda s: versions.mark_revoked(s, revoked.id, NOW, None))
    past = filled.certificate("past")
    filled.version(past, not_after=NOW - DAY)

    everything = filled.db.read_sync(lambda s: versions.page(s, query()))
    for word in VersionStatus:
        expected = {row.id for row in everything if version_status(row, NOW) == word}
        found = filled.db.read_sync(lambda s, w=word: versions.page(s, query(f"status:{w}")))
        assert {row.id for row in found} == expected
        assert expected
        assert filled.db.read_sync(
            lambda s, w=word: versions.count(s, query(f"status:{w}"))
        ) == len(expected)


def test_versions_are_found_by_serial_fingerprint_and_certificate(
    filled: Filled, shop: Certificate
) -> None:
    one = filled.version(shop, serial="0badcafe")
    filled.version(filled.certificate("other"))

    for text in ("badcafe", one.sha256[:20], "cert:SHOP", f"cert:{shop.id}"):
        found = filled.db.read_sync(lambda s, t=text: versions.page(s, query(t)))
        assert [row.id for row in found] == [one.id], text


def test_history_stays_when_the_certificate_is_archived(filled: Filled, shop: Certificate) -> None:
    filled.version(shop, saved=True)

    filled.db.write_sync(lambda session: certificates.archive(session, shop.id, NOW))

    assert history(filled, shop) == {1: "current"}
