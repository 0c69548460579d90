"""Lists of any length page from an index: nothing is sorted, nothing is read that is not shown."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from sqlalchemy import event
from sqlmodel import Session

from kmtui.db import (
    activity,
    certificate_order,
    certificates,
    cleanup,
    renewal,
    requests,
    secrets,
    versions,
)
from kmtui.db.database import Database
from kmtui.model.filterwords import FILTER_WORDS
from tests.db.samples import NOW, Filled, query


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def plan(db: Database, read: Callable[[Session], object], *, last: bool = False) -> list[str]:
    """How SQLite answers the first statement that `read` sends, or the last; a step a line."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def remember(
        connection: object, cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, tuple(parameters or ())))  # type: ignore[arg-type]

    def explain(session: Session) -> list[str]:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", remember)
        try:
            read(session)
        finally:
            event.remove(engine, "before_cursor_execute", remember)
        statement, parameters = sent[-1 if last else 0]
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]

    return db.read_sync(explain)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", certificate_order.STORED)
def test_every_order_of_certificates_is_an_index(db: Database, sort: str, descending: bool) -> None:
    asked = query(sort=sort, descending=descending, offset=90_000)

    (step,) = plan(db, lambda session: certificates.page(session, asked))

    assert step.startswith("SCAN certificate USING INDEX live_certificate_by_")


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda s: certificates.page(s, query()), "live_certificate_by_expiry"),
        (lambda s: certificates.page(s, query(include_archived=True)), "certificate_by_expiry"),
        (lambda s: versions.page(s, query()), "version_by_issue"),
        (lambda s: versions.page(s, query(sort="expires")), "version_by_expiry"),
        (lambda s: versions.of_certificate(s, "id"), "certificate_id=?"),
        (lambda s: requests.of_certificate(s, "id"), "request_by_certificate"),
        (lambda s: cleanup.pending(s), "cleanup_pending"),
        (lambda s: renewal.due(s, NOW), "live_certificate_by_renewal"),
    ],
)
def test_a_lists_own_order_is_an_index(
    db: Database, read: Callable[[Session], object], index: str
) -> None:
    steps = plan(db, read)

    assert index in steps[0]
    assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("module", [requests, activity])
def test_what_is_numbered_in_its_order_needs_no_other(db: Database, module: object) -> None:
    (step,) = plan(db, lambda session: module.page(session, query()))  # type: ignore[attr-defined]

    assert "TEMP B-TREE" not in step


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", "live_certificate_by"),
        ("shop", "live_certificate_by_words"),
        ("status:expired", "certificate_expired"),
        ("status:expiring", "certificate_expiring"),
        ("status:due", "certificate_due"),
        ("status:valid account:main shop", "live_certificate_by_account"),
        ("dns:zone", "live_certificate_by_id"),
        ("!server:web account:main", "live_certificate_by_id"),
        ("status:failing", "live_certificate_by_outcome"),
        ("status:unsaved", "certificate_unsaved"),
    ],
)
def test_counting_walks_the_index_made_for_it(db: Database, text: str, index: str) -> None:
    steps = plan(db, lambda session: certificates.count(session, query(text)), last=True)

    assert f"INDEX {index}" in steps[0]


FILTERS = (
    *("shop", "!shop", "shop !test", "status:valid", "status:revoked", "status:pending"),
    *("status:archived", "status:running", "status:exp", "!status:due", "expires:<30d"),
    *("renews:2027-01..2027-02", "name:a.example.org", "account:main", "!ca:main", "issuer:r11"),
    *("key:rsa", "dns:zone", "server:web", "target:failed", "serial:04ab", "sha256:9f3c"),
    *("fingerprint:9f", "renew:off"),
)


def test_every_filter_word_is_among_the_filters_looked_at() -> None:
    words = {text.removeprefix("!").partition(":")[0] for text in FILTERS if ":" in text}

    assert words == {each.word for each in FILTER_WORDS["certificates"]}


READING_ROWS = {"status:archived", "status:exp"}
"""What few certificates are, or what takes an index for each of two states."""


@pytest.mark.parametrize("text", [text for text in FILTERS if text not in READING_ROWS])
def test_a_count_reads_indexes_only(filled: Filled, text: str) -> None:
    zone, web = filled.dns_account("zone"), filled.server("web")
    filled.mapping(".example.org", dns_account_id=zone.id)
    filled.mapping("a.example.org", server_id=web.id, challenge_type="http-01")

    steps = plan(filled.db, lambda session: certificates.count(session, query(text)), last=True)

    of_certificates = [step for step in steps if " certificate USING" in step]
    assert of_certificates
    assert not [step for step in of_certificates if "COVERING INDEX" not in step]


@pytest.mark.parametrize("sort", certificates.SORTS)
@pytest.mark.parametrize("text", FILTERS)
def test_no_filter_in_any_order_reads_all_versions_or_sorts_all_certificates(
    filled: Filled, text: str, sort: str
) -> None:
    # given: something that `dns:` and `server:` can mean
    zone, web = filled.dns_account("zone"), filled.server("web")
    filled.mapping(".example.org", dns_account_id=zone.id)
    filled.mapping("a.example.org", server_id=web.id, challenge_type="http-01")

    # when
    steps = plan(
        filled.db, lambda session: certificates.page(session, query(text, sort=sort)), last=True
    )

    # then: only the order by status, which follows from the clock, has no index
    assert not [step for step in steps if step.startswith("SCAN version")]
    sorts = [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step]
    assert not sorts or sort == certificate_order.STATUS
    assert [step for step in steps if step.startswith("SCAN")], "the order is walked"


def test_the_order_by_status_is_taken_from_an_index_that_covers_it(db: Database) -> None:
    steps = plan(db, lambda session: certificates.page(session, query(sort="status")))

    assert steps[0] == "SCAN certificate USING COVERING INDEX live_certificate_by_state"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("rows", "sort"),
    [
        *((requests, sort) for sort in requests.SORTS),
        *((activity, sort) for sort in activity.SORTS),
    ],
)
def test_every_order_of_what_grows_for_ever_is_an_index(
    db: Database, rows: ModuleType, sort: str, descending: bool
) -> None:
    asked = query(sort=sort, descending=descending)

    (step,) = plan(db, lambda session: rows.page(session, asked))

    assert "TEMP B-TREE" not in step


def test_names_of_secrets_are_read_without_the_secrets(db: Database) -> None:
    (step,) = plan(db, lambda session: secrets.kinds(session, "account", ["id"]))

    assert "COVERING INDEX one_secret_of_a_kind" in step
