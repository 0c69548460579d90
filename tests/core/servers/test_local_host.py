"""This machine as one that certificates are put on, where it differs from one over SSH."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Owner, Ran
from kmtui.core.servers.local_host import LocalHost
from tests.core.servers.conftest import until
from tests.core.servers.test_host import mode, names_in, vanished


@pytest.fixture
def here() -> LocalHost:
    return LocalHost()


@pytest.fixture(params=[0o000, 0o077], ids=["open umask", "strict umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
async def test_modes_are_as_asked_for_whatever_the_umask(here: LocalHost, tmp_path: Path) -> None:
    await here.make_directory(f"{tmp_path}/a/b", mode=0o750)
    await here.create(f"{tmp_path}/a/b/key.pem", b"", mode=0o640)

    modes = [mode(tmp_path / part) for part in ("a", "a/b", "a/b/key.pem")]
    assert modes == [0o755, 0o750, 0o640]


async def test_a_file_is_given_away_only_when_it_is_whole(
    here: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    chown = os.fchown

    def watched(fd: int, uid: int, gid: int) -> None:
        status = os.fstat(fd)
        seen.append((status.st_mode & 0o777, status.st_size))
        chown(fd, uid, gid)

    monkeypatch.setattr(os, "fchown", watched)
    owner = Owner(user=str(os.geteuid()), group=str(os.getegid()))
    await here.create(f"{tmp_path}/key.pem", b"content", mode=0o640, owner=owner)

    assert seen == [(0o600, 7)]
    assert mode(tmp_path / "key.pem") == 0o640


async def test_a_full_disk_leaves_nothing_half(
    here: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EndServerError, match="No space left") as refused:
        await here.create(f"{tmp_path}/key.pem", b"content", mode=0o640)

    assert "room" in refused.value.hint
    assert names_in(tmp_path) == []


async def test_nothing_of_our_environment_goes_along(
    here: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "canary")

    ran = await here.run("env; umask; pwd", seconds=10)

    assert "canary" not in ran.output
    assert "PATH=/usr/local/sbin" in ran.output
    assert ran.output.endswith("0022\n/\n")


async def test_cancelling_ends_a_command(here: LocalHost, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    running = asyncio.create_task(here.run(f"echo $$ >{marker}; exec sleep 60", seconds=60))
    await until(lambda: marker.exists() and marker.read_text())

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await vanished(int(marker.read_text()))


def test_commands_run_on_the_loop_of_commands_too() -> None:
    async def both() -> None:
        assert await LocalHost().run("echo said; exit 4", seconds=10) == Ran(4, "said\n")
        with pytest.raises(EndServerError, match="did not end"):
            await LocalHost().run("sleep 60 & wait", seconds=0.1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both())
