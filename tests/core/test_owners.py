"""Who is alive: told by the kernel, so that no lock ever goes stale."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from kmtui.core.locks import FileLock, holder
from kmtui.core.owners import Owners, described

LIVE = """
import sys, time
from pathlib import Path
from kmtui.core.owners import Owners
owners = Owners.open(Path(sys.argv[1]))
print(owners.me, flush=True)
time.sleep(60)
"""


def another_process(data: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_an_owner_lives_until_it_is_killed_and_not_a_moment_longer(tmp_path: Path) -> None:
    # given
    mine = Owners.open(tmp_path)
    process, other = another_process(tmp_path)
    assert mine.alive(other)

    # when
    process.send_signal(signal.SIGKILL)
    process.wait()

    # then: known at once, and its file is swept
    assert not mine.alive(other)
    assert list((tmp_path / "locks").iterdir()) == [tmp_path / "locks" / f"{mine.me}.owner"]
    mine.close()


def test_two_owners_in_one_process_know_each_other(tmp_path: Path) -> None:
    first, second = Owners.open(tmp_path), Owners.open(tmp_path)

    assert first.me != second.me
    assert first.alive(second.me)
    assert second.alive(first.me)
    second.close()
    assert not first.alive(second.me)
    first.close()
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_name_from_the_database_is_never_used_as_a_path(tmp_path: Path) -> None:
    victim = tmp_path / "victim.owner"
    victim.touch()
    owners = Owners.open(tmp_path)

    for name in ("", None, "../victim", "1-../../victim", "x" * 5000):
        assert not owners.alive(name)

    assert victim.exists()
    owners.close()


def test_the_files_are_private(tmp_path: Path) -> None:
    owners = Owners.open(tmp_path)

    folder = tmp_path / "locks"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{owners.me}.owner").stat().st_mode) == 0o600
    owners.close()


def test_an_owner_is_told_by_its_process_id() -> None:
    assert described("4711-0123456789abcdef") == "process 4711"
    assert described("\x1b[2J") == described(None) == "nobody"


def test_a_lock_is_held_once_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "renew.lock"
    lock = FileLock.take(path)
    assert lock is not None

    assert FileLock.take(path) is None
    assert holder(path) == os.getpid()

    lock.release()
    with FileLock.take(path) as again:  # type: ignore[union-attr]
        assert again.in_place


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "renew.lock").symlink_to(tmp_path / "elsewhere")

    try:
        FileLock.take(tmp_path / "locks" / "renew.lock")
    except OSError:
        pass
    else:
        raise AssertionError("the link was followed")
    assert not (tmp_path / "elsewhere").exists()
