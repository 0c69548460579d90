"""Lists of any length page from an index: nothing is sorted, nothing is read that is not shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event
from sqlmodel import Session

from kmtui.db import activity, certificates, cleanup, renewal, requests, secrets, versions
from kmtui.db.database import Database
from tests.db.samples import NOW, query


def plan(db: Database, read: Callable[[Session], object]) -> list[str]:
    """How SQLite answers the first statement that `read` sends, a step a line."""
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
        statement, parameters = sent[0]
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]

    return db.read_sync(explain)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", certificates.SORTS)
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
        ("status:failing", "certificate_failing"),
        ("status:unsaved", "certificate_unsaved"),
    ],
)
def test_counting_walks_the_index_made_for_it(db: Database, text: str, index: str) -> None:
    (step,) = plan(db, lambda session: certificates.count(session, query(text)))

    assert f"INDEX {index}" in step


def test_names_of_secrets_are_read_without_the_secrets(db: Database) -> None:
    (step,) = plan(db, lambda session: secrets.kinds(session, "account", ["id"]))

    assert "COVERING INDEX one_secret_of_a_kind" in step
