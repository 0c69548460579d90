"""Two processes that change one name at the same time, with the locks of one inventory.

As a program (``python -m tests.dns.writers``) this is the second process: it reads the account from
the first line, then one line of work at a time, and answers each when it is done.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kmtui.core.dns.names import parse_name
from kmtui.core.dns.provider import TxtHandle, Zone
from kmtui.core.dns_accounts import OpenedDns
from kmtui.model import DnsAccount

ROOT = Path(__file__).parents[2]


class Writers:
    """This process and a child, each with the account opened for itself."""

    def __init__(
        self, here: OpenedDns, zone: Zone, name: str, secrets: dict[str, str], locks: Path
    ) -> None:
        self._here = here
        self._zone = zone
        self._name = name
        self._account = {
            "provider": here.account.provider,
            "settings": dict(here.account.settings),
            "secrets": secrets,
            "locks": str(locks),
            "name": name,
            "zone": {
                "id": zone.id,
                "name": zone.text,
                "nameservers": zone.nameservers,
                "extra": dict(zone.extra),
            },
        }

    async def __aenter__(self) -> Self:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.dns.writers",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert await self._told(self._account) == "ready"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        await self._child.wait()

    async def add(self, values: Sequence[str]) -> None:
        """Each value by a call of its own, every other one from the child."""
        await self.swap(add=values)

    async def swap(self, *, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Both at once: every other value of each by the child."""
        here, there = ({"add": add[i::2], "remove": remove[i::2]} for i in (0, 1))
        _, said = await asyncio.gather(
            work(self._here, self._zone, self._name, **here), self._told(there)
        )
        assert said == "done"

    async def _told(self, what: dict[str, Any]) -> str:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(what).encode() + b"\n")
        await self._child.stdin.drain()
        async with asyncio.timeout(30):
            answer = await self._child.stdout.readline()
        return answer.decode().strip()


async def work(
    opened: OpenedDns, zone: Zone, name: str, *, add: Iterable[str], remove: Iterable[str]
) -> None:
    """Every value in a task of its own."""
    provider = opened.provider
    await asyncio.gather(
        *(provider.remove([TxtHandle.of(zone, name, value)]) for value in remove),
        *(provider.add(zone, name, {value}, 60) for value in add),
    )


async def be_the_other_one() -> None:
    """The child's life."""

    async def line() -> Any:
        text = await asyncio.to_thread(sys.stdin.readline)
        return json.loads(text) if text else None

    told = await line()
    account = DnsAccount(
        id="account-1",
        name="lab",
        provider=told["provider"],
        settings=told["settings"],
        secret_names=tuple(sorted(told["secrets"])),
        zones=(),
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    opened = OpenedDns(account, told["secrets"], locks=Path(told["locks"]))
    zone = Zone(**{**told["zone"], "name": parse_name(told["zone"]["name"])})
    print("ready", flush=True)
    while (what := await line()) is not None:
        await work(opened, zone, told["name"], **what)
        print("done", flush=True)
    await opened.provider.aclose()


if __name__ == "__main__":
    asyncio.run(be_the_other_one())
