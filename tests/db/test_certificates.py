"""Certificates: which one a word means, and copies that follow the facts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmtui.core.errors import Ambiguous, InvalidInput, NotFound, Refused
from kmtui.db import accounts, certificates, requests, versions
from kmtui.db.certificate_states import COUNTED
from kmtui.db.database import Database
from kmtui.model import CertificateStatus, Problem, SubProblem
from kmtui.status import certificate_status
from tests.db.samples import DAY, NOW, Filled, new_id, query


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def get(filled: Filled, word: str) -> str:
    return filled.db.read_sync(lambda session: certificates.get(session, word)).name


def names(filled: Filled, **fields: object) -> list[str]:
    found = filled.db.read_sync(lambda session: certificates.page(session, query(**fields)))
    return [row.name for row in found]


# --- which one -----------------------------------------------------------------------------------


def test_a_word_is_an_id_a_label_or_a_name_that_one_certificate_has(filled: Filled) -> None:
    shop = filled.certificate("shop", names=("www.example.org", "example.org"))
    filled.certificate("blog", names=("blog.example.org", "example.org"))

    assert get(filled, shop.id) == "shop"
    assert get(filled, "shop") == "shop"
    assert get(filled, "WWW.example.org") == "shop"
    with pytest.raises(Ambiguous) as caught:
        get(filled, "example.org")
    assert caught.value.candidates == ("blog", "shop")
    with pytest.raises(NotFound):
        get(filled, "elsewhere.example.org")


def test_a_label_goes_before_a_name_and_a_live_one_before_an_archived_one(filled: Filled) -> None:
    filled.certificate("www.example.org", names=("other.example.org",))
    old = filled.certificate("old", names=("www.example.org", "api.example.org"))
    filled.certificate("new", names=("api.example.org",))
    filled.db.write_sync(lambda session: certificates.archive(session, old.id, NOW))

    assert get(filled, "www.example.org") == "www.example.org"
    assert get(filled, "api.example.org") == "new"
    assert get(filled, "old") == "old"


def test_the_same_certificate_is_the_live_one_for_exactly_these_names(filled: Filled) -> None:
    pair = filled.certificate("pair", names=("a.example.org", "b.example.org"))
    filled.certificate("more", names=("a.example.org", "b.example.org", "c.example.org"))

    def same(label: str | None, *names: str) -> str | None:
        found = filled.db.read_sync(lambda s: certificates.same(s, label=label, names=names))
        return found.name if found else None

    assert same(None, "b.example.org", "a.example.org") == "pair"
    assert same(None, "a.example.org") is None
    assert same("more", "a.example.org") == "more"
    assert same("unknown", "a.example.org", "b.example.org") is None

    filled.db.write_sync(lambda session: certificates.archive(session, pair.id, NOW))
    assert same(None, "a.example.org", "b.example.org") is None


def test_a_taken_label_gets_a_number(filled: Filled) -> None:
    def free(wish: str) -> str:
        return filled.db.read_sync(lambda session: certificates.free_label(session, wish))

    assert free("shop") == "shop"
    filled.certificate("shop")
    assert free("shop") == "shop-2"
    filled.certificate("shop-2")
    assert free("shop") == "shop-3"


def test_a_renamed_certificate_is_found_by_its_new_names_only(filled: Filled) -> None:
    shop = filled.certificate("shop", names=("old.example.org",))
    filled.certificate("taken")

    filled.db.write_sync(
        lambda s: certificates.update(s, shop.id, name="store", names=("new.example.org",))
    )

    assert get(filled, "new.example.org") == "store"
    assert names(filled, text="old") == []
    with pytest.raises(NotFound):
        get(filled, "shop")
    with pytest.raises(InvalidInput, match="label exists already"):
        filled.db.write_sync(lambda session: certificates.update(session, shop.id, name="taken"))


def test_only_policy_can_be_set(filled: Filled) -> None:
    shop = filled.certificate("shop")

    with pytest.raises(TypeError, match="version_count"):
        filled.db.write_sync(lambda s: certificates.update(s, shop.id, version_count=7))


# --- copies that follow the facts -----------------------------------------------------------------


def test_an_issued_version_waits_beside_the_current_one(filled: Filled) -> None:
    shop = filled.certificate("shop")
    assert (filled.now(shop).current_version, filled.now(shop).unsaved_version) == (None, None)

    filled.version(shop, not_after=NOW + 10 * DAY)
    assert (filled.now(shop).current_version, filled.now(shop).unsaved_version) == (None, 1)
    assert filled.now(shop).not_after == NOW + 10 * DAY

    filled.version(shop, saved=True, not_after=NOW + 20 * DAY, issuer="R2")
    filled.version(shop, not_after=NOW + 30 * DAY, issuer="R3")
    now = filled.now(shop)
    assert (now.current_version, now.unsaved_version, now.version_count) == (2, 3, 3)
    assert (now.not_after, now.issuer) == (NOW + 20 * DAY, "R2")


def test_what_the_ca_suggested_for_one_version_is_not_kept_for_the_next(filled: Filled) -> None:
    shop = filled.certificate("shop")
    filled.version(shop, saved=True)
    filled.db.write_sync(lambda s: certificates.update(s, shop.id, renew_at=NOW + DAY))
    assert filled.now(shop).renew_at == NOW + DAY

    filled.version(shop)
    assert filled.now(shop).renew_at == NOW + DAY
    filled.version(shop, saved=True)
    assert filled.now(shop).renew_at is None


def test_the_last_request_is_a_second_fact(filled: Filled) -> None:
    shop = filled.certificate("shop")
    filled.version(shop, saved=True)
    request = filled.request(certificate_id=shop.id, kind="renew", status="validating")
    assert filled.now(shop).last_request_status == "validating"
    problem = Problem(
        type="urn:ietf:params:acme:error:dns",
        detail="NXDOMAIN",
        subproblems=(SubProblem(identifier="www.example.org", type="dns", detail="x"),),
    )

    filled.db.write_sync(
        lambda s: requests.update(
            s, request.id, status="failed", problem=problem, finished_at=NOW + DAY
        )
    )

    now = filled.now(shop)
    assert (now.last_request_id, now.last_request_number) == (request.id, request.number)
    assert (now.last_request_kind, now.last_request_status) == ("renew", "failed")
    assert (now.last_request_at, now.last_request_error) == (NOW + DAY, "dns www.example.org")
    assert certificate_status(now, NOW) == CertificateStatus.VALID


def test_a_draft_is_no_attempt(filled: Filled) -> None:
    shop = filled.certificate("shop")

    filled.request(certificate_id=shop.id, status="draft")

    assert filled.now(shop).last_request_id is None


# --- lists ----------------------------------------------------------------------------------------


def test_soonest_to_expire_comes_first_and_what_has_no_date_last(filled: Filled) -> None:
    for name, days in (("b", 20), ("a", 20), ("soon", 2)):
        filled.version(filled.certificate(name), saved=True, not_after=NOW + days * DAY)
    filled.certificate("none")

    listed = names(filled)

    assert listed[0] == "soon"
    assert listed[-1] == "none"
    assert names(filled, sort="expires", descending=True) == listed[::-1]
    assert names(filled, sort="name") == ["a", "b", "none", "soon"]


@pytest.mark.parametrize("sort", certificates.SORTS)
@pytest.mark.parametrize("descending", [False, True, None])
def test_pages_of_every_order_join_without_gap_or_repeat(
    filled: Filled, sort: str, descending: bool | None
) -> None:
    for number in range(7):
        filled.certificate(f"c{number}")
    whole = names(filled, sort=sort, descending=descending)

    pages = [
        names(filled, sort=sort, descending=descending, offset=offset, limit=2)
        for offset in range(0, 8, 2)
    ]

    assert [name for page in pages for name in page] == whole
    assert sorted(whole) == [f"c{number}" for number in range(7)]


def test_an_account_in_use_stays(filled: Filled) -> None:
    prod = filled.account("prod")
    shop = filled.certificate("shop", account_id=prod.id)
    assert (filled.now(shop).account, filled.now(shop).ca) == ("prod", "example-ca")

    with pytest.raises(Refused, match="certificates renew with the account prod: shop"):
        filled.db.write_sync(lambda session: accounts.delete(session, prod.id))
    with pytest.raises(Refused, match="is gone"):
        filled.certificate("lost", account_id="unknown")


def test_an_account_goes_when_nothing_renews_with_it_or_by_force(filled: Filled) -> None:
    prod = filled.account("prod")
    off = filled.certificate("off", account_id=prod.id, auto_renew=False)
    old = filled.certificate("old", account_id=prod.id, archived_at=NOW)
    shop = filled.certificate("shop", account_id=prod.id)

    assert filled.db.read_sync(lambda session: accounts.renewing(session, prod.id)) == ["shop"]
    gone = filled.db.write_sync(lambda session: accounts.delete(session, prod.id, force=True))

    assert set(gone) == {off.id, old.id, shop.id}
    assert {filled.now(each).account_id for each in (off, old, shop)} == {None}


# --- states in SQL and in the screens -------------------------------------------------------------


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_sql_and_screens_judge_every_certificate_alike(db: Database, data: st.DataObject) -> None:
    filled = Filled(db)
    label = new_id()
    shop = filled.certificate(label)
    life = data.draw(st.sampled_from([DAY, 6 * DAY, 90 * DAY, 180 * DAY]), "life")
    left = life * data.draw(st.sampled_from([-0.1, 0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.9]), "left")
    if data.draw(st.booleans(), "issued"):
        version = filled.version(
            shop,
            saved=data.draw(st.booleans(), "saved"),
            not_before=NOW + left - life,
            not_after=NOW + left,
        )
        if data.draw(st.booleans(), "revoked"):
            db.write_sync(lambda s: versions.mark_revoked(s, version.id, NOW, "superseded"))
        if data.draw(st.booleans(), "suggested"):
            db.write_sync(lambda s: certificates.update(s, shop.id, renew_at=NOW - DAY))
    if data.draw(st.booleans(), "archived"):
        db.write_sync(lambda s: certificates.archive(s, shop.id, NOW))

    status = certificate_status(filled.now(shop), NOW)

    for word in CertificateStatus:
        found = names(filled, text=f"status:{word} {label}")
        assert (label in found) == (word == status), (word, status)


def test_each_counter_counts_what_its_word_shows(filled: Filled) -> None:
    for name, days in (("gone", -1), ("soon", 3), ("due", 20), ("fine", 80)):
        shop = filled.certificate(name)
        filled.version(
            shop, saved=True, not_after=NOW + days * DAY, not_before=NOW + (days - 90) * DAY
        )
    filled.version(filled.certificate("new"))
    failing = filled.certificate("failing")
    filled.request("failing", certificate_id=failing.id, status="failed")
    archived = filled.certificate("archived")
    filled.request("archived", certificate_id=archived.id, status="failed")
    filled.db.write_sync(lambda s: certificates.archive(s, archived.id, NOW))

    counts = filled.db.read_sync(lambda session: certificates.counts(session, NOW))

    assert counts == {
        "total": 6,
        "expired": 1,
        "expiring": 1,
        "due": 1,
        "failing": 1,
        "unsaved": 1,
    }
    for word in COUNTED:
        assert len(names(filled, text=f"status:{word}")) == counts[word]
