"""Key files: made for their owner alone, and refused when anybody else can reach them."""

from __future__ import annotations

import base64
import errno
import os
import stat
from pathlib import Path

import pytest

from kmtui.core.errors import InvalidInput, Refused, VaultError, WrongKey
from kmtui.core.keyfiles import create_key_file, read_key_file

KEY = bytes(range(100, 132))


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_new_key_file_is_private_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "kmtui.key"
    previous = os.umask(0)
    try:
        create_key_file(path)
    finally:
        os.umask(previous)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path) == path.read_bytes()
    assert len(path.read_bytes()) == 32


def test_two_key_files_differ(tmp_path: Path) -> None:
    create_key_file(tmp_path / "a")
    create_key_file(tmp_path / "b")

    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "kmtui.key", b"precious")

    with pytest.raises(Refused, match="never overwrites"):
        create_key_file(path)

    assert path.read_bytes() == b"precious"


def test_a_link_is_not_followed_when_making_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refused):
        create_key_file(tmp_path / "link")

    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_directory_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_key_file(tmp_path / "none" / "kmtui.key")
    assert caught.value.field == "key_file"


def test_a_full_disk_leaves_no_empty_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(InvalidInput, match="No space left"):
        create_key_file(tmp_path / "kmtui.key")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        base64.b64encode(KEY),
        base64.b64encode(KEY) + b"\r\n",
        base64.urlsafe_b64encode(KEY).rstrip(b"="),
    ],
    ids=["raw", "hex", "HEX", "base64", "base64 line", "base64url"],
)
def test_the_usual_ways_of_writing_a_key_are_read(tmp_path: Path, content: bytes) -> None:
    assert read_key_file(written(tmp_path / "key", content)) == KEY


@pytest.mark.parametrize(
    "content",
    [b"", b"secret\n", KEY[:31], KEY + b"\n\n", KEY.hex().encode()[:-1], b"\xff" * 64, bytes(5000)],
    ids=["empty", "word", "short", "long", "hex cut", "binary", "huge"],
)
def test_anything_else_is_no_key(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(WrongKey, match="does not hold a key"):
        read_key_file(written(tmp_path / "key", content))


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_private_modes_are_fine(tmp_path: Path, mode: int) -> None:
    assert read_key_file(written(tmp_path / "key", KEY, mode)) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666, 0o610])
def test_loose_modes_are_refused_and_left_alone(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "key", KEY, mode)

    with pytest.raises(VaultError, match=f"mode {mode:04o}"):
        read_key_file(path)

    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_somebody_elses_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "key", KEY)
    if os.geteuid() == 0:
        os.chown(path, 4321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)

    with pytest.raises(VaultError, match="belongs to user"):
        read_key_file(path)


def test_a_credential_of_root_may_carry_an_access_list_for_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd gives a service user its credential as root's file with mode 0440."""
    path = written(tmp_path / "kmtui.key", KEY, 0o440)
    honest = os.fstat

    def of_root(descriptor: int) -> os.stat_result:
        fields = list(honest(descriptor))
        fields[4] = 0
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", of_root)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)

    assert read_key_file(path) == KEY


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(VaultError, match="not a regular file"):
        read_key_file(tmp_path / "pipe")
    with pytest.raises(VaultError):
        read_key_file(tmp_path)


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"kmtui\.key: No such file"):
        read_key_file(tmp_path / "kmtui.key")
