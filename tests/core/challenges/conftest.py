"""The name servers that most tests of propagation look at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.challenges.lab import Lab
from tests.core.challenges.stub_nameserver import StubNameServer, all_running


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab(StubNameServer("127.0.0.1"), tuple(StubNameServer(f"127.0.0.{n}") for n in (2, 3, 4)))
    records = [
        line
        for number in (1, 2, 3)
        for line in (f"@ NS ns{number}", f"ns{number} A 127.0.0.{number + 1}")
    ]
    for server in (lab.resolver, *lab.servers):
        server.serve("example.test", *records, "www A 127.0.0.1")
    async with all_running((lab.resolver, *lab.servers)):
        yield lab
