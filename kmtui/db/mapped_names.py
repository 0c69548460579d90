"""Names of certificates that lead to a DNS account or end server, found without reading them all.

The mapping that rules a name is the one `kmtui.core.names.best` chooses: the longest base, and for
one base the exact pattern before ``*.`` before ``.``; http-01 never proves a wildcard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import and_, false, func, not_, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.db.filters import Condition
from kmtui.db.tables import CertificateNameRow, MappingRow

_HTTP = "http-01"


def led(session: Session, leads: Callable[[MappingRow], bool]) -> SelectOfScalar[str]:
    """The ids of the certificates with a name whose mapping `leads` there, once for each name."""
    mappings = list(session.exec(select(MappingRow)))
    wanted = [_ruled(row, mappings) for row in mappings if leads(row)]
    return select(CertificateNameRow.certificate_id).where(or_(false(), *wanted))


def _ruled(row: MappingRow, others: Sequence[MappingRow]) -> Condition:
    """The names that this mapping rules: it covers them, and none that is more specific does."""
    rank = _specificity(row.pattern)
    nearer = [
        _covered(other)
        for other in others
        if _specificity(other.pattern) > rank and _overlap(row.pattern, other.pattern)
    ]
    return and_(_covered(row), *([not_(or_(*nearer))] if nearer else []))


def _covered(row: MappingRow) -> Condition:
    """The names that a mapping covers and can prove."""
    name = col(CertificateNameRow.name)
    base = row.pattern.removeprefix("*").removeprefix(".")
    # Half the time of LIKE, over hundreds of thousands of names.
    below = func.substr(name, -len(base) - 1) == f".{base}"
    if row.pattern.startswith("*."):
        covered: Condition = below
    elif row.pattern.startswith("."):
        covered = or_(name == base, below)
    else:
        covered = name == row.pattern
    if row.challenge_type == _HTTP:
        return and_(covered, not_(name.startswith("*.")))
    return covered


def _overlap(pattern: str, other: str) -> bool:
    """Whether some name may be covered by both; `other` is the more specific one."""
    base = pattern.removeprefix("*").removeprefix(".")
    nearer = other.removeprefix("*").removeprefix(".")
    return nearer == base or nearer.endswith(f".{base}")


def _specificity(pattern: str) -> tuple[int, int]:
    base = pattern.removeprefix("*").removeprefix(".")
    return base.count("."), {"*": 1, ".": 0}.get(pattern[0], 2)
