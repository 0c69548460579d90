"""A core over a fresh inventory, and one that stands in the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.sandbox.sandbox import Sandbox


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """An unlocked, empty inventory."""
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    yield core
    await core.close(seconds=5)


@dataclass
class Bench:
    """A core, and the sandbox that its account, DNS account and end server belong to."""

    core: Core
    sandbox: Sandbox


@pytest.fixture
async def bench(core: Core) -> AsyncIterator[Bench]:
    """Everything set up for ``kmtui.test``: dns-01 for wildcards, http-01 for plain names."""
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("sandbox", directory_url=sandbox.directory_url)
        await core.accounts.register(
            "practice", ca="sandbox", email="ops@kmtui.test", agree_tos=True
        )
        await core.dns_accounts.add(
            "lab",
            provider="rfc2136",
            settings={
                "server": sandbox.dns_server,
                "tsig_name": sandbox.tsig_name,
                "tsig_algorithm": sandbox.tsig_algorithm,
                "resolvers": sandbox.dns_resolvers,
                "propagation_timeout": "5",
            },
            secrets={"tsig_secret": sandbox.tsig_secret},
            zones=["kmtui.test"],
        )
        await core.end_servers.add(
            "listener",
            kind="standalone",
            settings={
                "listen": f"127.0.0.1:{sandbox.http_port}",
                "probe": f"127.0.0.1:{sandbox.http_port}",
            },
        )
        await core.mappings.add(".kmtui.test", dns="lab")
        await core.mappings.add("www.kmtui.test", server="listener")
        yield Bench(core, sandbox)
