"""What a CA takes is known from the catalogue, and told before it is asked."""

from __future__ import annotations

import pytest

from kmtui.core.abilities import findings, refuse
from kmtui.core.authorities import catalogue
from kmtui.core.errors import InvalidInput
from kmtui.model import Authority, RequestSpec

LE = catalogue()["letsencrypt"]
CUSTOM = Authority(name="own", title="Own CA", directory_url="https://ca.test/d", state="custom")


def spec(*names: str, **fields: str | None) -> RequestSpec:
    return RequestSpec(names=names or ("a.example.org",), account="main", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "authority", "field", "said"),
    [
        (spec(key_type="dsa"), CUSTOM, "key-type", "no key type is called dsa"),
        (spec(auto_save="never"), CUSTOM, "save", "save is ask or always"),
        (spec(*(f"n{n}.example.org" for n in range(101))), LE, "names", "at most 100 names"),
        (
            spec(*(f"n{n}.example.org" for n in range(26)), profile="tlsserver"),
            LE,
            "names",
            "at most 25 names in one certificate with the profile tlsserver, not 26",
        ),
        (spec("192.0.2.1"), LE, "profile", "IP addresses with the profile shortlived"),
        (spec("192.0.2.1"), catalogue()["zerossl"], "names", "no IP addresses: 192.0.2.1"),
        (spec("*.example.org"), catalogue()["actalis"], "names", "issues no wildcards"),
    ],
)
def test_what_would_be_refused_there_is_refused_here(
    asked: RequestSpec, authority: Authority, field: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said.replace("*", r"\*")) as caught:
        refuse(asked, authority)

    assert caught.value.field == field


@pytest.mark.parametrize(
    "asked",
    [
        spec(),
        spec("*.example.org", "192.0.2.1", key_type="rsa4096"),
        spec(*(f"n{n}.example.org" for n in range(500))),
        spec(profile="anything"),
    ],
)
def test_what_is_not_known_is_left_to_the_ca(asked: RequestSpec) -> None:
    refuse(asked, CUSTOM)

    assert all(finding.ok is not False for finding in findings(asked, CUSTOM))


def test_a_profile_is_held_against_what_the_directory_lists_now() -> None:
    (found,) = [f for f in findings(spec(profile="old"), LE, ["new"]) if f.what == "profile"]

    assert (found.ok, found.hint) == (False, "it offers new")
    assert findings(spec(profile="new"), LE, ["new"])[-1].ok is True
    assert all(f.what != "profile" for f in findings(spec(), LE, ["new"]))
