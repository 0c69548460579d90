"""The local count against a CA's rate limits: warned before, refused at the limit, free again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import publicsuffixlist
import pytest
from sqlmodel import Session

from kmtui.core import authorities, ledger
from kmtui.core.errors import Refused
from kmtui.db.database import Database
from kmtui.model import Authority, RequestKind, RequestSpec
from tests.core.conftest import Bench

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "data" / "kmtui.db")
    yield database
    database.close_sync()


def standings(
    db: Database,
    authority: Authority,
    *names: str,
    now: datetime = NOW,
    kind: str = RequestKind.ISSUE,
) -> list[ledger.Standing]:
    return db.read_sync(
        lambda session: ledger.standings(
            session, authority, account_id="a", names=names, kind=kind, now=now
        )
    )


def issue(db: Database, ca: str, *names: str, at: datetime) -> None:
    def store(session: Session) -> None:
        ledger.issued(session, at=at, ca=ca, names=names, request_id="r")

    db.write_sync(store)


LETSENCRYPT = authorities.catalogue()["letsencrypt"]
OWN_CA = Authority(name="lab", title="lab", directory_url="https://lab.test/d", state="custom")


async def test_no_transaction_waits_until_the_public_suffix_list_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in: list[str] = []

    class SlowList(publicsuffixlist.PublicSuffixList):
        def __init__(self) -> None:
            super().__init__()
            read_in.append(threading.current_thread().name)

    monkeypatch.setattr(publicsuffixlist, "PublicSuffixList", SlowList)
    ledger._suffixes.cache_clear()

    names = ("a.kmtui.test", "b.kmtui.test", "c.kmtui.test")
    made = await asyncio.gather(
        *(bench.core.requests.create(RequestSpec(names=(n,), account="practice")) for n in names)
    )
    for request in made:
        ended = await bench.core.requests.wait(request.id, seconds=30)
        assert ended.status == "available", ended.problem

    (thread,) = read_in
    assert not thread.startswith(("kmtui-db", "MainThread"))


def test_the_fourth_certificate_for_the_same_names_in_a_week_is_refused(db: Database) -> None:
    for day in (6, 4, 2):
        issue(db, "lab", "example.org", "www.example.org", at=NOW - day * DAY)

    found = standings(db, OWN_CA, "www.example.org", "example.org")

    with pytest.raises(Refused, match="3 certificates for exactly these names in 7 days") as caught:
        ledger.refuse_over(found)
    # then: free when the oldest is a week old
    assert "2026-11-24 12:00" in caught.value.hint
    assert "--force" in caught.value.hint
    ledger.refuse_over(standings(db, OWN_CA, "example.org"))
    ledger.refuse_over(standings(db, OWN_CA, "www.example.org", "example.org", now=NOW + 2 * DAY))


def test_an_operator_is_warned_before_a_limit_is_reached(db: Database) -> None:
    assert ledger.warnings(standings(db, OWN_CA, "example.org")) == []
    for hour in (1, 2):
        issue(db, "lab", "example.org", at=NOW - timedelta(hours=hour))

    (warning,) = ledger.warnings(standings(db, OWN_CA, "example.org"))

    assert warning == "close to a limit: 2 certificates for exactly these names in 7 days, of 3"


def test_certificates_count_for_each_registered_domain(db: Database) -> None:
    for number in range(50):
        issue(db, "letsencrypt", f"h{number}.example.co.uk", "example.com", at=NOW - DAY)

    with pytest.raises(Refused, match=r"50 certificates for example\.co\.uk"):
        ledger.refuse_over(standings(db, LETSENCRYPT, "new.example.co.uk"))
    ledger.refuse_over(standings(db, LETSENCRYPT, "other.co.uk"))
    # a renewal for unchanged names is exempt from that one
    renewal = standings(db, LETSENCRYPT, "h1.example.co.uk", kind=RequestKind.RENEW)
    ledger.refuse_over(renewal)


def test_orders_count_per_account_and_failures_per_name(db: Database) -> None:
    def store(session: Session) -> None:
        for minute in range(5):
            ledger.failed(
                session,
                at=NOW - timedelta(minutes=minute),
                ca="letsencrypt",
                name="*.example.org",
                request_id="r",
            )
        for _ in range(299):
            ledger.ordered(session, at=NOW, ca="letsencrypt", account_id="a", request_id="r")

    db.write_sync(store)

    with pytest.raises(Refused, match=r"5 failed validations for example\.org in 1 hour"):
        ledger.refuse_over(standings(db, LETSENCRYPT, "example.org"))
    (warning,) = ledger.warnings(standings(db, LETSENCRYPT, "example.net"))
    assert "299 orders for this account in 3 hours, of 300" in warning


def test_an_account_is_told_its_own_limits_and_what_all_here_use_up_together(db: Database) -> None:
    def store(session: Session) -> None:
        ledger.ordered(session, at=NOW, ca="letsencrypt", account_id="a", request_id="r")
        ledger.ordered(session, at=NOW, ca="letsencrypt", account_id="b", request_id="r")
        ledger.failed(session, at=NOW, ca="letsencrypt", name="www.example.net", request_id="r")
        ledger.failed(session, at=NOW - 2 * DAY, ca="letsencrypt", name="old.test", request_id="r")

    db.write_sync(store)
    for number in range(50):
        issue(db, "letsencrypt", f"h{number}.example.org", at=NOW - DAY)
    for number in range(9):
        issue(db, "letsencrypt", f"www.d{number}.test", at=NOW - DAY)
    issue(db, "lab", "elsewhere.test", at=NOW)

    found = db.read_sync(lambda s: ledger.of_account(s, LETSENCRYPT, account_id="a", now=NOW))

    assert list(map(str, found)) == [
        "1 order for this account in 3 hours, of 300",
        "50 certificates for example.org in 7 days, of 50",
        *(f"1 certificate for d{number}.test in 7 days, of 50" for number in range(4)),
        "1 failed validation for www.example.net in 1 hour, of 5",
    ]
    assert [each.free_at for each in found if each.free_at] == [NOW + 6 * DAY]


def test_what_counts_at_one_ca_does_not_count_at_another(db: Database) -> None:
    for _ in range(3):
        issue(db, "lab", "example.org", at=NOW)

    ledger.refuse_over(standings(db, LETSENCRYPT, "example.org"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["www.example.co.uk", "*.example.co.uk"], ["example.co.uk"]),
        (["a.b.github.io"], ["b.github.io"]),
        (["github.io"], ["github.io"]),
        (["192.0.2.1", "2001:db8::1"], ["192.0.2.1", "2001:db8::1"]),
        (["host.lab.test"], ["lab.test"]),
        (["xn--bcher-kva.example"], ["xn--bcher-kva.example"]),
    ],
)
def test_the_registered_domain_follows_the_public_suffix_list(
    names: list[str], expected: list[str]
) -> None:
    assert ledger.domains(names) == expected
