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
