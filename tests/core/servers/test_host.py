"""What every machine does with files, links, directories and commands, here and over SSH."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import time
from pathlib import Path

import pytest

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Host, Owner
from tests.core.servers.conftest import until

OTHERS = (65533, 12) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
"""A user and a group that we may give files to: root any, others only themselves."""


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o7777


def names_in(path: Path) -> list[str]:
    return sorted(os.listdir(path))


class TestFiles:
    @pytest.mark.parametrize("wanted", [0o600, 0o640, 0o644])
    async def test_a_file_has_the_mode_asked_for(
        self, host: Host, tmp_path: Path, wanted: int
    ) -> None:
        content = os.urandom(100_000)

        await host.create(f"{tmp_path}/key.pem", content, mode=wanted)

        assert (tmp_path / "key.pem").read_bytes() == content
        assert mode(tmp_path / "key.pem") == wanted

    async def test_what_a_run_before_left_is_replaced_and_a_link_not_followed(
        self, host: Host, tmp_path: Path
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_text("mine")
        (tmp_path / "key.pem").symlink_to(victim)

        await host.create(f"{tmp_path}/key.pem", b"new", mode=0o600)

        assert victim.read_text() == "mine"
        assert not (tmp_path / "key.pem").is_symlink()

    async def test_a_file_is_given_away_by_number(self, host: Host, tmp_path: Path) -> None:
        user, group = map(str, OTHERS)
        await host.create(f"{tmp_path}/a", b"", mode=0o640, owner=Owner(user=user, group=group))
        await host.create(f"{tmp_path}/b", b"", mode=0o640, owner=Owner(group=group))

        given = [(tmp_path / name).stat() for name in "ab"]
        owners = [(status.st_uid, status.st_gid) for status in given]
        assert owners == [OTHERS, (os.geteuid(), OTHERS[1])]
        assert mode(tmp_path / "a") == 0o640

    async def test_owners_have_names(self, host: Host, tmp_path: Path) -> None:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(os.getegid())
        owner = Owner(user=user.pw_name, group=group.gr_name)

        await host.create(f"{tmp_path}/a", b"", mode=0o600, owner=owner)

        assert (tmp_path / "a").stat().st_gid == group.gr_gid

    @pytest.mark.parametrize("name", ["wheel-of-fortune", "-x", "$(id)", "a b"])
    async def test_an_unknown_owner_is_named(self, host: Host, tmp_path: Path, name: str) -> None:
        with pytest.raises(EndServerError, match="has no group") as refused:
            await host.create(f"{tmp_path}/a", b"", mode=0o600, owner=Owner(group=name))

        assert name in refused.value.message
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
        (tmp_path / "link").symlink_to("long")

        assert await host.read(f"{tmp_path}/absent", most=4) is None
        with pytest.raises(EndServerError, match="no regular file"):
            await host.read(f"{tmp_path}/fifo", most=4)
        with pytest.raises(EndServerError, match="longer than 4"):
            await host.read(f"{tmp_path}/long", most=4)
        assert await host.read(f"{tmp_path}/link", most=5) == b"12345"

    @pytest.mark.parametrize("path", ["key.pem", "", "/", "/etc/", "/etc/..", "/a\0b", "/\ud800"])
    async def test_a_path_that_names_no_place_is_refused(self, host: Host, path: str) -> None:
        with pytest.raises(EndServerError, match="not an absolute path"):
            await host.create(path, b"", mode=0o600)
        with pytest.raises(EndServerError, match="not an absolute path"):
            await host.read(path, most=1)

    async def test_a_missing_directory_is_reported_with_what_to_do(
        self, host: Host, tmp_path: Path
    ) -> None:
        with pytest.raises(EndServerError, match=r"cannot write .* No such file") as refused:
            await host.create(f"{tmp_path}/absent/key.pem", b"", mode=0o600)

        assert "make the directory" in refused.value.hint

    async def test_removing_what_is_gone_is_done(self, host: Host, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "link").symlink_to("file")
        (tmp_path / "empty").mkdir()
        (tmp_path / "way").symlink_to("empty")

        for name in ("link", "file", "way", "empty", "absent", "absent/below"):
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
        assert await host.link_target(f"{tmp_path}/absent") is None
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

        with pytest.raises(EndServerError):
            await host.make_directory(f"{tmp_path}/a/b", mode=0o700)

        assert await host.entries(str(tmp_path)) == ["a"]

    async def test_a_missing_directory_has_no_entries(self, host: Host, tmp_path: Path) -> None:
        assert await host.entries(f"{tmp_path}/absent") == []


class TestCommands:
    async def test_both_outputs_come_with_the_code(self, host: Host) -> None:
        ran = await host.run("echo one; echo two >&2; exit 3", seconds=10)

        assert (ran.code, ran.ok) == (3, False)
        assert sorted(ran.output.splitlines()) == ["one", "two"]

    async def test_a_signal_is_told_as_shells_tell_it(self, host: Host) -> None:
        assert (await host.run("kill -TERM $$", seconds=10)).code == 128 + 15

    async def test_system_programs_are_found_and_nothing_is_read(self, host: Host) -> None:
        ran = await host.run("echo $PATH; read line || echo no input", seconds=10)

        path, said = ran.output.splitlines()
        assert "/usr/sbin" in path.split(":")
        assert said == "no input"

    async def test_quotes_and_lines_reach_the_shell_as_they_are(self, host: Host) -> None:
        ran = await host.run(
            """printf '%s|' "a b" 'c'\\''d' "$HOME" # it's\necho "é" """, seconds=10
        )

        assert ran.output.startswith("a b|c'd|/")
        assert ran.output.endswith("|é\n")

    async def test_it_is_ended_with_all_it_started_when_time_is_over(
        self, host: Host, tmp_path: Path
    ) -> None:
        marker = tmp_path / "pid"
        started = time.monotonic()

        with pytest.raises(EndServerError, match="did not end within 2 seconds"):
            await host.run(f"sleep 60 & echo $! >{marker}; wait", seconds=2)

        assert time.monotonic() - started < 20
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

    async def test_what_is_no_command_is_refused(self, host: Host) -> None:
        with pytest.raises(EndServerError, match="not a command"):
            await host.run("true\0", seconds=10)


async def vanished(pid: int) -> None:
    """Return when no such process runs any more; a zombie waits for whoever inherited it."""
    await until(lambda: not status_of(pid) or "State:\tZ" in status_of(pid))


def status_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
