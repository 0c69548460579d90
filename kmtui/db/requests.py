"""Requests: one row per attempt to get a version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import and_, bindparam, func, or_
from sqlalchemy import update as sql_update
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from kmtui.core.errors import NotFound, Refused
from kmtui.db import accounts, certificates, filter_values, filters, rows
from kmtui.db.documents import problem_from_json, problem_to_json, spec_from_json, spec_to_json
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import CertificateRow, RequestRow
from kmtui.model import ACTIVE_STATUSES, ListQuery, Request, RequestSpec, RequestStatus

CHANGEABLE = frozenset(
    {
        "account_id",
        "certificate_id",
        "finished_at",
        "not_before",
        "order_status",
        "order_url",
        "owner",
        "problem",
        "replaces",
        "retries",
        "spec",
        "status",
        "step",
        "version",
    }
)
SORTS = {
    "number": Sort(col(RequestRow.number), descending=True),
    "status": Sort(col(RequestRow.status)),
    "name": Sort(col(RequestRow.names)),
    "kind": Sort(col(RequestRow.kind)),
    "created": Sort(col(RequestRow.created_at), descending=True),
    "finished": Sort(col(RequestRow.finished_at), descending=True),
}
_AS_STORED = tuple(
    name
    for name in RequestRow.model_fields
    if name in Request.__dataclass_fields__ and name not in {"spec", "problem"}
)
SHOWN_WITH_CERTIFICATE = frozenset({"certificate_id", "finished_at", "problem", "status"})
"""What of its last request a certificate keeps a copy of."""
_CLAIMED = sqlalchemy.select(RequestRow.attempt, RequestRow.owner).where(  # type: ignore[call-overload]
    col(RequestRow.id) == bindparam("id")
)
_GIVE_UP_ORDER = (
    sql_update(RequestRow)
    .where(
        col(RequestRow.order_url) == bindparam("url"),
        col(RequestRow.id) != bindparam("for_request"),
        col(RequestRow.status).not_in(ACTIVE_STATUSES),
    )
    .values(order_url=None)
    .returning(col(RequestRow.number))
)
_WITHOUT_CSR = defer(RequestRow.csr, raiseload=True)  # type: ignore[arg-type]


def insert(session: Session, request: Request, *, csr: bytes | None = None) -> int:
    """Store a request with its signing request (DER); returns the number it was given.

    Raises Refused while a request for the same certificate, or for the same names with the same
    account, is under way.
    """
    row = RequestRow(
        **{name: getattr(request, name) for name in _AS_STORED if name not in {"number", "names"}},
        **_of_spec(request.spec, request.names),
        problem=problem_to_json(request.problem) if request.problem else None,
        csr=csr,
    )
    number = rows.insert(session, row)
    certificates.refresh_last_request(session, request.id)
    return number


def get(session: Session, word: str) -> Request | None:
    """The request of that id or number (``412`` or ``#412``)."""
    number = word.removeprefix("#")
    condition = col(RequestRow.id) == word
    if number.isascii() and number.isdigit() and len(number) < 19:
        condition = or_(condition, col(RequestRow.number) == int(number))
    found = session.exec(select(RequestRow).where(condition).options(_WITHOUT_CSR)).first()
    return None if found is None else _models(session, [found])[0]


def csr(session: Session, request_id: str) -> bytes:
    """The signing request, DER. Raises NotFound."""
    found = session.exec(select(RequestRow.csr).where(RequestRow.id == request_id)).first()
    if found is None:
        raise NotFound(f"no signing request is stored for request {request_id}")
    return found


def page(session: Session, query: ListQuery) -> list[Request]:
    """One page, newest first.

    Qualifiers: `status` (a status word, or `active`), `kind`, `account`, `ca`, `cert`, `since`.
    """
    statement = select(RequestRow).where(*_conditions(query)).options(_WITHOUT_CSR)
    return _models(session, session.exec(paged(statement, query, SORTS, col(RequestRow.number))))


def count(session: Session, query: ListQuery) -> int:
    """How many requests the query matches."""
    statement = select(func.count()).select_from(RequestRow).where(*_conditions(query))
    return session.exec(statement).one()


def counts(session: Session) -> dict[str, int]:
    """How many requests have each status that any has, and how many there are (`total`)."""
    statement = select(RequestRow.status, func.count()).group_by(col(RequestRow.status))
    by_status = dict(session.exec(statement).all())
    return {"total": sum(by_status.values()), **by_status}


def active(session: Session) -> list[Request]:
    """Requests that are under way or parked, oldest first."""
    return _where(session, col(RequestRow.status).in_(ACTIVE_STATUSES), newest_first=False)


def of_certificate(session: Session, certificate_id: str) -> list[Request]:
    """Every request ever made for a certificate, newest first."""
    return _where(session, col(RequestRow.certificate_id) == certificate_id, newest_first=True)


def last_stopped(session: Session, account_id: str) -> list[Request]:
    """The last request of each certificate where it failed or is parked, newest first: those of
    the account.
    """
    last = select(CertificateRow.last_request_id).where(
        col(CertificateRow.archived_at).is_(None),
        col(CertificateRow.last_request_status).in_((RequestStatus.FAILED, RequestStatus.PARKED)),
    )
    own = col(RequestRow.account_id) == account_id
    return matching(session, own, col(RequestRow.id).in_(last))


def matching(session: Session, *conditions: filters.Condition) -> list[Request]:
    """Every request that meets the conditions, newest first."""
    return _where(session, and_(*conditions), newest_first=True)


def some(session: Session, ids: Sequence[str]) -> list[Request]:
    """The requests of these ids, newest first; those that are gone are left out."""
    return matching(session, col(RequestRow.id).in_(ids))


def update(session: Session, request_id: str, **fields: Any) -> None:
    """Set columns of a request; `problem` is a Problem or None, `spec` a RequestSpec.

    Keeps the certificate's copies right. Raises NotFound, Refused as `insert`.
    """
    if (problem := fields.get("problem")) is not None:
        fields["problem"] = problem_to_json(problem)
    rows.change(session, RequestRow, "request", request_id, *_with_derived(fields))
    shown = fields.keys() & SHOWN_WITH_CERTIFICATE
    if shown == {"status"} and fields["status"] != RequestStatus.DRAFT:
        certificates.refresh_last_status(session, request_id, fields["status"])
    elif shown:
        certificates.refresh_last_request(session, request_id)


def claim(session: Session, request_id: str, owner: str, *, held: int = 0) -> int | None:
    """Take a request up as `owner`; None when another one took it since `held` was read.

    Returns the new fencing number: it grows with each claim, so that a process that was thought
    dead and comes back finds its own number outdated.
    """
    statement = (
        sql_update(RequestRow)
        .where(col(RequestRow.id) == request_id, col(RequestRow.attempt) == held)
        .values(attempt=held + 1, owner=owner)
        .returning(col(RequestRow.attempt))
    )
    return session.exec(statement).scalar_one_or_none()


def claimed(session: Session, request_id: str) -> tuple[int, str | None]:
    """The fencing number and who holds it. Raises NotFound."""
    found = session.connection().execute(_CLAIMED, {"id": request_id}).first()
    if found is None:
        raise NotFound(f"no request {request_id!r}")
    return found.attempt, found.owner


def give_up_order(session: Session, url: str, for_request: str) -> list[int]:
    """Take an order away from ended requests that had it; their numbers.

    A CA that still has a pending order for the same names answers newOrder with that one.
    """
    wanted = {"url": url, "for_request": for_request}
    found = session.connection().execute(_GIVE_UP_ORDER, wanted).scalars()
    return [number for number in found if number is not None]


def failures_in_a_row(session: Session, certificate_id: str | None) -> int:
    """How many requests for a certificate failed since its last version."""
    number = col(RequestRow.number)
    own = col(RequestRow.certificate_id) == certificate_id
    last_good = select(func.coalesce(func.max(number), 0)).where(
        own, col(RequestRow.status).in_((RequestStatus.AVAILABLE, RequestStatus.SAVED))
    )
    statement = select(func.count()).where(
        own,
        col(RequestRow.status) == RequestStatus.FAILED,
        number > last_good.scalar_subquery(),
    )
    return session.exec(statement).one()


def delete(session: Session, request_id: str) -> None:
    """Remove a draft. Raises NotFound; Refused for anything that was sent."""
    row = rows.existing(session, RequestRow, "request", request_id, col(RequestRow.id))
    if row.status != RequestStatus.DRAFT:
        raise Refused(f"request {row.number} is {row.status}: only drafts are removed")
    rows.remove(session, row)


def names_hash(names: Iterable[str]) -> str:
    """One value for one set of names, whatever their order."""
    return hashlib.sha256("\n".join(sorted(set(names))).encode()).hexdigest()


def _of_spec(spec: RequestSpec, names: tuple[str, ...]) -> dict[str, Any]:
    """The columns that follow from what was asked for."""
    return {
        "spec": spec_to_json(spec),
        "names": names,
        "names_hash": names_hash(names),
        "search_text": filters.search_text(spec.label or "", *names).strip(),
    }


def _with_derived(fields: dict[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The columns to set, with those that follow from a new spec, and those that may be set."""
    if "spec" not in fields:
        return fields, CHANGEABLE
    derived = _of_spec(fields["spec"], fields["spec"].names)
    return {**fields, **derived}, CHANGEABLE | derived.keys()


def _conditions(query: ListQuery) -> list[filters.Condition]:
    status, account_id = col(RequestRow.status), col(RequestRow.account_id)
    words = {word.value: status == word.value for word in RequestStatus}
    qualifiers: filters.Qualifiers = {
        "status": filters.one_of({**words, "active": status.in_(ACTIVE_STATUSES)}),
        "kind": lambda value: col(RequestRow.kind).startswith(value, autoescape=True),
        "account": lambda value: account_id.in_(accounts.ids_named(value)),
        "ca": lambda value: account_id.in_(accounts.ids_at(value)),
        "cert": lambda value: col(RequestRow.certificate_id).in_(certificates.ids_named(value)),
        "since": filter_values.since(col(RequestRow.created_at), query.now),
    }
    return filters.conditions(query.text, col(RequestRow.search_text), qualifiers)


def _where(session: Session, condition: filters.Condition, *, newest_first: bool) -> list[Request]:
    number = col(RequestRow.number)
    statement = (
        select(RequestRow)
        .where(condition)
        .order_by(number.desc() if newest_first else number.asc())
        .options(_WITHOUT_CSR)
    )
    return _models(session, session.exec(statement))


def _models(session: Session, found: Iterable[RequestRow]) -> list[Request]:
    requests = list(found)
    labels = certificates.labels(session, (row.certificate_id for row in requests))
    by_id = accounts.labels(session, (row.account_id for row in requests))
    models = []
    for row in requests:
        spec = spec_from_json(row.spec)
        account = by_id.get(row.account_id)
        models.append(
            Request(
                **{name: getattr(row, name) for name in _AS_STORED},
                spec=spec,
                problem=problem_from_json(row.problem) if row.problem else None,
                certificate=labels.get(row.certificate_id, spec.label),
                account=account.name if account else spec.account or None,
            )
        )
    return models
