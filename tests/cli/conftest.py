"""Commands on an inventory of their own, and the sandbox CA they may use."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kmtui.cli import main as cli
from kmtui.core.sandbox.sandbox import Sandbox

CANARY = "canary-5Zt9QvXw"

Run = Callable[..., Any]
"""Arguments to the document; `code` is the exit code expected."""


@pytest.fixture(autouse=True)
def unchanged_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on an inventory of its own, opened by a key file."""
    for name in ("KMTUI_DATA", "KMTUI_KEY_FILE", "KMTUI_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, code: int = 0, unlocked: bool = True) -> Any:
        key = ["--key-file", str(tmp_path / "vault.key")] if unlocked else []
        found = cli.run(["--data", str(tmp_path / "data"), *key, *arguments, "--json"])
        captured = capsys.readouterr()
        assert found == code, captured.out + captured.err
        document = json.loads(captured.out)
        assert document["schema"] == 1
        assert CANARY not in captured.out + captured.err
        return document

    return run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The practice CA in a thread of its own: a command runs its own event loop."""
    started, stop = threading.Event(), threading.Event()
    box = Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0)

    async def serve() -> None:
        async with box:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(20)
    yield box
    stop.set()
    thread.join(20)


@pytest.fixture
def ready(run: Run, sandbox: Sandbox, tmp_path: Path) -> Run:
    """An inventory with an account, a DNS account, an end server and their mappings."""
    run("vault", "init")
    secret = tmp_path / "tsig"
    secret.write_text(sandbox.tsig_secret)
    run("ca", "add", "lab", "--directory", sandbox.directory_url)
    run("account", "register", "main", "--ca", "lab", "--email", "ops@kmtui.test", "--agree-tos")
    run(
        *("dns", "add", "ns", "--provider", "rfc2136", "--zone", "kmtui.test"),
        *("--set", f"server={sandbox.dns_server}", "--set", f"tsig_name={sandbox.tsig_name}"),
        *("--set", f"tsig_algorithm={sandbox.tsig_algorithm}"),
        *("--set", f"resolvers={sandbox.dns_resolvers}", "--secret", f"tsig_secret=@{secret}"),
    )
    listen = f"127.0.0.1:{sandbox.http_port}"
    run(
        *("server", "add", "web", "--kind", "standalone"),
        *("--listen", listen, "--probe", listen),
    )
    run("mapping", "add", ".kmtui.test", "--dns", "ns")
    run("mapping", "add", "www.kmtui.test", "--server", "web")
    return run
