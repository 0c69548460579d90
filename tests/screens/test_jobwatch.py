"""The job strip's news: a few jobs one by one, many as one line that stays cheap."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from kmtui.model import Problem, Request, RequestStatus, Target
from kmtui.screens.jobwatch import DEPLOYMENT, REQUEST, JobWatch
from kmtui.widgets.jobstrip import Bulk
from tests.db import samples


class PaperRequests:
    """Jobs that run, requests as a test says, and how many were read."""

    def __init__(self) -> None:
        self.rows: dict[str, Request] = {}
        self.running: list[str] = []
        self.read = 0

    async def some(self, ids: list[str]) -> list[Request]:
        self.read += len(ids)
        return [self.rows[each] for each in ids if each in self.rows]

    def begin(self, count: int) -> list[str]:
        for _ in range(count):
            row = samples.request(status=RequestStatus.VALIDATING, step="the CA is checking")
            self.rows[row.id] = row
            self.running.append(row.id)
        return self.running[-count:]

    def end(self, request_id: str, status: RequestStatus) -> None:
        problem = Problem(type="urn:x:dns", detail="NXDOMAIN", what="no record")
        self.rows[request_id] = samples.request(
            id=request_id,
            status=status,
            version=1,
            problem=problem if status == RequestStatus.FAILED else None,
        )
        self.running.remove(request_id)


class PaperTargets:
    """Targets as a test says; those that are uploading are deployed to."""

    def __init__(self) -> None:
        self.rows: dict[str, Target] = {}

    async def some(self, ids: list[str]) -> list[Target]:
        return [self.rows[each] for each in ids]


def watch(targets: PaperTargets | None = None) -> tuple[JobWatch, PaperRequests]:
    requests, of = PaperRequests(), targets or PaperTargets()

    class Jobs:
        @property
        def running(self) -> tuple[str, ...]:
            deploying = [row.id for row in of.rows.values() if row.state == "uploading"]
            return (
                *(REQUEST + each for each in requests.running),
                *(DEPLOYMENT + each for each in deploying),
            )

    core: Any = SimpleNamespace(requests=requests, targets=of, jobs=Jobs())
    return JobWatch(core), requests


async def test_a_few_are_told_one_by_one() -> None:
    jobs, requests = watch()
    first, _ = requests.begin(2)

    news = await jobs.look()
    assert [line.step for line in news.running] == ["the CA is checking"] * 2
    assert news.bulk is None

    requests.end(first, RequestStatus.AVAILABLE)
    news = await jobs.look()
    assert [line.status for line in news.ended] == ["done"]
    assert len(news.running) == 1


async def test_many_are_told_as_one_and_only_the_last_that_moved_is_read() -> None:
    jobs, requests = watch()
    ids = requests.begin(200)

    news = await jobs.look([REQUEST + ids[3], REQUEST + ids[7]])
    assert news.bulk == Bulk(200, 200)
    assert requests.read == 1
    assert len(news.running) == 1

    for at, each in enumerate(ids[:15]):
        requests.end(each, RequestStatus.FAILED if at < 3 else RequestStatus.SAVED)
    news = await jobs.look()
    assert news.bulk == Bulk(200, 185, done=12, failed=3)
    assert [line.status for line in news.ended] == ["failed"] * 3
    assert requests.read == 1 + 15
    assert jobs.problem is not None
    assert jobs.problem[1].detail == "NXDOMAIN"


async def test_when_all_ended_the_count_stays_to_be_seen_and_the_next_begins_anew() -> None:
    jobs, requests = watch()
    ids = requests.begin(10)
    await jobs.look()
    for each in ids[:8]:
        requests.end(each, RequestStatus.SAVED)
    requests.end(ids[8], RequestStatus.FAILED)
    requests.end(ids[9], RequestStatus.PARKED)

    news = await jobs.look()
    assert news.bulk is None
    assert (news.ended[-1].name, news.ended[-1].step) == (
        "10 jobs",
        "8 done, 1 failed, 1 parked",
    )

    requests.begin(1)
    assert (await jobs.look()).bulk is None


async def test_deployments_are_told_beside_requests_and_a_failure_is_kept() -> None:
    # given
    targets = PaperTargets()
    jobs, requests = watch(targets)
    requests.begin(1)
    shop = samples.certificate("shop")
    target = samples.target(shop, "web1", state="uploading", step="checking: nginx -t")
    targets.rows[target.id] = target

    # when / then: under way
    news = await jobs.look()
    assert [(line.name, line.status, line.step) for line in news.running][1:] == [
        ("deploy shop to web1", "running", "checking: nginx -t")
    ]

    # when: it went wrong
    said = "nginx -t ended with 1"
    targets.rows[target.id] = replace(target, state="failed", error=said)
    news = await jobs.look()

    # then
    assert [(line.status, line.step) for line in news.ended] == [("failed", said)]
    assert jobs.problem is not None
    assert jobs.problem[1].what == said
