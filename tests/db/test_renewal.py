"""Renewal plans, and the selections an unattended run makes from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kmtui.db import certificates, renewal, versions
from kmtui.db.database import Database
from kmtui.model import Certificate, RenewalPlan
from tests.db.samples import DAY, NOW, Filled


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def saved(filled: Filled, name: str = "www.example.org", **fields: Any) -> Certificate:
    """A certificate with a current version: issued a day ago for 90 days."""
    account = fields.pop("account", None) or filled.account(f"for {name}")
    certificate = filled.certificate(name, account_id=account.id, **fields)
    filled.version(certificate, saved=True)
    return filled.now(certificate)


def plan(of: Certificate, **fields: Any) -> RenewalPlan:
    row = RenewalPlan(
        certificate_id=of.id,
        version_number=1,
        source="lifetime",
        renew_at=NOW + 60 * DAY,
        next_check_at=NOW,
    )
    return replace(row, **fields)


def put(filled: Filled, *plans: RenewalPlan) -> None:
    filled.db.write_sync(lambda session: renewal.put(session, plans))


def names(found: list[Certificate]) -> list[str]:
    return [certificate.name for certificate in found]


def due(filled: Filled, now: datetime) -> list[str]:
    return names(filled.db.read_sync(lambda session: renewal.due(session, now)))


def test_a_plan_moves_the_moment_a_certificate_is_due(filled: Filled) -> None:
    certificate = saved(filled)
    assert due(filled, NOW + 30 * DAY) == []

    put(filled, plan(certificate, renew_at=NOW + DAY, source="ari", failures=2, error="away"))

    assert due(filled, NOW + 2 * DAY) == ["www.example.org"]
    assert filled.now(certificate).renew_at == NOW + DAY
    stored = filled.db.read_sync(lambda session: renewal.plan(session, certificate.id))
    assert stored == plan(certificate, renew_at=NOW + DAY, source="ari", failures=2, error="away")
    assert filled.db.read_sync(lambda s: renewal.plans(s, [certificate.id, "other"])) == {
        certificate.id: stored
    }


def test_a_plan_outlives_other_changes_and_ends_with_its_version(filled: Filled) -> None:
    certificate = saved(filled)
    put(filled, plan(certificate, renew_at=NOW + DAY))

    filled.db.write_sync(lambda s: certificates.update(s, certificate.id, auto_save="always"))
    assert due(filled, NOW + 2 * DAY) == ["www.example.org"]
    filled.version(certificate, saved=True)

    assert due(filled, NOW + 2 * DAY) == []
    assert names(filled.db.read_sync(renewal.unplanned)) == ["www.example.org"]


def test_a_plan_that_comes_too_late_for_its_version_is_dropped(filled: Filled) -> None:
    certificate = saved(filled)
    filled.version(certificate, saved=True)

    put(filled, plan(certificate, renew_at=NOW - DAY))

    assert due(filled, NOW) == []
    assert filled.db.read_sync(lambda s: renewal.plan(s, certificate.id)) is None


def test_only_what_is_in_force_and_renews_by_itself_is_due(filled: Filled) -> None:
    late = NOW + 80 * DAY
    saved(filled, "off.example.org", auto_renew=False)
    archived = saved(filled, "archived.example.org")
    revoked = saved(filled, "revoked.example.org")
    filled.certificate("pending.example.org")
    saved(filled, "due.example.org")
    (version,) = filled.db.read_sync(lambda s: versions.of_certificate(s, revoked.id))
    filled.db.write_sync(lambda s: certificates.archive(s, archived.id, NOW))
    filled.db.write_sync(lambda s: versions.mark_revoked(s, version.id, NOW, None))

    assert due(filled, late) == ["due.example.org"]
    watched = names(filled.db.read_sync(renewal.watched))
    assert sorted(watched) == [
        "due.example.org",
        "off.example.org",
        "pending.example.org",
        "revoked.example.org",
    ]


def test_a_ca_is_asked_when_it_wants_to_be_and_not_after_expiry(filled: Filled) -> None:
    rows = [saved(filled, f"{word}.example.org") for word in ("now", "later", "never")]
    off = saved(filled, "off.example.org", auto_renew=False)
    put(
        filled,
        plan(rows[0]),
        plan(rows[1], next_check_at=NOW + timedelta(hours=1)),
        plan(rows[2], next_check_at=None),
        plan(off),
    )

    def asked(now: datetime) -> list[str]:
        found = filled.db.read_sync(lambda session: renewal.to_check(session, now))
        assert all(one.certificate_id == row.id for row, one in found)
        return names([row for row, _ in found])

    assert asked(NOW) == ["now.example.org"]
    assert asked(NOW + DAY) == ["now.example.org", "later.example.org"]
    assert asked(NOW + 90 * DAY) == []


def test_attempts_are_those_since_the_last_version(filled: Filled) -> None:
    account = filled.account("one")
    tried = saved(filled, "tried.example.org", account=account)
    fine = saved(filled, "fine.example.org", account=account)
    for status in ("failed", "saved", "failed", "failed"):
        filled.request(tried.name, certificate_id=tried.id, status=status, kind="renew")
    filled.request(fine.name, certificate_id=fine.id, status="failed")
    filled.request(fine.name, certificate_id=fine.id, status="saved")

    given_up = saved(filled, "given-up.example.org", account=account)
    for status in ("failed", "cancelled"):
        filled.request(given_up.name, certificate_id=given_up.id, status=status, kind="renew")

    found = filled.db.read_sync(
        lambda session: renewal.attempts(session, [tried.id, fine.id, given_up.id])
    )

    assert {id_: [row.number for row in rows] for id_, rows in found.items()} == {
        tried.id: [4, 3],
        given_up.id: [8, 7],
    }


def test_more_certificates_are_looked_up_than_one_statement_takes(filled: Filled) -> None:
    certificates_ = [saved(filled, f"n{number}.example.org") for number in range(3)]
    put(filled, *(plan(each) for each in certificates_))
    ids = [str(number) for number in range(40_000)]
    for at, each in zip((0, 499, 39_999), reversed(certificates_), strict=True):
        ids[at] = each.id

    watched = filled.db.read_sync(lambda session: renewal.watched_of(session, ids))
    plans = filled.db.read_sync(lambda session: renewal.plans(session, ids))
    attempts = filled.db.read_sync(lambda session: renewal.attempts(session, ids))

    assert names(watched) == ["n2.example.org", "n1.example.org", "n0.example.org"]
    assert plans.keys() == {each.id for each in certificates_}
    assert attempts == {}
