"""``resume``, ``cleanup`` and ``--force``: what was cut off, what was left, what is too many."""

from __future__ import annotations

from tests.cli.conftest import Run


def test_resume_takes_up_what_was_left_queued_and_then_finds_nothing(ready: Run) -> None:
    left = ready("request", "new", "-d", "a.kmtui.test", "--account", "main", "--no-wait")[
        "request"
    ]

    answer = ready("resume")

    (done,) = answer["requests"]
    assert (done["id"], done["status"]) == (left["id"], "available")
    assert answer["summary"]["leftovers"] == 0
    assert ready("resume")["requests"] == []


def test_resume_needs_the_vault_and_says_so(ready: Run) -> None:
    assert ready("resume", code=4, unlocked=False)["error"]["code"] == "vault-locked"


def test_cleanup_lists_nothing_when_nothing_is_left(ready: Run) -> None:
    assert ready("cleanup")["leftovers"] == []
    assert ready("cleanup", "--dry-run", unlocked=False)["leftovers"] == []


def test_a_fourth_certificate_for_the_same_names_needs_force(ready: Run) -> None:
    ask = ("request", "new", "-d", "b.kmtui.test", "--account", "main", "--save", "always")
    for _ in range(3):
        ready(*ask)

    refused = ready(*ask, code=1)["error"]

    assert "3 certificates for exactly these names in 7 days" in refused["message"]
    assert "--force" in refused["hint"]
    assert ready(*ask, "--force")["request"]["version"] == 4
