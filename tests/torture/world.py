"""The outside world of a tortured kmtui: CA, name servers and web server in a process of their own.

It outlives every kill. What it knows (certificates issued, records published, files served) is what
the invariants are judged by.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.update

from kmtui.core.sandbox import Sandbox
from kmtui.core.sandbox.http import HttpServer, Request, Response

ZONE = "kmtui.test"
FOREIGN_TXT: Mapping[str, frozenset[str]] = {
    f"_acme-challenge.{ZONE}": frozenset({"somebody-elses-challenge", "and another, with spaces"}),
    f"_acme-challenge.api.{ZONE}": frozenset({"not-ours"}),
    f"elsewhere.{ZONE}": frozenset({"v=spf1 -all"}),
}
"""Values that were there before, some at the very names that are proved."""
FOREIGN_FILES: Mapping[str, str] = {
    "index.html": "<p>It works",
    ".well-known/acme-challenge/of-somebody-else": "theirs",
}
BARE: Mapping[str, str] = {"index.html": "<p>It works"}
"""A web root without the directories of http-01: whoever makes them removes them."""
LIMIT = 5.0
"""Seconds for one question on loopback."""


@dataclass(frozen=True)
class World:
    """A running world; `facts` are its addresses and credentials."""

    home: Path
    facts: Mapping[str, Any]
    foreign_files: Mapping[str, str] = field(default_factory=lambda: FOREIGN_FILES)

    @property
    def web_root(self) -> Path:
        """What the web server serves; nobody serves it when http-01 is left to the listener."""
        return self.home / "www"

    def issued(self) -> set[str]:
        """Serial numbers of every certificate the CA issued, lower-case hex."""
        kept = json.loads((self.home / "sandbox" / "sandbox.json").read_text())
        return set(kept["issued"])

    def txt(self, name: str) -> set[str]:
        """The TXT values at a name, as the primary has them."""
        reply = self._ask(dns.message.make_query(name, dns.rdatatype.TXT))
        return {
            b"".join(rdata.strings).decode()
            for rrset in reply.answer
            if rrset.rdtype == dns.rdatatype.TXT
            for rdata in rrset
        }

    def files(self) -> dict[str, str]:
        """Every file and every empty directory below the web root."""
        return {
            str(path.relative_to(self.web_root)): path.read_text() if path.is_file() else ""
            for path in self.web_root.rglob("*")
            if path.is_file() or not any(path.iterdir())
        }

    def plant(self, name: str, *values: str) -> None:
        """Publish TXT values, as another person with access to the zone would."""
        key = dns.tsig.Key(
            self.facts["tsig_name"], self.facts["tsig_secret"], self.facts["tsig_algorithm"]
        )
        change = dns.update.UpdateMessage(ZONE, keyring=key)
        for value in values:
            change.add(dns.name.from_text(name), 300, "TXT", f'"{value}"')
        reply = self._ask(change)
        assert reply.rcode() == 0, reply.to_text()

    def settle_in(self) -> None:
        """Put the records and files of others where they are from the beginning."""
        for name, content in self.foreign_files.items():
            path = self.web_root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        for name, values in FOREIGN_TXT.items():
            self.plant(name, *values)

    def _ask(self, query: dns.message.Message) -> dns.message.Message:
        host, _, port = self.facts["dns_server"].rpartition(":")
        return dns.query.tcp(query, host, timeout=LIMIT, port=int(port))


@contextmanager
def running(home: Path, *, web_server: bool = True, bare: bool = False) -> Iterator[World]:
    """A world in `home`; without a web server, http-01 is answered by whoever listens.

    The web root is `bare` when nobody has used http-01 there yet.
    """
    home.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "tests.torture.world", str(home), str(int(web_server))]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            facts = json.loads(process.stdout.readline())
            world = World(home, facts, BARE if bare else FOREIGN_FILES)
            world.settle_in()
            yield world
        finally:
            process.stdin.close()
            process.wait(10)


async def _serve(home: Path, web_server: bool) -> None:
    """Run until standard input ends."""
    root = home / "www"

    def respond(request: Request) -> Response:
        path = (root / request.path.lstrip("/")).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return Response(404)
        return Response.text(path.read_text())

    async with Sandbox((ZONE,), state_dir=home / "sandbox", pace=0.0, lag=0.0) as sandbox:
        web = HttpServer(respond)
        if web_server:
            await web.start(sandbox.http_port)
        facts = {
            "directory_url": sandbox.directory_url,
            "dns_server": sandbox.dns_server,
            "resolvers": sandbox.dns_resolvers,
            "tsig_name": sandbox.tsig_name,
            "tsig_algorithm": sandbox.tsig_algorithm,
            "tsig_secret": sandbox.tsig_secret,
            "http": f"127.0.0.1:{sandbox.http_port}",
            "web_server": web_server,
        }
        print(json.dumps(facts), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        if web_server:
            await web.close()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]).resolve(), sys.argv[2] == "1"))
