"""Requests: numbered attempts, two of which never do the same work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kmtui.core.errors import NotFound, Refused
from kmtui.db import accounts, challenges, cleanup, request_log, requests
from kmtui.db.database import Database
from kmtui.model import (
    ACTIVE_STATUSES,
    ChallengeChoice,
    Problem,
    Request,
    RequestSpec,
    RequestStatus,
    ServerSight,
)
from tests.db.samples import DAY, NOW, Filled, challenge, entry, query, request


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def get(filled: Filled, word: str) -> Request | None:
    return filled.db.read_sync(lambda session: requests.get(session, word))


def numbers(filled: Filled, text: str = "", **fields: object) -> list[int]:
    found = filled.db.read_sync(lambda session: requests.page(session, query(text, **fields)))
    assert filled.db.read_sync(lambda s: requests.count(s, query(text))) == len(found)
    return [row.number for row in found]


# --- one request ----------------------------------------------------------------------------------


def test_a_request_comes_back_as_it_was_asked_for(filled: Filled) -> None:
    prod = filled.account("prod")
    shop = filled.certificate("shop")
    names = ("www.example.org", "*.example.org")
    spec = RequestSpec(
        names=names,
        account=prod.id,
        profile="short",
        choices={"": ChallengeChoice(type="dns-01", dns_account="zone")},
    )
    asked = request(*names, spec=spec, certificate_id=shop.id, account_id=prod.id)

    number = filled.db.write_sync(lambda session: requests.insert(session, asked, csr=b"DER"))

    assert get(filled, asked.id) == replace(
        asked, number=number, certificate="shop", account="prod"
    )
    assert filled.db.read_sync(lambda session: requests.csr(session, asked.id)) == b"DER"


def test_a_request_is_found_by_id_and_number(filled: Filled) -> None:
    first, second = filled.request("a.test"), filled.request("b.test")

    assert (first.number, second.number) == (1, 2)
    assert get(filled, "2") == get(filled, "#2") == get(filled, second.id) == second
    for word in ("3", "#", "", "²", "9" * 40, "nonsense"):
        assert get(filled, word) is None


def test_a_number_is_never_given_twice(filled: Filled) -> None:
    draft = filled.request("a.test", status="draft")

    filled.db.write_sync(lambda session: requests.delete(session, draft.id))

    assert filled.request("a.test").number == draft.number + 1


def test_only_drafts_are_removed(filled: Filled) -> None:
    sent = filled.request("a.test")

    with pytest.raises(Refused, match="only drafts"):
        filled.db.write_sync(lambda session: requests.delete(session, sent.id))


def test_where_a_request_stands_is_updated(filled: Filled) -> None:
    sent = filled.request("a.test")
    problem = Problem(type="urn:ietf:params:acme:error:caa", detail="forbidden", hint="ask")

    filled.db.write_sync(
        lambda session: requests.update(
            session,
            sent.id,
            status=RequestStatus.PARKED,
            step="waiting",
            problem=problem,
            not_before=NOW + DAY,
            order_url="https://ca.example.test/order/1",
            order_status="pending",
        )
    )
    stored = get(filled, sent.id)

    assert stored is not None
    assert (stored.status, stored.step, stored.problem) == ("parked", "waiting", problem)
    assert (stored.not_before, stored.order_status) == (NOW + DAY, "pending")

    filled.db.write_sync(lambda session: requests.update(session, sent.id, problem=None))
    stored = get(filled, sent.id)
    assert stored is not None
    assert stored.problem is None


def test_a_draft_can_be_edited(filled: Filled) -> None:
    draft = filled.request("a.test", status="draft")
    spec = RequestSpec(names=("b.test",), account="prod", label="shop")

    filled.db.write_sync(lambda session: requests.update(session, draft.id, spec=spec))

    stored = get(filled, draft.id)
    assert stored is not None
    assert (stored.spec, stored.names, stored.certificate) == (spec, ("b.test",), "shop")
    assert numbers(filled, "b.test") == [draft.number]
    assert numbers(filled, "a.test") == []


def test_what_is_not_there_is_not_found(filled: Filled) -> None:
    with pytest.raises(NotFound):
        filled.db.write_sync(lambda session: requests.update(session, "unknown", step="x"))
    with pytest.raises(NotFound):
        filled.db.read_sync(lambda session: requests.csr(session, "unknown"))


# --- never the same work twice --------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(ACTIVE_STATUSES))
def test_one_request_for_a_certificate_is_under_way(filled: Filled, status: str) -> None:
    shop = filled.certificate("shop")
    filled.request("a.test", certificate_id=shop.id, status=status)

    with pytest.raises(Refused, match="for this certificate is under way") as refused:
        filled.request("b.test", certificate_id=shop.id)

    assert "kmtui request list" in refused.value.hint


def test_one_request_for_the_same_names_and_account_is_under_way(filled: Filled) -> None:
    prod, other = filled.account("prod"), filled.account("other")
    first = filled.request("a.test", "b.test", account_id=prod.id)

    with pytest.raises(Refused, match="the same names"):
        filled.request("b.test", "a.test", account_id=prod.id)
    filled.request("a.test", "b.test", account_id=other.id)
    filled.request("a.test", account_id=prod.id)
    filled.db.write_sync(lambda session: requests.update(session, first.id, status="failed"))
    filled.request("b.test", "a.test", account_id=prod.id)


def test_one_order_belongs_to_one_request(filled: Filled) -> None:
    url = "https://ca.example.test/order/1"
    filled.request("a.test", order_url=url, status="failed")

    with pytest.raises(Refused, match="holds this order"):
        filled.request("b.test", order_url=url)


def test_of_two_claims_on_the_same_sight_one_wins(filled: Filled) -> None:
    sent = filled.request("a.test")
    held, owner = filled.db.read_sync(lambda session: requests.claimed(session, sent.id))
    assert (held, owner) == (0, None)

    def claim(by: str) -> int | None:
        return filled.db.write_sync(lambda s: requests.claim(s, sent.id, by, held=held))

    assert claim("screen") == 1
    assert claim("timer") is None
    assert filled.db.read_sync(lambda s: requests.claimed(s, sent.id)) == (1, "screen")


# --- lists ----------------------------------------------------------------------------------------


def test_newest_first_and_filtered(filled: Filled) -> None:
    prod = filled.account("prod", ca="letsencrypt")
    shop = filled.certificate("shop")
    filled.request("a.test", account_id=prod.id)
    filled.request("b.test", kind="renew", certificate_id=shop.id, status="failed")
    filled.request("ab.test", status="draft")

    assert numbers(filled) == [3, 2, 1]
    assert numbers(filled, sort="number", descending=False) == [1, 2, 3]
    assert numbers(filled, "b.test") == [3, 2]
    assert numbers(filled, "b.test !ab") == [2]
    assert numbers(filled, "status:active") == [1]
    assert numbers(filled, "status:failed") == [2]
    assert numbers(filled, "kind:renew") == [2]
    assert numbers(filled, "account:prod") == [1]
    assert numbers(filled, "ca:letsencrypt") == [1]
    assert numbers(filled, "cert:shop") == [2]
    assert filled.db.read_sync(requests.counts) == {
        "total": 3,
        "queued": 1,
        "failed": 1,
        "draft": 1,
    }


def test_what_is_taken_up_at_the_next_start(filled: Filled) -> None:
    for status in RequestStatus:
        filled.request(f"{status}.test", status=status)

    active = filled.db.read_sync(requests.active)

    assert {row.status for row in active} == set(ACTIVE_STATUSES)
    assert [row.number for row in active] == sorted(row.number for row in active)


def test_past_requests_outlive_their_account(filled: Filled) -> None:
    prod = filled.account("prod")
    sent = filled.request("a.test", account_id=prod.id)
    with pytest.raises(Refused, match="under way"):
        filled.db.write_sync(lambda session: accounts.delete(session, prod.id))

    filled.db.write_sync(lambda session: requests.update(session, sent.id, status="failed"))
    filled.db.write_sync(lambda session: accounts.delete(session, prod.id))

    stored = get(filled, sent.id)
    assert stored is not None
    assert (stored.account_id, stored.account) == (None, "prod")


def test_a_past_request_that_named_its_account_by_id_is_told_its_name(filled: Filled) -> None:
    prod = filled.account('pr"ød')
    spec = RequestSpec(names=("a.test",), account=prod.id)
    sent = filled.request("a.test", account_id=prod.id, status="failed", spec=spec)

    filled.db.write_sync(lambda session: accounts.delete(session, prod.id))

    stored = get(filled, sent.id)
    assert stored is not None
    assert (stored.account, stored.spec.account) == ('pr"ød', 'pr"ød')


# --- challenges, log, journal ---------------------------------------------------------------------


def test_challenges_are_replaced_and_updated(filled: Filled) -> None:
    sent = filled.request("b.test", "a.test")
    rows = [
        challenge(sent, "b.test"),
        challenge(sent, "a.test"),
        challenge(sent, "a.test", wildcard=True),
    ]
    sights = (ServerSight(name="ns1", address="192.0.2.1", seen=True, milliseconds=1.5),)

    filled.db.write_sync(
        lambda s: challenges.replace_all(s, sent.id, [challenge(sent, "old.test")])
    )
    filled.db.write_sync(lambda s: challenges.replace_all(s, sent.id, rows))
    filled.db.write_sync(
        lambda s: challenges.update(s, rows[1].id, status="valid", servers=sights, validated_at=NOW)
    )

    found = filled.db.read_sync(lambda session: challenges.of(session, sent.id))
    changed = replace(rows[1], status="valid", servers=sights, validated_at=NOW)
    assert found == [rows[0], changed, rows[2]]


def test_the_log_is_read_from_where_one_was(filled: Filled) -> None:
    sent = filled.request("a.test")
    lines = [
        filled.db.write_sync(
            lambda s, t=text: request_log.append(s, sent.id, at=NOW, level="info", text=t)
        )
        for text in ("one", "two", "three")
    ]

    assert filled.db.read_sync(lambda s: request_log.of(s, sent.id)) == lines
    assert filled.db.read_sync(lambda s: request_log.of(s, sent.id, after=lines[0].id)) == lines[1:]


def test_the_journal_keeps_what_is_not_known_to_be_gone(filled: Filled) -> None:
    sent, other = filled.request("a.test"), filled.request("b.test")
    intended = entry(sent, name="1")
    later = entry(sent, name="2", created_at=NOW + DAY)
    elsewhere = entry(other, name="3", state="presented", handle={"id": 7, "list": ["a"]})
    for row in (later, intended, elsewhere):
        filled.db.write_sync(lambda s, r=row: cleanup.insert(s, r))

    def pending(of: Request | None = None) -> list[str]:
        found = filled.db.read_sync(lambda s: cleanup.pending(s, of.id if of else None))
        return [row.name for row in found]

    assert pending(sent) == ["1", "2"]
    assert filled.db.read_sync(cleanup.count_pending) == 3
    assert filled.db.read_sync(lambda s: cleanup.pending(s, other.id)) == [elsewhere]

    filled.db.write_sync(lambda s: cleanup.update(s, intended.id, state="done"))
    filled.db.write_sync(
        lambda s: cleanup.update(
            s,
            later.id,
            state="failed",
            attempts=1,
            next_attempt_at=NOW + 2 * DAY,
            last_error="refused",
        )
    )
    assert pending(sent) == ["2"]
    assert [row.name for row in filled.db.read_sync(lambda s: cleanup.due(s, NOW))] == ["3"]
    assert len(filled.db.read_sync(lambda s: cleanup.due(s, NOW + 2 * DAY))) == 2
