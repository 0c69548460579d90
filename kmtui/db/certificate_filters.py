"""The filter of the list of certificates, as conditions that a page and a count go by.

Each part of a filter becomes the set of rows that meet it, found in an index made for it, and the
list walks the index of its order and asks only whether a row is in the sets. So the rows of a
hundred thousand certificates are never read: those that are shown are. A count has no order to
walk: it walks the index of one of the sets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Integer, String, and_, literal_column, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.db import accounts, filter_values, filters, mapped_names, targets
from kmtui.db.certificate_states import LIVE, states
from kmtui.db.filters import Condition, Qualifier, Qualifiers
from kmtui.db.tables import (
    CertificateNameRow,
    CertificateRow,
    DnsAccountRow,
    EndServerRow,
    MappingRow,
    VersionRow,
)
from kmtui.model import ListQuery, TargetState
from kmtui.model.filterwords import FILTER_WORDS

_ROW = literal_column("certificate.rowid", Integer)
# The sign keeps SQLite from looking the rows of a set up one by one, and sorting them afterwards.
_THIS_ROW = literal_column("+certificate.rowid", Integer)
_THIS_ID = literal_column("+certificate.id", String)


def conditions(session: Session, query: ListQuery, *, counting: bool = False) -> list[Condition]:
    """What a certificate must satisfy. Raises InvalidInput for a filter that says nothing.

    `counting` says that no index is walked for the order of its rows.
    """
    known = _qualifiers(session, query)
    found = filters.terms(query.text, known)
    archived = query.include_archived or any(
        term.qualifier == "status" and not term.excluded and term.value.startswith("ar")
        for term in found
    )
    # Repeated in each set that a partial index answers.
    live = () if archived else (LIVE,)
    searched = col(CertificateRow.search_text)
    words = [filters.contains(term, searched) for term in found if not term.qualifier]
    wanted: list[Condition] = []
    sets: list[tuple[int, Condition]] = [(len(_OF_THE_ROW), and_(*words))] if words else []
    for term in found:
        if not term.qualifier:
            continue
        meant = filters.condition(term, known)
        if term.qualifier in _OF_THE_ROW and not term.excluded:
            sets.append((_OF_THE_ROW.index(term.qualifier), meant))
            continue
        if term.qualifier in _OF_THE_ROW:
            meant = _among(*live, meant)
        if term.excluded:
            meant = filters.excluding(meant)
        if term.qualifier in _OF_ITS_NAMES and not counting:
            meant = _THIS_ID.in_(_certificates(col(CertificateRow.id), *live, meant))
        wanted.append(meant)
    sets.sort(key=lambda ranked: ranked[0])
    # Sets of ids are asked in the order of ids.
    walked = int(counting and not wanted)
    return [
        *live,
        *(condition for _, condition in sets[:walked]),
        *(_among(*live, condition) for _, condition in sets[walked:]),
        *wanted,
    ]


def check(session: Session, query: ListQuery) -> None:
    """Raise InvalidInput for a filter that says nothing."""
    conditions(session, query)


_OF_THE_ROW = ("account", "ca", "status", "expires", "renews", "key", "renew", "issuer")
"""Words that compare columns of the certificate itself; the others give sets of their own.

Those first of which an index finds the fewest rows.
"""
_OF_ITS_NAMES = frozenset({"dns", "server"})
"""Words that look at the names of each certificate, in the order of ids: a set of those that fit
would be as large as the list."""


def _qualifiers(session: Session, query: ListQuery) -> Qualifiers:
    """What each word of `FILTER_WORDS` stands for."""
    auto_renew = col(CertificateRow.auto_renew)
    account_id = col(CertificateRow.account_id)
    sha256 = _with_version(filter_values.beginning(col(VersionRow.sha256)))
    qualifiers: dict[str, Qualifier] = {
        "status": filters.one_of(states(query.now)),
        "expires": filter_values.within(col(CertificateRow.expiry_key), query.now),
        "renews": filter_values.within(col(CertificateRow.due_at), query.now),
        "name": _named,
        "account": lambda value: account_id.in_(accounts.ids_named(value)),
        "ca": lambda value: account_id.in_(accounts.ids_at(value)),
        "issuer": lambda value: col(CertificateRow.issuer).contains(value, autoescape=True),
        "key": lambda value: col(CertificateRow.key_type).startswith(value, autoescape=True),
        "dns": partial(_proved_through, session),
        "server": partial(_at_server, session),
        "target": filters.one_of(
            {str(word): _THIS_ID.in_(targets.certificates_at(word)) for word in TargetState}
        ),
        "serial": _with_version(filter_values.beginning(col(VersionRow.serial))),
        "sha256": sha256,
        "fingerprint": sha256,
        "renew": filters.one_of({"on": auto_renew.is_(True), "off": auto_renew.is_(False)}),
    }
    return {each.word: qualifiers[each.word] for each in FILTER_WORDS["certificates"]}


def _among(*conditions: Condition) -> Condition:
    """Whether a row is in the set of those that meet the conditions."""
    return _THIS_ROW.in_(_certificates(_ROW, *conditions))


def _certificates(column: Any, *conditions: Condition) -> SelectOfScalar[Any]:
    return select(column).select_from(CertificateRow).where(*conditions).correlate(None)


def _named(value: str) -> Condition:
    name = CertificateNameRow.name
    return _THIS_ID.in_(select(CertificateNameRow.certificate_id).where(name == value))


def _with_version(compared: Qualifier) -> Qualifier:
    return lambda value: _THIS_ID.in_(select(VersionRow.certificate_id).where(compared(value)))


def _proved_through(session: Session, value: str) -> Condition:
    """One of its names is mapped to a DNS account whose name starts so."""
    name = col(DnsAccountRow.name).istartswith(value, autoescape=True)
    ids = set(session.exec(select(DnsAccountRow.id).where(name)))
    return _led(session, lambda row: row.dns_account_id in ids)


def _at_server(session: Session, value: str) -> Condition:
    """It is put on an end server whose name starts so, or one of its names is mapped to it."""
    name = col(EndServerRow.name).istartswith(value, autoescape=True)
    ids = set(session.exec(select(EndServerRow.id).where(name)))
    return or_(
        _THIS_ID.in_(targets.certificates_on(ids)),
        _led(session, lambda row: row.server_id in ids),
    )


def _led(session: Session, leads: Callable[[MappingRow], bool]) -> Condition:
    """One of its names has a mapping that leads there."""
    own = col(CertificateNameRow.certificate_id) == col(CertificateRow.id)
    return mapped_names.led(session, leads).where(own).exists()
