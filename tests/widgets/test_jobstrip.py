"""The job strip: what runs, how far many are, what was left, and not too often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from kmtui.widgets.jobstrip import Bulk, JobLine, JobStrip
from tests.terminal import line_with, screen_lines, settled


class Bench(App[None]):
    def compose(self) -> ComposeResult:
        yield JobStrip()


@asynccontextmanager
async def shown() -> AsyncIterator[Pilot[None]]:
    async with Bench().run_test(size=(80, 12), notifications=True) as pilot:
        await settled(pilot)
        yield pilot


async def test_the_job_strip_tells_how_far_many_are_and_what_was_left() -> None:
    async with shown() as pilot:
        strip = pilot.app.query_one(JobStrip)
        strip.show_jobs([], Bulk(200, 185, done=12, failed=3), leftovers=2)
        await pilot.pause(0.3)

        line = screen_lines(pilot.app)[0]
        assert line.startswith("jobs 185 running   12 of 200 done, 3 failed")
        assert line.endswith("leftovers: 2 C  J")


async def test_the_job_strip_changes_at_most_four_times_a_second() -> None:
    async with shown() as pilot:
        strip = pilot.app.query_one(JobStrip)
        assert screen_lines(pilot.app)[0] == "jobs idle"
        for number in range(50):
            strip.show_jobs([JobLine("renew shop.example.org", "running", f"step {number}", 42)])
        await pilot.pause(0.4)

        assert line_with(pilot.app, "jobs").startswith(
            "jobs 1 running   renew shop.example.org step 49 0:42"
        )
