"""Key files: 32 octets beside nothing else, readable by their owner alone."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from kmtui.core.errors import InvalidInput, Refused, VaultError, WrongKey
from kmtui.core.slots import KEY_BYTES

_MAX_FILE = 4096


def create_key_file(path: Path) -> None:
    """Write a new random key to `path`: mode 0600, on the disk before this returns.

    Raises Refused when something is there already, InvalidInput (field ``key_file``) when the file
    cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(path, flags, 0o600)
    except FileExistsError:
        raise Refused(
            f"{path} exists already: kmtui never overwrites a key file",
            hint="use it as it is, or name another file",
        ) from None
    except OSError as error:
        raise InvalidInput(f"cannot make {path}: {error.strerror}", field="key_file") from error
    try:
        with open(file, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InvalidInput(f"cannot write {path}: {error.strerror}", field="key_file") from error
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_key_file(path: Path) -> bytes:
    """The 32 octets of a key file: raw, or written as 64 hex digits or base64.

    Raises VaultError when it cannot be read, belongs to somebody else or others may read it;
    WrongKey when it holds anything but a key. The mode is never mended silently.
    """
    try:
        # O_NONBLOCK: a FIFO in that place must not hang us before its kind is seen.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise VaultError(f"cannot read the key file {path}: {error.strerror}") from error
    try:
        _check_keeping(path, os.fstat(file))
        content = os.read(file, _MAX_FILE)
    finally:
        os.close(file)
    key = _decode(content)
    if key is None:
        raise WrongKey(
            f"{path} does not hold a key",
            hint="32 octets, or the same as 64 hex digits or base64",
        )
    return key


def _check_keeping(path: Path, status: os.stat_result) -> None:
    """Raise VaultError unless the file is a regular one that only its owner can reach.

    Owner is this user or root. systemd hands credentials to a service with another user as files of
    root with mode 0440, where the group bits are the mask of an ACL for that one user.
    """
    if not stat.S_ISREG(status.st_mode):
        raise VaultError(f"{path} is not a regular file")
    if status.st_uid not in (os.geteuid(), 0):
        raise VaultError(
            f"the key file {path} belongs to user {status.st_uid}",
            hint="it must belong to the user who runs kmtui, or to root",
        )
    reachable = 0o040 if status.st_uid == 0 and os.geteuid() != 0 else 0
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077 & ~reachable:
        raise VaultError(
            f"the key file {path} has mode {mode:04o}: others may read it",
            hint=f"chmod 0400 {path}, and consider the key known",
        )


def _decode(content: bytes) -> bytes | None:
    if len(content) == KEY_BYTES:
        return content
    text = b"".join(content.split())
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text.decode("ascii"))
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    return None


def _from_base64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
