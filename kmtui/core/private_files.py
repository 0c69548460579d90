"""Private keys in files of their own: for their owner alone, and never over another by chance."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kmtui.core.errors import InvalidInput, Refused
from kmtui.db.files import FILE_NAME

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_private(path: Path, content: bytes, *, field: str, replace: bool = False) -> None:
    """Write `content` to `path`: mode 0600, on the disk before this returns.

    What is there already stays; where it is to be replaced, it stays until the new content is on
    the disk. A link at the end of `path` is never followed. Blocks: call it in a thread.
    Raises Refused when something is there, InvalidInput (`field`) when it cannot be written, or is
    a device or a pipe, in whose place a file would be missed by others.
    """
    if not path.name:
        raise InvalidInput(f"{path} names no file", field=field)
    if replace:
        refuse_special(path, field=field)
    # Beside it, so that it can be renamed; hidden, so that no glob takes it for a key.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}") if replace else path
    try:
        _write_new(partial, content)
        if replace:
            partial.replace(path)
        _sync(path.parent)
    except FileExistsError:
        raise Refused(
            f"exists already, and is not overwritten: {path}",
            hint="name another file, or say that it is to be replaced (--force)",
        ) from None
    except OSError as error:
        if replace:
            with suppress(OSError):
                partial.unlink()
        raise InvalidInput(f"cannot write {path}: {error.strerror}", field=field) from error


def write_private_files(
    contents: Mapping[Path, bytes], *, field: str, replace: bool = False
) -> None:
    """Write several files as `write_private`; without `replace` all of them, or none.

    Blocks; raises as `write_private`.
    """
    written: list[Path] = []
    try:
        for path, content in contents.items():
            write_private(path, content, field=field, replace=replace)
            written.append(path)
    except (InvalidInput, Refused):
        if not replace:
            for path in written:
                path.unlink(missing_ok=True)
        raise


def refuse_special(path: Path, *, field: str) -> None:
    """Raise InvalidInput (`field`) for what is neither a plain file nor a link to one."""
    for follow in (False, True):
        with suppress(OSError):
            mode = path.stat(follow_symlinks=follow).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                raise InvalidInput(f"{path} is no plain file, and is not replaced", field=field)


def refuse_inventory(path: Path, data: Path, *, field: str) -> None:
    """Raise InvalidInput (`field`) where `path` is the inventory that lies in `data`.

    Everything in it would be lost, also what other processes write from then on.
    """
    with suppress(OSError):
        if path.name == FILE_NAME and path.parent.samefile(data):
            raise InvalidInput(f"{path} is the inventory itself", field=field)


def make_private_directory(directory: Path, *, field: str, follow: bool = True) -> None:
    """Make a directory with mode 0700 when there is none; the one above has to be there.

    One that is a link counts unless `follow` is False. Blocks. Raises InvalidInput (`field`).
    """
    try:
        directory.mkdir(mode=0o700)
        _sync(directory.parent)
    except FileExistsError:
        if not directory.is_dir() or (directory.is_symlink() and not follow):
            raise InvalidInput(f"{directory} is no directory", field=field) from None
    except OSError as error:
        raise InvalidInput(f"cannot make {directory}: {error.strerror}", field=field) from error


def _write_new(path: Path, content: bytes) -> None:
    """Raises OSError, FileExistsError among them; half a file is removed."""
    with open(os.open(path, _NEW, 0o600), "wb") as stream:
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
