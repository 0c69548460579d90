"""A CA whose words are meant for the terminal: shown filtered, obeyed by nobody."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.hostile_ca import HOSTILE, MARKUP, RefusingCa, refusing_ca

LONG = "A" * (10 * 1024 * 1024)


@pytest.fixture(params=[HOSTILE, HOSTILE + LONG], ids=["escapes", "ten-mebibytes"])
def ca(request: pytest.FixtureRequest) -> Iterator[RefusingCa]:
    with refusing_ca(request.param) as server:
        yield server


def on_a_terminal(*arguments: str) -> tuple[int, bytes]:
    """Exit code, and every byte the program writes to its terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kmtui", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(master)
    return process.wait(30), written


def test_nothing_a_ca_says_reaches_the_terminal_as_a_command(
    tmp_path: Path, ca: RefusingCa
) -> None:
    place = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "key")]
    assert on_a_terminal(*place, "vault", "init")[0] == 0
    assert on_a_terminal(*place, "ca", "add", "evil", "--directory", ca.directory_url)[0] == 0

    code, written = on_a_terminal(*place, "account", "register", "a", "--ca", "evil", "--agree-tos")

    assert code == 1
    text = written.decode()
    forbidden = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x202C, 0x200B)}
    assert not (forbidden - {"\r", "\n"}) & set(text)
    assert len(written) < 64 * 1024
    if len(ca.detail) < 1000:
        assert MARKUP in " ".join(text.split())


def test_json_carries_the_words_escaped(tmp_path: Path, ca: RefusingCa) -> None:
    place = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "key"), "--json"]
    on_a_terminal(*place, "vault", "init")
    on_a_terminal(*place, "ca", "add", "evil", "--directory", ca.directory_url)

    code, written = on_a_terminal(*place, "account", "register", "a", "--ca", "evil", "--agree-tos")

    assert code == 1
    assert b"\x1b" not in written
    document = json.loads(written.decode().replace("\r\n", "\n"))
    assert document["error"]["message"]
