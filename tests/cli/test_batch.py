"""Many requests at once: each with its own end, none waiting for another."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kmtui.cli.batch import CREATED_AT_ONCE, run_batch
from kmtui.cli.output import Output
from kmtui.core.errors import InvalidInput, VaultLocked
from kmtui.model import Request, RequestSpec, RequestStatus
from tests.db.samples import request


class Requests:
    """Requests that end when a test says so."""

    def __init__(self, ends_after: Callable[[str], float | None]) -> None:
        self._ends_after = ends_after
        self.creating = self.most_creating = self.most_under_way = 0
        self.parked: list[str] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._rows: dict[str, Request] = {}

    async def create(
        self, spec: RequestSpec, *, start: bool = True, forced: bool = False
    ) -> Request:
        self.creating += 1
        self.most_creating = max(self.most_creating, self.creating)
        await asyncio.sleep(0)
        self.creating -= 1
        name = spec.names[0]
        if name.startswith("bad"):
            raise InvalidInput("no such zone", field="names")
        if name.startswith("locked"):
            raise VaultLocked("the vault is locked")
        row = request(id=name, names=spec.names, status=RequestStatus.QUEUED)
        self._rows[name] = row
        if start:
            self._running[name] = asyncio.create_task(self._work(name))
            self.most_under_way = max(self.most_under_way, len(self._running))
        return row

    async def _work(self, name: str) -> None:
        seconds = self._ends_after(name)
        await asyncio.sleep(3600 if seconds is None else seconds)
        del self._running[name]

    async def ended(self, request_id: str, *, seconds: float) -> bool:
        if task := self._running.get(request_id):
            await asyncio.wait({task}, timeout=seconds)
        return request_id not in self._running

    async def park(self, request_id: str) -> Request:
        status = RequestStatus.AVAILABLE
        if task := self._running.get(request_id):
            task.cancel()
            self.parked.append(request_id)
            status = RequestStatus.PARKED
        return request(id=request_id, names=(request_id,), status=status)


def specs(*names: str) -> list[RequestSpec]:
    return [RequestSpec(names=(name,), account="main") for name in names]


async def run(
    requests: Requests, *names: str, seconds: float | None = 5
) -> tuple[int, dict[str, Any]]:
    stdout = io.StringIO()
    out = Output(json=True, stdout=stdout, stderr=io.StringIO())
    code = await run_batch(SimpleNamespace(requests=requests), out, specs(*names), seconds)  # type: ignore[arg-type]
    return code, json.loads(stdout.getvalue())


async def test_all_are_under_way_together_and_few_keys_are_made_at_once() -> None:
    requests = Requests(lambda name: 0.2)

    code, document = await run(requests, *(f"{number}.example.org" for number in range(60)))

    assert code == 0
    assert document["summary"]["available"] == 60
    assert requests.most_under_way == 60
    assert requests.most_creating == CREATED_AT_ONCE


async def test_answers_keep_the_order_of_the_file() -> None:
    requests = Requests(lambda name: 0.02 if name.startswith("a") else 0.0)

    _, document = await run(requests, "a.example.org", "b.example.org", "bad.example.org")

    assert [row["names"] for row in document["requests"]] == [
        ["a.example.org"],
        ["b.example.org"],
        ["bad.example.org"],
    ]
    assert document["requests"][2]["status"] == "failed"


async def test_one_that_waits_is_not_set_aside_while_others_still_end() -> None:
    ends = {f"{number}": number * 0.1 for number in range(1, 8)}
    requests = Requests(ends.get)

    code, _ = await run(requests, *ends, seconds=0.35)

    assert code == 0
    assert requests.parked == []


async def test_what_stands_still_is_set_aside() -> None:
    requests = Requests({"quick": 0.0}.get)

    _, document = await run(requests, "quick", "stuck", seconds=0.1)

    assert requests.parked == ["stuck"]
    assert document["summary"]["parked"] == 1


async def test_a_locked_vault_ends_the_batch() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await run(Requests(lambda name: 0.0), "a.example.org", "locked.example.org")

    assert caught.group_contains(VaultLocked)


async def test_without_waiting_nothing_is_started() -> None:
    requests = Requests(lambda name: None)

    code, document = await run(requests, "a.example.org", seconds=None)

    assert code == 0
    assert requests.most_under_way == 0
    assert document["requests"][0]["status"] == "queued"
