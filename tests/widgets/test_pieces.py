"""Lines, panes and forms: what they show, and that foreign text is only text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from textual.widget import Widget

from kmtui.model import LogLine
from kmtui.widgets.details import Details
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.filterbar import FilterBar
from kmtui.widgets.form import Form
from kmtui.widgets.jobstrip import JobLine, JobStrip
from kmtui.widgets.keybar import KeyBar
from kmtui.widgets.line import Line
from kmtui.widgets.logview import LogView
from kmtui.widgets.question import Question
from kmtui.widgets.rows import Column, ListSource, Row
from kmtui.widgets.rowtable import RowTable
from kmtui.widgets.statusline import StatusLine
from kmtui.widgets.steps import Step, Steps
from kmtui.widgets.titleline import TitleLine
from tests.terminal import raw_text, screen_lines, screen_text, settled
from tests.widgets.bench import piece, shown

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.pwn]x[/] \u202e\x9b2J \x00\u200b [b"
FORBIDDEN = {"\x1b", "\x07", "\u202e", "\x9b", "\x00", "\u200b"}


# --- hostile text ---------------------------------------------------------------------------------

LOG = LogLine(id=1, request_id="r", at=datetime(2026, 10, 1, tzinfo=UTC), level="bad", text=HOSTILE)


def hostile_details() -> Widget:
    details = Details()
    details.show([(HOSTILE, HOSTILE), ("a", (HOSTILE, "bad"))])
    return details


def hostile_log(wrapped: bool) -> Callable[[], Widget]:
    def make() -> Widget:
        view = LogView(wrapped=wrapped)
        view.show([LOG])
        return view

    return make


def hostile_status() -> Widget:
    line = StatusLine()
    line.tell(counts=[(HOSTILE, "bad")], filter=HOSTILE, sort=HOSTILE, position=HOSTILE)
    return line


def hostile_field(kind: str) -> Callable[[], Widget]:
    spec = FieldSpec(
        name="a",
        label=HOSTILE,
        kind=kind,
        default=HOSTILE,
        help=HOSTILE,
        placeholder=HOSTILE,
        choices=((HOSTILE, HOSTILE),),
    )
    return lambda: Form([spec])


PIECES: dict[str, Callable[[], Widget]] = {
    "table": lambda: RowTable(
        (Column(HOSTILE, 60),), ListSource([Row(HOSTILE, ((HOSTILE, "bad"),), HOSTILE)])
    ),
    "empty table": lambda: RowTable((Column("A", 9),), ListSource(), empty=HOSTILE),
    "line": lambda: Line([(HOSTILE, "bad")], [(HOSTILE, "")]),
    "title": lambda: TitleLine(crumbs=("Certificates", HOSTILE)),
    "status": hostile_status,
    "steps": lambda: Steps([Step(HOSTILE, "now", HOSTILE)]),
    "details": hostile_details,
    "log": hostile_log(False),
    "wrapped log": hostile_log(True),
    "text field": hostile_field("text"),
    "lines field": hostile_field("lines"),
    "choice field": hostile_field("choice"),
    "check field": hostile_field("check"),
}


@pytest.mark.parametrize("name", PIECES)
async def test_foreign_text_is_shown_as_text_and_nothing_else(name: str) -> None:
    async with shown(PIECES[name]) as pilot:
        drawn = raw_text(pilot.app)
        for y in range(3):
            for x in range(0, 80, 4):
                await pilot.click(offset=(x, y))

        assert not set(drawn) & FORBIDDEN
        assert not pilot.app.pwned  # type: ignore[attr-defined]
        if name != "empty table":
            assert "[/foo]" in drawn.replace("\n", "")


async def test_foreign_text_in_jobs_and_questions() -> None:
    async with shown(JobStrip) as pilot:
        piece(pilot, JobStrip).show_jobs([JobLine(HOSTILE, "running", HOSTILE)])
        await settled(pilot)
        assert "[/foo]" in screen_text(pilot.app)
        assert not set(raw_text(pilot.app)) & FORBIDDEN
    async with shown(Question) as pilot:
        piece(pilot, Question).ask(HOSTILE, lambda: None)
        await settled(pilot)
        assert "[/foo]" in screen_text(pilot.app)
        assert not set(raw_text(pilot.app)) & FORBIDDEN


# --- title, status, keys, jobs, steps -------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, "1 Certificates  2 Requests  3 Accounts  4 DNS  5 Servers  6 Activity        RW"),
        (50, "1  2 Requests  3  4  5  6                       RW"),
    ],
)
async def test_the_root_tabs_fit_the_width(width: int, expected: str) -> None:
    async with shown(lambda: TitleLine("requests"), (width, 3)) as pilot:
        line = piece(pilot, TitleLine)
        line.access, line.who = "RW", "ops@host1"
        await pilot.pause()

        assert screen_lines(pilot.app)[0].split() == expected.split()


async def test_a_wide_title_says_who_and_that_it_is_practice() -> None:
    async with shown(lambda: TitleLine(crumbs=("Requests", "#412")), (120, 3)) as pilot:
        line = piece(pilot, TitleLine)
        line.access, line.who, line.sandbox = "LOCKED", "ops@host1", True
        await pilot.pause()

        text = screen_lines(pilot.app)[0]
        assert text.startswith("kmtui  Requests > #412")
        assert text.endswith("ops@host1 SANDBOX LOCKED")


async def test_the_status_line_keeps_the_position_when_room_is_short() -> None:
    async with shown(StatusLine, (34, 3)) as pilot:
        line = piece(pilot, StatusLine)
        line.tell(
            counts=[("214 names", ""), ("9 due", "warn")], sort="expires ^", position="7 of 214"
        )
        await pilot.pause()
        assert screen_lines(pilot.app)[0].endswith("7 of 214")

        line.say("revoke: already revoked")
        await pilot.pause()
        assert screen_lines(pilot.app)[0].startswith("revoke: already")


async def test_where_room_is_short_counts_go_whole_and_what_is_said_takes_the_position() -> None:
    async with shown(StatusLine, (34, 3)) as pilot:
        line = piece(pilot, StatusLine)
        counts = [("35 names", ""), ("2 expired", "bad"), ("1 target failed", "bad")]
        line.tell(counts=counts, position="7 of 35")
        await pilot.pause()
        assert screen_lines(pilot.app)[0] == "35 names  2 expired  …     7 of 35"

        line.say("payments v4 revoked: superseded")
        await pilot.pause()
        assert screen_lines(pilot.app)[0] == "payments v4 revoked: superseded"


@pytest.mark.parametrize("width", [20, 41, 80, 120])
async def test_the_key_line_holds_whole_words(width: int) -> None:
    keys = ("help", "open", "new", "renew", "save", "revoke", "delete", "filter", "mark", "copy")
    async with shown(lambda: KeyBar(keys), (width, 3)) as pilot:
        words = screen_lines(pilot.app)[0].split()

        known = "? help ⏎ open n new r renew s save X revoke D delete / filter space mark y copy"
        assert words == known.split()[: len(words)]
        assert len(words) % 2 == 0


async def test_an_impossible_key_is_grey_but_there() -> None:
    async with shown(lambda: KeyBar(("renew", "revoke"))) as pilot:
        strip = pilot.app.screen._compositor.render_strips()[0]

        colours = {segment.text: segment.style.color for segment in strip if segment.style}
        assert "X revoke" in colours
        assert colours["X revoke"] != colours["r"]


async def test_a_failure_stays_in_the_job_strip_until_it_was_seen() -> None:
    async with shown(JobStrip) as pilot:
        strip = piece(pilot, JobStrip)
        await pilot.pause(0.3)
        strip.ended(JobLine("renew shop", "failed", "dns"))
        strip.show_jobs([])
        await pilot.pause(0.4)
        assert "renew shop failed: dns  ! for text" in screen_lines(pilot.app)[0]

        strip.acknowledge()
        await pilot.pause(0.4)
        assert screen_lines(pilot.app)[0] == "jobs idle"


async def test_steps_are_told_on_one_line() -> None:
    steps = [
        Step("account", "done"),
        Step("challenges", "now", "1 of 3"),
        Step("finalize", "to come"),
    ]
    async with shown(lambda: Steps(steps)) as pilot:
        assert screen_lines(pilot.app)[0] == "+ account  > challenges 1 of 3  . finalize"


# --- panes ----------------------------------------------------------------------------------------


async def test_details_wrap_under_their_own_column() -> None:
    async with shown(lambda: Details(label_width=8), (30, 8)) as pilot:
        piece(pilot, Details).show(
            [("names", "shop.example.org www.shop.example.org"), ("key", "p")]
        )
        await settled(pilot)

        assert screen_lines(pilot.app)[:3] == [
            "names   shop.example.org",
            "        www.shop.example.org",
            "key     p",
        ]


async def test_a_log_follows_its_end_until_scrolled() -> None:
    def lines(first: int, last: int) -> list[LogLine]:
        at = datetime(2026, 10, 1, 7, 41, tzinfo=UTC)
        return [
            LogLine(id=number, request_id="r", at=at, level="info", text=f"line {number}")
            for number in range(first, last)
        ]

    async with shown(LogView, (40, 5)) as pilot:
        view = piece(pilot, LogView)
        view.focus()
        view.show(lines(1, 21))
        await pilot.pause()
        assert screen_lines(pilot.app)[-1] == "07:41:00   line 20"

        view.extend(lines(15, 31))
        await pilot.pause()
        assert screen_lines(pilot.app)[-1] == "07:41:00   line 30"

        await pilot.press("g")
        view.extend(lines(31, 41))
        await pilot.pause()
        assert screen_lines(pilot.app)[0] == "07:41:00   line 1"
        assert view.last_id == 40


async def test_the_filter_is_told_after_a_pause_and_cleared_by_escape() -> None:
    async with shown(FilterBar) as pilot:
        bar = piece(pilot, FilterBar)
        bar.open()
        await pilot.press(*"shop")
        assert pilot.app.heard == []  # type: ignore[attr-defined]
        await pilot.press("enter")
        assert bar.text == "shop"
        assert not bar.is_open

        bar.open()
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.heard == ["shop", ""]  # type: ignore[attr-defined]


async def test_a_question_answers_once_and_only_with_y() -> None:
    answers: list[str] = []
    async with shown(Question) as pilot:
        question = piece(pilot, Question)
        question.ask("Renew 12 names?", lambda: answers.append("first"))
        await pilot.press("n", "y")
        question.ask("Renew 12 names?", lambda: answers.append("second"))
        await pilot.press("y", "y")

    assert answers == ["second"]


# --- forms ----------------------------------------------------------------------------------------
