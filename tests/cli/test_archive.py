"""Deleting and bringing back by command."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

NAME = "www.kmtui.test"


@pytest.fixture
def held(ready: Run) -> Run:
    """An inventory with one saved certificate."""
    ready("request", "new", "-d", NAME, "--account", "main", "--save", "always")
    return ready


def test_deleted_hidden_brought_back_and_purged(held: Run) -> None:
    refused = held("cert", "delete", NAME, code=2)
    held("cert", "delete", code=2)
    deleted = held("cert", "delete", NAME, "--yes")
    hidden = held("cert", "list")["certificates"]
    shown = held("cert", "list", "--all")["certificates"]
    back = held("cert", "undelete", NAME)
    held("cert", "delete", NAME, "--yes")
    held("cert", "delete", "--purge", "www.kmtui", code=5)
    purged = held("cert", "delete", "--purge", NAME)["certificate"]

    assert refused["error"]["field"] == "yes"
    (row,) = deleted["certificates"]
    assert (row["archived"], row["status"], row["error"]) == (True, "archived", None)
    assert (hidden, len(shown)) == ([], 1)
    assert back["certificates"][0]["status"] == "valid"
    assert purged["purged_at"]
    assert held("cert", "undelete", purged["id"], code=1)["error"]["code"] == "refused"
    assert held("cert", "history", purged["id"])["versions"][0]["has_key"] is False


def test_several_at_once_are_told_one_by_one(held: Run) -> None:
    held("request", "new", "-d", "api.kmtui.test", "--account", "main", "--save", "always")
    held("cert", "delete", NAME, "--yes")

    done = held("cert", "delete", NAME, "api.kmtui.test", "--yes", code=3)

    assert [bool(row["error"]) for row in done["certificates"]] == [True, False]
