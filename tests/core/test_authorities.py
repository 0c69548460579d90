"""The CA catalogue: complete, dated, sourced; retired CAs are refused with somewhere to go."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from kmtui.core.authorities import alternatives, catalogue, refuse_if_retired, retirement
from kmtui.core.errors import Refused
from kmtui.model import Authority, ChallengeType, KeyType

ENTRIES = list(catalogue().values())
EACH = pytest.mark.parametrize("authority", ENTRIES, ids=[entry.name for entry in ENTRIES])
RETIRED = [entry for entry in ENTRIES if entry.state == "retired"]


def test_the_known_cas_are_there() -> None:
    assert {
        "letsencrypt",
        "letsencrypt-staging",
        "google",
        "google-staging",
        "zerossl",
        "sslcom-rsa",
        "sslcom-ecc",
        "actalis",
        "sectigo",
        "digicert",
        "globalsign",
        "harica",
        "buypass",
        "buypass-test",
    } <= set(catalogue())


def test_titles_and_urls_are_unique() -> None:
    urls = [entry.directory_url for entry in ENTRIES if entry.directory_url]

    assert len({entry.title for entry in ENTRIES}) == len(ENTRIES)
    assert len(set(urls)) == len(urls)


@EACH
def test_the_directory_is_https_or_the_customers_own(authority: Authority) -> None:
    if authority.state == "custom-url":
        assert authority.directory_url == ""
        assert any("URL" in note for note in authority.notes)
    else:
        url = urlsplit(authority.directory_url)
        assert (url.scheme, bool(url.hostname), url.query) == ("https", True, "")


@EACH
def test_every_entry_says_where_from_and_when(authority: Authority) -> None:
    assert authority.checked_on is not None
    assert authority.checked_on >= date(2026, 11, 1)
    assert authority.sources
    assert all(source.startswith("https://") for source in authority.sources)


@EACH
def test_words_are_from_the_vocabulary(authority: Authority) -> None:
    assert authority.state in {"active", "retired", "custom-url"}
    assert authority.eab in {"none", "required"}
    assert authority.key_types
    assert set(authority.key_types) <= set(KeyType)
    assert set(authority.challenge_types) == set(ChallengeType)
    assert (authority.state == "retired") == (authority.retired is not None)
    assert authority.lifetime_days is None or 0 < authority.lifetime_days <= 200


@pytest.mark.parametrize("authority", RETIRED, ids=[entry.name for entry in RETIRED])
def test_retired_cas_have_dates_and_living_alternatives(authority: Authority) -> None:
    ended = authority.retired
    assert ended is not None
    assert ended.no_new_accounts <= ended.last_orders <= ended.last_issuance
    assert ended.endpoint_off > f"{ended.last_issuance:%Y-%m}"
    others = alternatives(authority)
    assert others
    for other in others:
        assert other.state == "active"
        assert other.test == authority.test
        assert (other.max_names or 0) >= (authority.max_names or 0)
        assert other.wildcard


def test_buypass_is_as_it_was() -> None:
    buypass = catalogue()["buypass"]

    assert buypass.single_account
    assert buypass.email_required
    assert (buypass.lifetime_days, buypass.max_names) == (180, 15)


@pytest.mark.parametrize("authority", RETIRED, ids=[entry.name for entry in RETIRED])
def test_a_retired_ca_is_refused_with_dates_and_a_way_on(authority: Authority) -> None:
    with pytest.raises(Refused) as caught:
        refuse_if_retired(authority)

    for told in ("2025-09-15", "2025-10-15", "2025-10-31", "2026-04"):
        assert told in caught.value.message
    assert alternatives(authority)[0].name in caught.value.hint


def test_the_others_pass() -> None:
    for entry in ENTRIES:
        if entry.state != "retired":
            refuse_if_retired(entry)
            assert retirement(entry) == ""
            assert alternatives(entry) == ()


def test_the_catalogue_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(TypeError):
        catalogue()["letsencrypt"] = ENTRIES[1]  # type: ignore[index]


def test_profiles_are_read_as_rows() -> None:
    profiles = {profile.name: profile for profile in catalogue()["letsencrypt"].profiles}

    assert profiles["shortlived"].ip
    assert profiles["tlsserver"].max_names == 25
    assert not profiles["classic"].ip
