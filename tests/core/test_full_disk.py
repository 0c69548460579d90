"""When nothing can be written, work stops without an outcry and goes on once there is room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kmtui.core.errors import DatabaseError
from kmtui.model import RequestSpec, RequestStatus
from tests.core.conftest import Bench


async def test_a_request_that_cannot_be_taken_up_is_left_to_the_next_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = bench.core
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    request = await core.requests.create(
        RequestSpec(names=("www.kmtui.test",), account="practice"), start=False
    )

    async def full(_: object) -> None:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(core.context.db, "write", full)
        core.requests.take_up(request)
        stopped = await core.requests.wait(request.id, seconds=10)
    assert RequestStatus(stopped.status).active
    assert unheard == []

    await core.recovery.run()

    ended = await core.requests.wait(request.id, seconds=30)
    assert ended.status == RequestStatus.AVAILABLE, ended.problem
