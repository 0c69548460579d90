"""The 25 edge cases of dns-01, by number, and where each provider holds them.

A test says which one it holds with ``@case(7)``. A test module of a provider need not hold all by
itself: the contract (`tests.dns.contract`) and the tests of the general dns-01 code hold most, and
what cannot be at a vendor is declared in the contract's subclass with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

TITLES = {
    1: "both values of apex and wildcard at one name",
    2: "values, strings and TTL of others stay",
    3: "concurrent orders of two processes lose nothing",
    4: "a record set that changed since it was read (ETag)",
    5: "a record set that changed since it was read (atomic batch)",
    6: "a record set that is replaced without any guard",
    7: "a value that is there already",
    8: "a value that is gone already",
    9: "killed between creating a record and noting its id",
    10: "a failed or cancelled order is cleaned up",
    11: "the longest zone, and the challenge name as a zone",
    12: "zones compared by labels",
    13: "two zones of one name",
    14: "a zone that is not the delegated one",
    15: "a challenge name that is an alias into another account's zone",
    16: "an alias by a wildcard is not followed",
    17: "an alias that must not be followed owns the name",
    18: "each refusal of an update in its own words",
    19: "credentials in the environment do not get in the way",
    20: "values quoted, bare or split",
    21: "rate limits are waited for, within the deadline",
    22: "odd replies are read as what they mean",
    23: "rights that are too small, each told with the way out",
    24: "name servers that are late, silent or hidden",
    25: "wildcards, small TTLs, foreign names, and no secret anywhere",
}


def case(number: int) -> pytest.MarkDecorator:
    """The mark of a test that holds the case of this number."""
    if number not in TITLES:
        raise ValueError(f"there is no case {number}")
    return pytest.mark.case(number)


ONLY_AT = {
    4: ("azure",),
    5: ("route53",),
    6: ("godaddy",),
    17: ("rfc2136",),
    18: ("rfc2136",),
    19: ("cloudflare",),
    20: ("cloudflare", "dnsmadeeasy"),
    22: ("cloudns", "godaddy", "dnsmadeeasy", "azure"),
    23: ("godaddy", "cloudflare", "azure"),
}
"""Cases about what one vendor's interface is like: at the others there is nothing to hold."""


def cases_of(test: object) -> set[int]:
    """The numbers of the cases that a test function holds."""
    return {int(m.args[0]) for m in getattr(test, "pytestmark", ()) if m.name == "case"}


def held_by(place: object) -> set[int]:
    """The numbers of the cases that the tests of a module or class hold.

    Of a module, those written there; of a class, those it inherits, too.
    """
    return set().union(*map(cases_of, _tests(place)))


def _tests(place: object) -> Iterator[object]:
    names = vars(place) if isinstance(place, ModuleType) else dir(place)
    for name in names:
        found = getattr(place, name)
        if name.startswith("test"):
            yield found
        elif isinstance(place, ModuleType) and isinstance(found, type) and name.startswith("Test"):
            yield from (test for name, test in vars(found).items() if name.startswith("test"))
