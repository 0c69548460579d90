"""The filter language of every list: plain words, ``!word``, and qualifiers like ``status:due``.

All parts must hold. Quotes make one word of several, and a plain word of anything:
``issuer:"Example CA"``, ``"urn:ietf"``; a quote inside is written twice. What cannot be a qualifier
(an address, a URL, a fingerprint) is a plain word without quotes, too. A qualifier without a value
says nothing yet: it is being typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, func, not_, or_
from sqlalchemy.orm import Mapped

from kmtui.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a filter; `qualifier` is empty for a plain word."""

    qualifier: str
    value: str
    excluded: bool


Condition = ColumnElement[bool]
Searched = ColumnElement[str] | Mapped[str]
Qualifier = Callable[[str], Condition]
"""From a value (case-folded) to the condition that it stands for.

Raises ValueError for a value that says nothing; its text is what is expected instead.
"""
Qualifiers = Mapping[str, Qualifier]

_TERM = re.compile(r'(!?)(?:([^\s":!]+):(?!:))?("(?:[^"]|"")*(?:"|$)|\S*)')
_LIKE_A_QUALIFIER = re.compile(r"[a-z][a-z-]*")
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,4}:[0-9a-f:.*]*")
"""An IPv6 address, a fingerprint, or the beginning of one."""


def terms(text: str, qualifiers: Collection[str]) -> list[Term]:
    """The parts of a filter text, words case-folded.

    Raises InvalidInput for a qualifier that is none of `qualifiers`.

    >>> terms("shop !test status:due", ["status"])  # doctest: +NORMALIZE_WHITESPACE
    [Term(qualifier='', value='shop', excluded=False),
     Term(qualifier='', value='test', excluded=True),
     Term(qualifier='status', value='due', excluded=False)]
    """
    text = text.casefold()
    found = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TERM.match(text, at)
        assert match is not None  # every part of it may be empty
        at = max(match.end(), at + 1)
        excluded, qualifier, value = match[1] == "!", match[2] or "", match[3]
        if qualifier and qualifier not in qualifiers:
            if _is_plain(qualifier, value):
                found.append(Term("", f"{qualifier}:{value}", excluded))
            elif value:
                raise _unknown(qualifier, value, qualifiers)
            continue
        if value.startswith('"'):
            value = _unquoted(value)
        if value:
            found.append(Term(qualifier, value, excluded))
    return found


def quoted(word: str) -> str:
    """A word as a filter says it, so that it is read as nothing else.

    >>> quoted("shop"), quoted("status:due")
    ('shop', '"status:due"')
    """
    plain = word and not re.search(r'[\s":!]', word)
    return word if plain else '"' + word.replace('"', '""') + '"'


def condition(term: Term, known: Qualifiers) -> Condition:
    """What a qualifier with its value stands for, not yet excluded.

    Raises InvalidInput for a value that the qualifier does not take.
    """
    try:
        return known[term.qualifier](term.value)
    except ValueError as error:
        raise InvalidInput(
            f"{term.qualifier}:{term.value} says nothing",
            field="filter",
            hint=f"it takes {error}",
        ) from None


def contains(term: Term, searched: Searched) -> Condition:
    """Whether the text holds a plain word; excluded where the term is."""
    found: Condition = searched.contains(term.value, autoescape=True)
    return excluding(found) if term.excluded else found


def excluding(found: Condition) -> Condition:
    """The opposite. A condition on a missing value is neither true nor false: such rows stay."""
    return not_(func.coalesce(found, false()))


def conditions(
    text: str, searched: Searched, qualifiers: Qualifiers | None = None
) -> list[Condition]:
    """What a row must satisfy; `searched` is a column of case-folded text. Raises InvalidInput.

    LIKE over one narrow indexed column, no full-text index: a word may be any part of a name, and
    a page or a count over 100,000 rows takes 10 to 30 ms in a reader thread.
    """
    known = qualifiers or {}
    wanted = []
    for term in terms(text, known):
        if not term.qualifier:
            wanted.append(contains(term, searched))
            continue
        found = condition(term, known)
        wanted.append(excluding(found) if term.excluded else found)
    return wanted


def one_of(words: Mapping[str, Condition]) -> Qualifier:
    """A qualifier whose value is one of `words`, or the start of some: ``status:exp``."""

    def condition(value: str) -> Condition:
        if value in words:
            return words[value]
        found = [words[word] for word in words if word.startswith(value)]
        if not found:
            raise ValueError(", ".join(words))
        return or_(*found)

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


def _is_plain(before: str, after: str) -> bool:
    """Whether a text with a colon in it cannot be meant as a qualifier."""
    if not _LIKE_A_QUALIFIER.fullmatch(before) or after.startswith("//"):
        return True
    return _HEXADECIMAL.fullmatch(f"{before}:{after}") is not None


def _unknown(qualifier: str, value: str, qualifiers: Collection[str]) -> InvalidInput:
    known = " ".join(f"{word}:" for word in qualifiers)
    said = value if value.startswith('"') else f"{qualifier}:{value}"
    return InvalidInput(
        f"{qualifier}: is no filter word here",
        field="filter",
        hint=f"there are {known}; in quotes it is a plain word: {quoted(said)}",
    )


def _unquoted(value: str) -> str:
    inner = value[1:]
    # The closing quote is missing while it is being typed.
    if len(re.findall('"', inner)) % 2:
        inner = inner[: inner.rindex('"')]
    return inner.replace('""', '"')


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
