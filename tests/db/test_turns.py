"""Writers take turns; flock keeps two descriptors of one process apart as it does processes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from kmtui.db import turns
from kmtui.db.turns import Turns


def test_one_that_never_rests_lets_those_in_who_wait(tmp_path: Path) -> None:
    greedy, modest = Turns(tmp_path / "kmtui.db"), Turns(tmp_path / "kmtui.db")
    had: list[float] = []
    ends = threading.Event()

    def work() -> None:
        while not ends.is_set():
            with greedy.taken():
                had.append(time.monotonic())
                time.sleep(0.005)

    thread = threading.Thread(target=work)
    thread.start()
    between = []
    for _ in range(30):
        time.sleep(0.007)
        before = len(had)
        with modest.taken():
            between.append(len(had) - before)
    ends.set()
    thread.join()
    greedy.close()
    modest.close()

    # One that began meanwhile; a second where the door was just being passed.
    assert max(between) <= 3
    assert sum(between) <= 45


def test_the_turn_of_one_that_is_gone_is_free(tmp_path: Path) -> None:
    gone, next_one = Turns(tmp_path / "kmtui.db"), Turns(tmp_path / "kmtui.db")
    with gone.taken():
        gone.close()
        with next_one.taken():
            pass
        gone._open()
    gone.close()
    next_one.close()


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    stopped, patient = Turns(tmp_path / "kmtui.db"), Turns(tmp_path / "kmtui.db")

    with stopped.taken(), patient.taken():
        pass

    stopped.close()
    patient.close()


def test_its_files_are_private_and_none_are_no_obstacle(tmp_path: Path) -> None:
    with Turns(tmp_path / "kmtui.db").taken():
        modes = {os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()}
    with Turns(tmp_path / "missing" / "kmtui.db").taken():
        pass

    assert modes == {0o600}
