"""The filter language of every list: plain words, ``!word``, and qualifiers like ``status:due``.

All parts must hold. A word with a colon that is no qualifier of the list is a plain word, so that
``urn:ietf`` and IPv6 addresses can be searched. A qualifier without a value says nothing yet: it is
being typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, func, not_, or_
from sqlalchemy.orm import Mapped


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a filter; `qualifier` is empty for a plain word."""

    qualifier: str
    value: str
    excluded: bool


Condition = ColumnElement[bool]
Searched = ColumnElement[str] | Mapped[str]
Qualifiers = Mapping[str, Callable[[str], Condition]]
"""Qualifier word to the condition that its value (lower-case) stands for."""


def terms(text: str, qualifiers: Sequence[str]) -> list[Term]:
    """The parts of a filter text, words case-folded.

    >>> terms("shop !test status:due", ["status"])  # doctest: +NORMALIZE_WHITESPACE
    [Term(qualifier='', value='shop', excluded=False),
     Term(qualifier='', value='test', excluded=True),
     Term(qualifier='status', value='due', excluded=False)]
    """
    found = []
    for word in text.casefold().split():
        excluded = word.startswith("!")
        word = word.removeprefix("!")
        qualifier, colon, value = word.partition(":")
        if not (colon and qualifier in qualifiers):
            qualifier, value = "", word
        if value:
            found.append(Term(qualifier, value, excluded))
    return found


def conditions(
    text: str, searched: Searched, qualifiers: Qualifiers | None = None
) -> list[Condition]:
    """What a row must satisfy; `searched` is a column of case-folded text.

    LIKE over one narrow indexed column, no full-text index: a word may be any part of a name, and
    a page or a count over 100,000 rows takes 10 to 30 ms in a reader thread.
    """
    known = qualifiers or {}
    wanted = []
    for term in terms(text, tuple(known)):
        if term.qualifier:
            condition = known[term.qualifier](term.value)
        else:
            condition = searched.contains(term.value, autoescape=True)
        # A condition on a missing value is neither true nor false: excluding must keep such rows.
        wanted.append(not_(func.coalesce(condition, false())) if term.excluded else condition)
    return wanted


def one_of(words: Mapping[str, Condition]) -> Callable[[str], Condition]:
    """A qualifier whose value is one of `words`, or the start of some: ``status:exp``."""

    def condition(value: str) -> Condition:
        if value in words:
            return words[value]
        return or_(false(), *(words[word] for word in words if word.startswith(value)))

    return condition


def search_text(*parts: str) -> str:
    """What a row is found by: its words case-folded, international names in both forms."""
    found: dict[str, None] = {}
    for part in parts:
        folded = part.casefold()
        found[folded] = None
        if "xn--" in folded:
            found[_unicode_form(folded)] = None
    return " ".join(found)


def _unicode_form(name: str) -> str:
    """A domain name with its A-labels decoded (RFC 3492); an undecodable label stays."""
    labels = []
    for label in name.split("."):
        try:
            labels.append(
                label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
            )
        except UnicodeError:
            labels.append(label)
    return ".".join(labels).casefold()
