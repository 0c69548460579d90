"""Files with a key in the clear: private, whole, and never over another one by chance."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.private_files import write_private


def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "account.pem"
    previous = os.umask(0)
    try:
        write_private(path, b"key", field="out")
    finally:
        os.umask(previous)

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"key", 0o600)


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "account.pem"
    path.write_bytes(b"another key")
    path.chmod(0o644)

    with pytest.raises(Refused, match="exists already"):
        write_private(path, b"key", field="out")
    assert path.read_bytes() == b"another key"

    write_private(path, b"key", field="out", replace=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"key", 0o600)
    assert os.listdir(tmp_path) == ["account.pem"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_link_does_not_lead_the_key_away(tmp_path: Path, replace: bool) -> None:
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "account.pem"
    elsewhere.write_bytes(b"precious")
    path.symlink_to(elsewhere)

    if replace:
        write_private(path, b"key", field="out", replace=True)
        assert not path.is_symlink()
    else:
        with pytest.raises(Refused):
            write_private(path, b"key", field="out")
    assert elsewhere.read_bytes() == b"precious"


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("place", ["missing/key", "file/key", "/"])
def test_a_place_that_takes_no_file_names_its_field(
    tmp_path: Path, place: str, replace: bool
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidInput) as caught:
        write_private(tmp_path / place, b"key", field="key-out", replace=replace)

    assert caught.value.field == "key-out"


@pytest.mark.parametrize("replace", [False, True])
def test_a_full_disk_leaves_no_half_a_key_and_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    path = tmp_path / "account.pem"
    if replace:
        path.write_bytes(b"another key")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="No space left"):
        write_private(path, b"key", field="out", replace=replace)

    assert [found.read_bytes() for found in tmp_path.iterdir()] == [b"another key"] * replace


@pytest.mark.parametrize("by_link", [False, True])
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path, by_link: bool) -> None:
    pipe, path = tmp_path / "pipe", tmp_path / "path"
    os.mkfifo(pipe)
    if by_link:
        path.symlink_to(pipe)

    with pytest.raises(InvalidInput, match="no plain file"):
        write_private(path if by_link else pipe, b"key", field="out", replace=True)

    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert path.is_symlink() == by_link
