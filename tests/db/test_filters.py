"""The filter language: words, exclusions, qualifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.errors import InvalidInput
from kmtui.db import accounts, certificates
from kmtui.db.database import Database
from kmtui.db.filters import Term, quoted, search_text, terms
from tests.db.samples import DAY, NOW, Filled, query


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def shown(filled: Filled, text: str, **fields: object) -> list[str]:
    found = filled.db.read_sync(lambda s: certificates.page(s, query(text, sort="name", **fields)))
    number = filled.db.read_sync(lambda s: certificates.count(s, query(text, **fields)))
    assert number == len(found)
    return [row.name for row in found]


def test_terms_of_a_filter() -> None:
    assert terms("Shop !test status:due !account:x", ["status", "account"]) == [
        Term("", "shop", False),
        Term("", "test", True),
        Term("status", "due", False),
        Term("account", "x", True),
    ]


@pytest.mark.parametrize(
    "word", ["2001:db8::1", "fe80::1", "cafe:f00d", "9f:3c:e1", "https://ca.example.test/order/1"]
)
def test_what_cannot_be_a_qualifier_is_a_word(word: str) -> None:
    assert terms(f"a {word}", ["status"]) == [Term("", "a", False), Term("", word, False)]


def test_an_unknown_qualifier_names_the_known_ones_and_the_way_around() -> None:
    with pytest.raises(InvalidInput, match="colour: is no filter word here") as caught:
        terms("shop colour:red", ["status", "ca"])

    assert caught.value.hint == (
        'there are status: ca:; in quotes it is a plain word: "colour:red"'
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"urn:ietf"', Term("", "urn:ietf", False)),
        ('!"two words"', Term("", "two words", True)),
        ('status:"a b"', Term("status", "a b", False)),
        ('"still being ty', Term("", "still being ty", False)),
        ('"say ""so"""', Term("", 'say "so"', False)),
        ('5" pipe', Term("", '5"', False)),
    ],
)
def test_quotes_make_one_plain_word(text: str, found: Term) -> None:
    assert terms(text, ["status"])[0] == found


@given(st.text(min_size=1))
def test_a_quoted_word_is_read_as_that_word(word: str) -> None:
    assert terms(quoted(word), ["status"]) == [Term("", word.casefold(), False)]


@given(st.lists(st.text(min_size=1), max_size=4))
def test_quoted_words_stay_apart(words: list[str]) -> None:
    text = " ".join(map(quoted, words))

    assert [term.value for term in terms(text, ["status"])] == [word.casefold() for word in words]


@pytest.mark.parametrize("text", ["", "  ", "!", "status:", "!status:"])
def test_what_is_still_being_typed_says_nothing(text: str) -> None:
    assert terms(text, ["status"]) == []


@given(st.text() | st.text(alphabet='a:!" \n'))
def test_any_text_is_a_filter_or_is_refused_with_the_known_words(text: str) -> None:
    try:
        found = terms(text, ["status"])
    except InvalidInput as refused:
        hint = refused.hint
        found = []
    else:
        hint = "there are status:"
    assert hint.startswith("there are status:")
    assert all(term.value for term in found)


@given(st.text())
def test_any_name_can_be_searched(name: str) -> None:
    assert name.casefold() in search_text(name)


def test_all_words_must_occur_anywhere_in_label_or_names(filled: Filled) -> None:
    filled.certificate("shop", names=("www.example.org", "api.example.org"))
    filled.certificate("blog", names=("www.example.net",))

    assert shown(filled, "example.org") == ["shop"]
    assert shown(filled, "WWW example") == ["blog", "shop"]
    assert shown(filled, "www shop api") == ["shop"]
    assert shown(filled, "!shop") == ["blog"]
    assert shown(filled, "www !blog !shop") == []


@pytest.mark.parametrize("wild", ["%", "_", "\\", "'", '"', "*", "a%b", ";--"])
def test_signs_of_sql_are_only_signs(filled: Filled, wild: str) -> None:
    filled.certificate("plain")
    filled.certificate(f"with{wild}sign")

    assert shown(filled, f"h{wild}s") == [f"with{wild}sign"]


def test_an_international_name_is_found_in_both_forms(filled: Filled) -> None:
    filled.certificate("shop", names=("xn--bcher-kva.example.org",))

    assert shown(filled, "bücher") == ["shop"]
    assert shown(filled, "xn--bcher") == ["shop"]


def test_account_and_ca_are_found_by_their_beginning(filled: Filled) -> None:
    prod = filled.account("le-prod", ca="letsencrypt")
    filled.certificate("one", account_id=prod.id)
    filled.certificate("two", account_id=filled.account("zs", ca="zerossl").id)
    filled.certificate("none")

    assert shown(filled, "account:le") == ["one"]
    assert shown(filled, f"account:{prod.id}") == ["one"]
    assert shown(filled, "ca:ZERO") == ["two"]
    assert shown(filled, "!account:le") == ["none", "two"]
    assert shown(filled, "ca:unknown") == []


def test_a_status_may_be_cut_short(filled: Filled) -> None:
    old, soon = filled.certificate("old"), filled.certificate("soon")
    filled.version(old, saved=True, not_before=NOW - 90 * DAY, not_after=NOW - DAY)
    filled.version(soon, saved=True, not_before=NOW - 88 * DAY, not_after=NOW + 2 * DAY)
    filled.certificate("new")

    assert shown(filled, "status:expired") == ["old"]
    assert shown(filled, "status:exp") == ["old", "soon"]
    assert shown(filled, "!status:exp") == ["new"]
    with pytest.raises(InvalidInput, match="status:nonsense says nothing") as caught:
        shown(filled, "status:nonsense")
    assert "it takes pending, available, valid" in caught.value.hint


def test_archived_ones_are_shown_when_asked_for(filled: Filled) -> None:
    gone = filled.certificate("gone")
    filled.certificate("here")
    filled.db.write_sync(lambda s: certificates.archive(s, gone.id, NOW))

    assert shown(filled, "") == ["here"]
    assert shown(filled, "status:archived") == ["gone"]
    assert shown(filled, "", include_archived=True) == ["gone", "here"]

    filled.db.write_sync(lambda s: certificates.unarchive(s, gone.id))
    assert shown(filled, "") == ["gone", "here"]


def test_an_unknown_sort_word_names_the_known_ones(filled: Filled) -> None:
    with pytest.raises(InvalidInput, match="cannot sort by") as caught:
        filled.db.read_sync(lambda s: accounts.page(s, query(sort="colour")))

    assert "name" in caught.value.hint
