"""Certificates found from the command line: filters, orders, kept filters, the weeks ahead."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from kmtui.core.core import FILE_NAME
from kmtui.db.database import Database
from tests.cli.conftest import Run
from tests.db.samples import Filled

DAY = timedelta(days=1)


@pytest.fixture
def stocked(run: Run, tmp_path: Path) -> Run:
    """Three certificates that end in 3, 20 and 80 days, and one that is archived."""
    run("vault", "init")
    db = Database.open(tmp_path / "data" / FILE_NAME)
    filled = Filled(db)
    now = datetime.now(UTC)
    for name, days in (("soon", 3.5), ("due", 20.5), ("far", 80.5)):
        end = now + days * DAY
        filled.version(
            filled.certificate(name, names=(f"{name}.example.org",)),
            saved=True,
            not_before=end - 90 * DAY,
            not_after=end,
            issuer="Example CA",
        )
    filled.certificate("gone", archived_at=now)
    db.close_sync()
    return run


def names(run: Run, *options: str) -> list[str]:
    return [each["name"] for each in run("cert", "list", *options)["certificates"]]


def test_filters_and_orders_are_those_of_the_screen(stocked: Run) -> None:
    assert names(stocked) == ["soon", "due", "far"]
    assert names(stocked, "--reverse") == ["far", "due", "soon"]
    assert names(stocked, "--sort", "name") == ["due", "far", "soon"]
    assert names(stocked, "--filter", "expires:<30d !status:expiring") == ["due"]
    assert names(stocked, "--expires-within", "30d") == ["soon", "due"]
    assert names(stocked, "--status", "valid") == ["far"]
    assert names(stocked, "--all", "--limit", "4") == ["soon", "due", "far", "gone"]
    assert names(stocked, "--limit", "1") == ["soon"]


@pytest.mark.parametrize("text", ['"fa', 'issuer:"Example', '!"so', 'far issuer:"Example CA'])
def test_a_quote_left_open_swallows_no_other_option(stocked: Run, text: str) -> None:
    stocked("filter", "add", "late", text)

    assert names(stocked, "--filter", text, "--status", "valid") == ["far"]
    assert names(stocked, "--saved", "late", "--status", "valid") == ["far"]
    assert names(stocked, "--saved", "late", "--filter", text, "--status", "valid") == ["far"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--filter", "colour:red", "colour: is no filter word here"),
        ("--filter", "expires:soon", "expires:soon says nothing"),
        ("--sort", "colour", "cannot sort by 'colour'"),
        ("--expires-within", "soon", "'soon' is not a duration"),
    ],
)
def test_what_says_nothing_is_refused(stocked: Run, option: str, value: str, said: str) -> None:
    error = stocked("cert", "list", option, value, code=2)["error"]

    assert error["message"] == said
    assert error["hint"]


def test_a_list_is_written_as_it_is_read_and_is_one_document(
    stocked: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cli.run(["--data", str(tmp_path / "data"), "cert", "list", "--json"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["{", '  "schema": 1,', '  "certificates": [']
    assert json.loads(lines[3].rstrip(","))["name"] == "soon"
    assert stocked("cert", "list", "--filter", "nothing-like-it") == {
        "schema": 1,
        "certificates": [],
    }


def test_a_filter_is_kept_used_listed_and_forgotten(stocked: Run) -> None:
    kept = stocked("filter", "add", "in a month", "expires:<30d", "--sort", "name")["filter"]
    assert (kept["name"], kept["text"], kept["count"]) == ("in a month", "expires:<30d", 2)

    assert names(stocked, "--saved", "In a Month") == ["due", "soon"]
    assert names(stocked, "--saved", "in a month", "--filter", "soon") == ["soon"]
    assert names(stocked, "--saved", "in a month", "--sort", "expires") == ["soon", "due"]
    (listed,) = stocked("filter", "list")["filters"]
    assert listed == kept
    assert stocked("filter", "list", "--list", "requests")["filters"] == []

    assert stocked("filter", "delete", "in a month", code=2)["error"]["field"] == "yes"
    stocked("filter", "delete", "in a month", "--yes")
    refused = stocked("cert", "list", "--saved", "in a month", code=5)["error"]
    assert "no filter is kept under the name" in refused["message"]
    assert stocked("filter", "add", "mine", "colour:red", code=2)["error"]["field"] == "filter"


def test_the_weeks_ahead_are_counted_and_drawn(
    stocked: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    weeks = stocked("cert", "timeline", "--weeks", "20")["weeks"]
    assert len(weeks) == 22
    assert sum(week["expires"] for week in weeks) == 3
    assert sum(week["renews"] for week in weeks) == 3
    assert (weeks[0]["start"], weeks[-1]["end"]) == (None, None)

    assert cli.run(["--data", str(tmp_path / "data"), "cert", "timeline"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == [*("WEEK", "OF", "EXPIRE", "BY", "HAND", "RENEW", "PLANNED", "RENEWALS")]
    assert any("#" in line for line in lines)


def test_a_timeline_without_anything_says_so(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run("vault", "init")

    assert cli.run(["--data", str(tmp_path / "data"), "cert", "timeline"]) == 0
    assert capsys.readouterr().out == "nothing expires, and no renewal is planned\n"
