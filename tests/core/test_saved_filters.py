"""Filters that are kept under a name."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, NotFound
from kmtui.core.saved_filters import LISTS
from kmtui.db import filters
from kmtui.model import ListQuery
from kmtui.model.filterwords import FILTER_WORDS


async def test_a_filter_is_kept_found_in_any_case_replaced_and_forgotten(core: Core) -> None:
    await core.filters.add("certificates", "  Due  soon ", "status:due", sort="name")
    await core.filters.add("requests", "due soon", "status:failed")

    kept = await core.filters.get("certificates", "due SOON")
    assert (kept.name, kept.text, kept.sort, kept.descending) == (
        *("Due soon", "status:due", "name"),
        False,
    )

    await core.filters.add("certificates", "DUE SOON", "expires:<7d")
    assert [each.text for each in await core.filters.all("certificates")] == ["expires:<7d"]

    await core.filters.delete("certificates", "due soon")
    assert await core.filters.all("certificates") == []
    assert [each.text for each in await core.filters.all("requests")] == ["status:failed"]
    trail = await core.activity.page(ListQuery(now=core.context.clock(), text="what:filter"))
    assert [line.action for line in trail] == ["filter delete", *["filter add"] * 3]


@pytest.mark.parametrize("text", ["colour:red", "status:nonsense", "expires:soon"])
async def test_what_says_nothing_is_not_kept(core: Core, text: str) -> None:
    with pytest.raises(InvalidInput):
        await core.filters.add("certificates", "mine", text)

    assert await core.filters.all("certificates") == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 41])
async def test_a_name_is_neither_empty_nor_endless(core: Core, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 40"):
        await core.filters.add("certificates", name, "shop")


async def test_an_unknown_name_and_an_unknown_list_tell_what_there_is(core: Core) -> None:
    await core.filters.add("certificates", "mine", "shop")

    with pytest.raises(NotFound) as unknown:
        await core.filters.get("certificates", "yours")
    assert unknown.value.hint == "there are: mine"
    with pytest.raises(InvalidInput, match="no list 'planets'"):
        await core.filters.all("planets")


@pytest.mark.parametrize("of", LISTS)
async def test_the_words_that_the_help_names_are_those_of_the_query(core: Core, of: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await core.filters.check(of, "colour:red")

    known = caught.value.hint.removeprefix("there are ").partition(";")[0].split()
    assert set(known) == {f"{each.word}:" for each in FILTER_WORDS[of]}
    assert filters.quoted("colour:red") in caught.value.hint


@pytest.mark.parametrize("of", LISTS)
async def test_an_order_that_the_list_does_not_have_is_not_kept(core: Core, of: str) -> None:
    with pytest.raises(InvalidInput, match="cannot sort by 'colour'"):
        await core.filters.add(of, "mine", "shop", sort="colour")

    assert await core.filters.all(of) == []
