"""This machine as one that certificates are put on: files, links, directories, commands."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Host, Owner, Ran
from kmtui.core.servers.local_host import LocalHost

NOBODY = Owner(user="65534", group="65534")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def host() -> Host:
    return LocalHost()


@pytest.fixture(params=[0o000, 0o077], ids=["open umask", "strict umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o7777


def names_in(path: Path) -> list[str]:
    return sorted(os.listdir(path))


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - a file, a process: nothing that can be awaited
            await asyncio.sleep(0.02)


class TestFiles:
    @pytest.mark.usefixtures("umask")
    async def test_a_file_has_the_mode_asked_for_whatever_the_umask(
        self, host: Host, tmp_path: Path
    ) -> None:
        await host.create(f"{tmp_path}/key.pem", b"content", mode=0o640)

        assert (tmp_path / "key.pem").read_bytes() == b"content"
        assert mode(tmp_path / "key.pem") == 0o640

    async def test_what_a_run_before_left_is_replaced_and_a_link_not_followed(
        self, host: Host, tmp_path: Path
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_text("mine")
        (tmp_path / "key.pem").symlink_to(victim)

        await host.create(f"{tmp_path}/key.pem", b"new", mode=0o600)

        assert victim.read_text() == "mine"
        assert not (tmp_path / "key.pem").is_symlink()

    @as_root
    async def test_a_file_is_given_away_only_when_it_is_whole(
        self, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        chown = os.fchown

        def watched(fd: int, uid: int, gid: int) -> None:
            status = os.fstat(fd)
            seen.append((status.st_mode & 0o777, status.st_size))
            chown(fd, uid, gid)

        monkeypatch.setattr(os, "fchown", watched)
        await host.create(f"{tmp_path}/key.pem", b"content", mode=0o640, owner=NOBODY)

        assert seen == [(0o600, 7)]
        assert (tmp_path / "key.pem").stat().st_uid == 65534
        assert mode(tmp_path / "key.pem") == 0o640

    async def test_a_full_disk_leaves_nothing_half(
        self, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(fd: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(EndServerError, match="No space left") as refused:
            await host.create(f"{tmp_path}/key.pem", b"content", mode=0o640)

        assert "room" in refused.value.hint
        assert names_in(tmp_path) == []

    async def test_renaming_replaces_in_one_step(self, host: Host, tmp_path: Path) -> None:
        (tmp_path / "old").write_text("old")
        await host.create(f"{tmp_path}/new", b"new", mode=0o600)

        await host.replace(f"{tmp_path}/new", f"{tmp_path}/old")

        assert names_in(tmp_path) == ["old"]
        assert await host.read(f"{tmp_path}/old", most=10) == b"new"

    async def test_reading_tells_nothing_from_something_strange(
        self, host: Host, tmp_path: Path
    ) -> None:
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "long").write_bytes(b"12345")

        assert await host.read(f"{tmp_path}/absent", most=4) is None
        with pytest.raises(EndServerError, match="no regular file"):
            await host.read(f"{tmp_path}/fifo", most=4)
        with pytest.raises(EndServerError, match="longer than 4"):
            await host.read(f"{tmp_path}/long", most=4)
        assert await host.read(f"{tmp_path}/long", most=5) == b"12345"

    @pytest.mark.parametrize("path", ["key.pem", "", "/", "/etc/", "/etc/..", "/a\0b", "/\ud800"])
    async def test_a_path_that_names_no_place_is_refused(self, host: Host, path: str) -> None:
        with pytest.raises(EndServerError, match="not an absolute path"):
            await host.create(path, b"", mode=0o600)
        with pytest.raises(EndServerError, match="not an absolute path"):
            await host.read(path, most=1)

    async def test_an_unknown_owner_is_named(self, host: Host, tmp_path: Path) -> None:
        with pytest.raises(EndServerError, match="no group wheel-of-fortune"):
            await host.create(
                f"{tmp_path}/a", b"", mode=0o600, owner=Owner(group="wheel-of-fortune")
            )

        assert names_in(tmp_path) == []

    async def test_removing_what_is_gone_is_done(self, host: Host, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "link").symlink_to("file")
        (tmp_path / "empty").mkdir()

        for name in ("link", "file", "empty", "absent", "absent/below"):
            await host.remove(f"{tmp_path}/{name}")

        assert names_in(tmp_path) == []

    async def test_a_directory_with_something_in_it_stays(self, host: Host, tmp_path: Path) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "theirs").write_text("")

        with pytest.raises(EndServerError, match="cannot remove"):
            await host.remove(f"{tmp_path}/full")

        assert await host.entries(f"{tmp_path}/full") == ["theirs"]


class TestLinks:
    async def test_a_link_replaces_a_link(self, host: Host, tmp_path: Path) -> None:
        await host.link("v1", f"{tmp_path}/current")
        await host.link("v2", f"{tmp_path}/current")

        assert await host.link_target(f"{tmp_path}/current") == "v2"
        assert await host.entries(str(tmp_path)) == ["current"]

    @pytest.mark.parametrize("kind", ["file", "directory"])
    async def test_what_is_no_link_stays(self, host: Host, tmp_path: Path, kind: str) -> None:
        there = tmp_path / "current"
        there.write_text("theirs") if kind == "file" else there.mkdir()

        with pytest.raises(EndServerError, match="no symbolic link"):
            await host.link("v2", str(there))

        assert await host.link_target(str(there)) is None
        assert not there.is_symlink()

    async def test_a_crash_between_making_and_renaming_is_made_good(
        self, host: Host, tmp_path: Path
    ) -> None:
        (tmp_path / ".current.kmtui").symlink_to("v1")

        await host.link("v2", f"{tmp_path}/current")

        assert await host.entries(str(tmp_path)) == ["current"]


class TestDirectories:
    @pytest.mark.usefixtures("umask")
    async def test_missing_parents_are_made_and_only_the_last_gets_the_mode(
        self, host: Host, tmp_path: Path
    ) -> None:
        assert await host.make_directory(f"{tmp_path}/a/b/c", mode=0o750)
        assert not await host.make_directory(f"{tmp_path}/a/b/c", mode=0o700)

        modes = [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")]
        assert modes == [0o755, 0o755, 0o750]

    async def test_many_at_once_below_one_missing_parent(self, host: Host, tmp_path: Path) -> None:
        paths = [f"{tmp_path}/shared/{number}" for number in range(20)]

        made = await asyncio.gather(*(host.make_directory(path, mode=0o700) for path in paths))

        assert all(made)
        assert len(await host.entries(f"{tmp_path}/shared")) == 20

    async def test_a_file_in_the_way_is_reported(self, host: Host, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")

        with pytest.raises(EndServerError, match="cannot make the directory"):
            await host.make_directory(f"{tmp_path}/a/b", mode=0o700)

        assert await host.entries(str(tmp_path)) == ["a"]

    async def test_a_missing_directory_has_no_entries(self, host: Host, tmp_path: Path) -> None:
        assert await host.entries(f"{tmp_path}/absent") == []


class TestCommands:
    async def test_both_outputs_come_in_order_with_the_code(self, host: Host) -> None:
        ran = await host.run("echo one; echo two >&2; exit 3", seconds=10)

        assert (ran.code, ran.ok, ran.output) == (3, False, "one\ntwo\n")

    async def test_a_signal_is_told_as_shells_tell_it(self, host: Host) -> None:
        assert (await host.run("kill -TERM $$", seconds=10)).code == 128 + 15

    async def test_nothing_of_our_environment_goes_along(
        self, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_OF_OURS", "canary")

        ran = await host.run("env; umask; pwd; read line || echo no input", seconds=10)

        assert "canary" not in ran.output
        assert "PATH=/usr/local/sbin" in ran.output
        assert ran.output.endswith("0022\n/\nno input\n")

    async def test_it_is_ended_with_all_it_started_when_time_is_over(
        self, host: Host, tmp_path: Path
    ) -> None:
        marker = tmp_path / "pid"
        started = time.monotonic()

        with pytest.raises(EndServerError, match=r"did not end within 0\.3 seconds"):
            await host.run(f"sleep 60 & echo $! >{marker}; wait", seconds=0.3)

        assert time.monotonic() - started < 5
        await vanished(int(marker.read_text()))

    async def test_cancelling_ends_it(self, host: Host, tmp_path: Path) -> None:
        marker = tmp_path / "pid"
        running = asyncio.create_task(host.run(f"echo $$ >{marker}; exec sleep 60", seconds=60))
        await until(lambda: marker.exists() and marker.read_text())

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        await vanished(int(marker.read_text()))

    async def test_a_service_that_keeps_the_output_open_does_not_hold_us_up(
        self, host: Host
    ) -> None:
        started = time.monotonic()

        ran = await host.run("sleep 5 & echo started", seconds=4)

        assert (ran.code, ran.output) == (0, "started\n")
        assert time.monotonic() - started < 3

    async def test_endless_output_is_cut(self, host: Host) -> None:
        ran = await host.run("head -c 3000000 /dev/zero | tr '\\0' x", seconds=30)

        assert ran.ok
        assert len(ran.output) == MOST_OUTPUT


def test_commands_run_on_the_loop_of_commands_too() -> None:
    async def both() -> None:
        assert await LocalHost().run("echo said; exit 4", seconds=10) == Ran(4, "said\n")
        with pytest.raises(EndServerError, match="did not end"):
            await LocalHost().run("sleep 60 & wait", seconds=0.1)

    with asyncio.Runner(loop_factory=pytest.importorskip("uvloop").new_event_loop) as runner:
        runner.run(both())


async def vanished(pid: int) -> None:
    """Return when no such process runs any more; a zombie waits for whoever inherited it."""
    await until(lambda: not status_of(pid) or "State:\tZ" in status_of(pid))


def status_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
