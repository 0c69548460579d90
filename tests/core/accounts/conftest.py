"""An inventory with one account at a CA that misbehaves on demand, and what was put on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from kmtui.core.core import Core
from kmtui.model import ListQuery
from tests.core.acme.conftest import ca, client, clock, key, ready, signer
from tests.core.conftest import bench, core
from tests.torture.edge_cases.conftest import Desk, desk

__all__ = ["bench", "ca", "client", "clock", "core", "desk", "key", "ready", "signer"]

Record = Callable[[], Awaitable[list[tuple[str, str]]]]


async def record_of(core: Core) -> list[tuple[str, str]]:
    """Every act on accounts and its outcome, oldest first."""
    query = ListQuery(now=datetime.now(UTC), text="what:account", limit=100)
    lines = await core.activity.page(query)
    return [(line.action.removeprefix("account "), line.outcome) for line in reversed(lines)]


@pytest.fixture
def record(desk: Desk) -> Record:
    """What was put on record after the set-up."""
    done = [("register", "started"), ("register", "ok")]

    async def since() -> list[tuple[str, str]]:
        lines = await record_of(desk.core)
        assert lines[: len(done)] == done
        return lines[len(done) :]

    return since
