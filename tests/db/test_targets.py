"""Targets: unique in name and place, wanted and claimed, due when their time has come."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from kmtui.core.errors import NotFound, Refused
from kmtui.db import certificates, deployments, servers, targets, versions
from kmtui.db.database import Database
from kmtui.model import Target, TargetState
from tests.db.samples import DAY, NOW, Filled, deployment, new_id, query


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def stored(db: Database, target: Target) -> Target:
    return db.read_sync(lambda session: targets.get(session, target.id))


def due(db: Database, at: timedelta = timedelta(0)) -> list[str]:
    return [row.name for row in db.read_sync(lambda session: targets.due(session, NOW + at))]


def test_a_target_comes_back_as_it_was_stored_with_the_names_of_what_it_belongs_to(
    filled: Filled,
) -> None:
    certificate, server = filled.certificate("shop"), filled.server("web")

    target = filled.target(certificate, server_id=server.id, owner="root:tls", mode=0o600)

    assert (target.certificate, target.server, target.layout) == ("shop", "web", "pair")
    assert (target.owner, target.mode, target.adopt) == ("root:tls", 0o600, False)
    assert (target.state, target.wanted_version, target.former) == (TargetState.WAITING, None, None)


def test_targets_are_found_by_certificate_server_and_word(db: Database, filled: Filled) -> None:
    shop, mail, web = filled.certificate("shop"), filled.certificate("mail"), filled.server("web")
    first = filled.target(shop, "b", server_id=web.id)
    filled.target(shop, "a")
    filled.target(mail, "a", server_id=web.id)

    def names(found: list[Target]) -> list[tuple[str, str]]:
        return [(row.certificate, row.name) for row in found]

    with_all = db.read_sync(targets.list_all)
    assert names(with_all) == [("mail", "a"), ("shop", "a"), ("shop", "b")]
    of_shop = db.read_sync(lambda session: targets.of_certificate(session, shop.id))
    assert names(of_shop) == [("shop", "a"), ("shop", "b")]
    of_web = db.read_sync(lambda session: targets.of_server(session, web.id))
    assert names(of_web) == [("mail", "a"), ("shop", "b")]
    for word in ("b", first.id):
        assert db.read_sync(lambda session, w=word: targets.named(session, shop.id, w)) == first
    assert db.read_sync(lambda session: targets.named(session, mail.id, "b")) is None
    (row,) = db.read_sync(servers.list_all)
    assert row.targets == 2
    with pytest.raises(NotFound):
        db.read_sync(lambda session: targets.get(session, "nothing"))


def test_one_name_and_one_place_belong_to_one_target(db: Database, filled: Filled) -> None:
    shop, mail, web = filled.certificate("shop"), filled.certificate("mail"), filled.server("web")
    filled.target(shop, "a", server_id=web.id, directory="/etc/tls")
    filled.target(shop, "b", server_id=web.id, directory="/etc/lb", layout="combined")

    with pytest.raises(Refused, match="of this name"):
        filled.target(shop, "a", server_id=web.id, directory="/etc/other")
    with pytest.raises(Refused, match="has this directory"):
        filled.target(mail, "a", server_id=web.id, directory="/etc/tls", layout="versioned")
    with pytest.raises(Refused, match="has this directory"):
        filled.target(mail, "b", server_id=web.id, directory="/etc/lb", layout="combined")
    filled.target(mail, "c", server_id=web.id, directory="/etc/lb", layout="combined")


@pytest.mark.parametrize(
    "change", ["mode = 416 + 4", "layout = 'flat'", "state = 'odd'", "hook = 'x'", "version = 0"]
)
def test_what_a_target_must_never_be_is_refused(db: Database, filled: Filled, change: str) -> None:
    filled.target(filled.certificate(), server_id=filled.server().id)
    raw = sqlite3.connect(db.path)

    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"UPDATE target SET {change}")
    raw.close()


def test_a_saved_version_is_wanted_at_every_target_at_once(db: Database, filled: Filled) -> None:
    certificate = filled.certificate("shop")
    idle, busy = filled.target(certificate, "a"), filled.target(certificate, "b")
    other = filled.target(filled.certificate("mail"), "c")
    db.write_sync(
        lambda session: targets.update(session, busy.id, state=TargetState.UPLOADING, failures=3)
    )
    db.write_sync(
        lambda session: targets.update(session, idle.id, state=TargetState.FAILED, forced=True)
    )
    assert due(db) == []

    version = filled.version(certificate)
    db.write_sync(lambda session: versions.mark_saved(session, version.id, NOW))

    wanted = [stored(db, target) for target in (idle, busy, other)]
    assert [row.wanted_version for row in wanted] == [1, 1, None]
    assert [row.state for row in wanted] == ["waiting", "uploading", "waiting"]
    assert [(row.failures, row.forced) for row in wanted[:2]] == [(0, False), (0, False)]
    assert due(db) == ["a", "b"]


def test_only_what_is_asked_for_gets_another_version(db: Database, filled: Filled) -> None:
    certificate = filled.certificate()
    one, two = filled.target(certificate, "a"), filled.target(certificate, "b")

    ids = db.write_sync(
        lambda s: targets.want(s, certificate.id, 4, NOW + DAY, only=[two.id], forced=True)
    )

    assert ids == [two.id]
    assert (stored(db, one).wanted_version, stored(db, two).wanted_version) == (None, 4)
    assert stored(db, two).forced
    assert (due(db), due(db, DAY)) == ([], ["b"])


def test_targets_of_archived_certificates_are_left_alone(db: Database, filled: Filled) -> None:
    certificate = filled.certificate()
    target = filled.target(certificate, next_attempt_at=NOW, error="it failed")
    assert due(db) == ["web1"]
    assert db.read_sync(targets.not_well) == [target]

    db.write_sync(lambda session: certificates.archive(session, certificate.id, NOW))

    assert due(db) == []
    assert db.read_sync(targets.not_well) == []
    assert db.read_sync(targets.list_all) == []
    assert stored(db, target).name == "web1"


def test_a_target_is_claimed_by_one_process_and_the_number_grows(
    db: Database, filled: Filled
) -> None:
    target = filled.target(filled.certificate())

    first = db.write_sync(lambda s: targets.claim(s, target.id, "1-a", held=0))
    late = db.write_sync(lambda s: targets.claim(s, target.id, "2-b", held=0))
    again = db.write_sync(lambda s: targets.claim(s, target.id, "2-b", held=1))

    assert (first, late, again) == (1, None, 2)
    assert (stored(db, target).worker, stored(db, target).attempt) == ("2-b", 2)


def test_the_history_outlives_its_target(db: Database, filled: Filled) -> None:
    certificate = filled.certificate()
    target = filled.target(certificate)
    for version, place in ((1, "1"), (2, "2"), (3, ""), (2, "2")):
        row = deployment(target, version=version, place=place)
        db.write_sync(lambda s, row=row: deployments.insert(s, row))

    db.write_sync(lambda session: targets.delete(session, target.id))

    history = db.read_sync(lambda s: deployments.of_certificate(s, certificate.id))
    assert [row.version for row in history] == [2, 3, 2, 1]
    assert db.read_sync(lambda s: deployments.of_target(s, target.id)) == history
    assert db.read_sync(lambda s: deployments.places(s, target.id)) == {"1", "2"}
    assert db.read_sync(lambda s: deployments.places(s, new_id())) == set()


def test_an_end_server_that_receives_certificates_is_not_deleted(
    db: Database, filled: Filled
) -> None:
    server = filled.server("web")
    target = filled.target(filled.certificate("shop"), "a", server_id=server.id)

    with pytest.raises(Refused, match="web receives the targets shop a"):
        db.write_sync(lambda session: servers.delete(session, server.id))

    db.write_sync(lambda session: targets.delete(session, target.id))
    db.write_sync(lambda session: servers.delete(session, server.id))


def test_certificates_are_found_by_how_their_targets_stand(db: Database, filled: Filled) -> None:
    shop, mail, web = (filled.certificate(name) for name in ("shop", "mail", "web"))
    filled.target(shop, "web1", state=TargetState.FAILED)
    filled.target(shop, "web2", state=TargetState.VERIFIED)
    filled.target(mail, "mx1", state=TargetState.STALE)

    def found(text: str) -> set[str]:
        return {row.name for row in db.read_sync(lambda s: certificates.page(s, query(text)))}

    assert found("target:failed") == {"shop"}
    assert found("target:ver") == {"shop"}
    assert found("target:stale") == {"mail"}
    assert found("!target:failed") == {"mail", web.name}
    assert db.read_sync(targets.counts) == {"failed": 1, "verified": 1, "stale": 1}


def test_targets_of_archived_certificates_are_not_counted(db: Database, filled: Filled) -> None:
    shop = filled.certificate("shop", archived_at=NOW)
    filled.target(shop, "web1", state=TargetState.FAILED)

    assert db.read_sync(targets.counts) == {}
