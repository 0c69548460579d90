"""The filter of the list of certificates, as conditions that a page and a count go by.

Each part of a filter becomes the set of rows that meet it, found in an index made for it, and the
list walks the index of its order and asks only whether a row is in the sets. So the rows of a
hundred thousand certificates are never read: those that are shown are.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Integer, String, func, literal_column, or_
from sqlmodel import Session, col, select

from kmtui.db import accounts, filter_values, filters, targets
from kmtui.db.certificate_states import LIVE, states
from kmtui.db.filters import Condition, Qualifier, Qualifiers
from kmtui.db.mapped_names import certificates_led
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


def conditions(session: Session, query: ListQuery) -> list[Condition]:
    """What a certificate must satisfy. Raises InvalidInput for a filter that says nothing."""
    known = _qualifiers(session, query)
    found = filters.terms(query.text, known)
    archived = query.include_archived or any(
        term.qualifier == "status" and not term.excluded and term.value.startswith("ar")
        for term in found
    )
    # Repeated in each set that a partial index answers.
    live = () if archived else (LIVE,)
    wanted: list[Condition] = [*live]
    searched = col(CertificateRow.search_text)
    if words := [filters.contains(term, searched) for term in found if not term.qualifier]:
        wanted.append(_among(*live, *words))
    for term in found:
        if term.qualifier:
            among = filters.condition(term, known)
            if term.qualifier in _OF_THE_ROW:
                among = _among(*live, among)
            wanted.append(filters.excluding(among) if term.excluded else among)
    return wanted


def check(session: Session, query: ListQuery) -> None:
    """Raise InvalidInput for a filter that says nothing."""
    conditions(session, query)


_OF_THE_ROW = frozenset({"status", "expires", "renews", "issuer", "key", "renew"})
"""Words that compare columns of the certificate itself; the others give sets of their own."""


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
        "account": lambda value: _among(account_id.in_(accounts.ids_named(value))),
        "ca": lambda value: _among(account_id.in_(accounts.ids_at(value))),
        "issuer": lambda value: func.lower(CertificateRow.issuer).contains(value, autoescape=True),
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
    return _THIS_ROW.in_(
        select(_ROW).select_from(CertificateRow).where(*conditions).correlate(None)
    )


def _named(value: str) -> Condition:
    name = CertificateNameRow.name
    return _THIS_ID.in_(select(CertificateNameRow.certificate_id).where(name == value))


def _with_version(compared: Qualifier) -> Qualifier:
    return lambda value: _THIS_ID.in_(select(VersionRow.certificate_id).where(compared(value)))


def _proved_through(session: Session, value: str) -> Condition:
    """One of its names is mapped to a DNS account whose name starts so."""
    name = col(DnsAccountRow.name).istartswith(value, autoescape=True)
    ids = set(session.exec(select(DnsAccountRow.id).where(name)))
    return _THIS_ID.in_(certificates_led(session, lambda row: row.dns_account_id in ids))


def _at_server(session: Session, value: str) -> Condition:
    """It is put on an end server whose name starts so, or one of its names is mapped to it."""
    name = col(EndServerRow.name).istartswith(value, autoescape=True)
    ids = set(session.exec(select(EndServerRow.id).where(name)))

    def leads(row: MappingRow) -> bool:
        return row.server_id in ids

    return or_(
        _THIS_ID.in_(targets.certificates_on(ids)),
        _THIS_ID.in_(certificates_led(session, leads)),
    )
