"""Reissuing by command, and going back."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

NAME = "www.kmtui.test"


@pytest.fixture
def held(ready: Run) -> Run:
    """An inventory with one saved certificate that saves itself."""
    ready("request", "new", "-d", NAME, "--account", "main", "--save", "always")
    return ready


def test_the_difference_is_shown_then_made_then_undone(held: Run) -> None:
    wish = ("cert", "reissue", NAME, "-d", "a.kmtui.test", "-d", NAME, "--key-type", "ec384")

    foreseen = held(*wish, "--dry-run", unlocked=False)
    done = held(*wish)
    shown = held("cert", "show", NAME)["certificate"]
    used = held("cert", "use", NAME, "--version", "1")

    assert foreseen["changes"]["added"] == ["a.kmtui.test"]
    assert foreseen["changes"]["differing"] == [
        {"what": "key type", "is": "ec256", "becomes": "ec384"}
    ]
    assert done["changes"] == foreseen["changes"]
    assert (done["request"]["kind"], done["request"]["status"]) == ("reissue", "saved")
    assert (shown["names"], shown["current_version"]) == (["a.kmtui.test", NAME], 2)
    assert (used["certificate"]["names"], used["certificate"]["current_version"]) == ([NAME], 1)
    held("cert", "use", NAME, "--version", "1", code=1)


def test_every_version_stays_in_the_history_and_two_can_be_compared(held: Run) -> None:
    held("cert", "reissue", NAME, "-d", "a.kmtui.test")
    held("cert", "revoke", NAME, "--version", "1", "--reason", "superseded", "--yes")
    held("cert", "delete", "a.kmtui.test", "--yes")

    versions = held("cert", "history")["versions"]
    revoked = held("cert", "history", "--status", "revoked")["versions"]
    compared = held("cert", "diff", NAME, "1", "2")

    assert [(row["why"], row["status"], row["deleted"]) for row in versions] == [
        ("reissue", "current", True),
        ("issue", "revoked", True),
    ]
    assert [row["number"] for row in revoked] == [1]
    assert compared["versions"] == [1, 2]
    assert {"field": "Names", "values": [NAME, "a.kmtui.test"]} in compared["differences"]
    held("cert", "diff", NAME, "1", "7", code=5)
