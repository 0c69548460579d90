"""Revoking by command: never without --yes, and only with words that RFC 5280 knows."""

from __future__ import annotations

import pytest

from kmtui.model import RevocationReason
from tests.cli.conftest import Run

NAME = "www.kmtui.test"


@pytest.fixture
def held(ready: Run) -> Run:
    """An inventory with one saved certificate."""
    ready("request", "new", "-d", NAME, "--account", "main", "--save", "always")
    return ready


def test_a_version_is_revoked_and_stays_in_the_history(held: Run) -> None:
    refused = held("cert", "revoke", NAME, "--reason", "superseded", code=2)
    wrong = held("cert", "revoke", NAME, "--reason", "boredom", "--yes", code=2)
    done = held("cert", "revoke", NAME, "--reason", "SUPERSEDED", "--yes")
    again = held("cert", "revoke", NAME, "--reason", "superseded", "--yes")

    assert refused["error"]["field"] == "yes"
    allowed = ", ".join(f"'{reason}'" for reason in RevocationReason)
    assert wrong["error"]["message"] == (
        f"invalid value for '--reason': 'boredom' is not one of {allowed}."
    )
    assert done["certificate"]["status"] == "revoked"
    assert done["version"]["revocation_reason"] == "superseded"
    assert (done["signed_by"], done["already"]) == ("account main", False)
    assert (again["signed_by"], again["already"]) == (None, True)
    (row,) = held("cert", "history", NAME)["versions"]
    assert row["status"] == "revoked"


def test_a_compromised_key_is_replaced_first_when_asked(held: Run) -> None:
    done = held(
        *("cert", "revoke", NAME, "--reason", "keyCompromise", "--by", "certificate-key"),
        *("--renew-first", "--yes"),
    )

    assert (done["version"]["number"], done["signed_by"]) == (1, "certificate key")
    assert done["certificate"]["current_version"] == 2
    assert done["certificate"]["status"] == "valid"
    new, old = held("cert", "history", NAME)["versions"]
    assert (new["status"], old["status"]) == ("current", "revoked")
    assert new["spki_sha256"] != old["spki_sha256"]
