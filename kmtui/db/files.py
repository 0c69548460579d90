"""Where the inventory lives on disk: a private directory and a private file, or a refusal.

The database may hold sealed keys, so nobody but its owner may read the file, and nobody else may
write the directory (whoever can, replaces the file). Loose modes are refused, never changed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path

from kmtui.core.errors import DatabaseError

FILE_NAME = "kmtui.db"
"""The inventory's name in the data directory."""


def private_directory(directory: Path, *, create: bool) -> None:
    """Make sure that `directory` exists, is no link and is ours alone to write.

    Missing directories are created with mode 0700. Raises DatabaseError.
    """
    if create and not directory.exists():
        # Path.mkdir gives `mode` to the last one only, so parents follow the umask.
        former = os.umask(0o077)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(f"cannot create {directory}: {error.strerror}") from error
        finally:
            os.umask(former)
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise DatabaseError(
            f"there is no inventory in {directory}",
            hint="any command that changes something makes one",
        ) from error
    except OSError as error:
        raise DatabaseError(
            f"{directory} cannot be used: {error.strerror}",
            hint="it must be a directory, not a link",
        ) from error
    try:
        facts = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    _refuse_other_owner(directory, facts)
    if facts.st_mode & 0o022:
        raise DatabaseError(
            f"{directory} is writable by group or others", hint=f"chmod go-w {directory}"
        )


def private_file(path: Path, *, create: bool) -> None:
    """Make sure that `path` is a plain file, ours, with mode 0600; an empty one is created.

    Never opens an existing file: closing any descriptor of a live database drops the locks that
    SQLite holds on it in this process (POSIX advisory locks). Raises DatabaseError.
    """
    if create:
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY
        try:
            os.close(os.open(path, flags, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise DatabaseError(f"cannot create {path}: {error.strerror}") from error
    try:
        facts = path.lstat()
    except OSError as error:
        raise DatabaseError(
            f"cannot open {path}: {error.strerror}",
            hint="any command that changes something makes a new inventory",
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        raise DatabaseError(f"{path} is not a plain file", hint="links are refused")
    _refuse_other_owner(path, facts)
    if facts.st_mode & 0o077:
        raise DatabaseError(
            f"{path} is open to group or others (mode {stat.S_IMODE(facts.st_mode):04o})",
            hint=f"chmod 600 {path}",
        )


def private_copy(path: Path) -> Path:
    """A copy of the database in a new private directory, its unfinished transaction undone there.

    For browsing on a read-only file system after a crash: only SQLite may undo the half-written
    transaction, and it cannot write here. The caller removes the directory.
    """
    directory = Path(tempfile.mkdtemp(prefix="kmtui-browse-"))
    for name in (path.name, path.name + "-journal", path.name + "-wal"):
        source = path.with_name(name)
        if source.exists():
            shutil.copyfile(source, directory / name)
            (directory / name).chmod(0o600)
    copy = sqlite3.connect(sqlite_uri(directory / path.name, "rw"), uri=True)
    try:
        copy.execute("PRAGMA schema_version").fetchone()
    finally:
        copy.close()
    return directory / path.name


def sqlite_uri(path: Path, mode: str) -> str:
    """The path as an SQLite URI (https://sqlite.org/uri.html), opened ``ro`` or ``rw``."""
    text = str(path.absolute())
    for character in "%?#":
        text = text.replace(character, f"%{ord(character):02x}")
    return f"file:{text}?mode={mode}"


def _refuse_other_owner(path: Path, facts: os.stat_result) -> None:
    if facts.st_uid != os.geteuid():
        raise DatabaseError(
            f"{path} belongs to user id {facts.st_uid}, not to {os.geteuid()}",
            hint="run kmtui as the owner of the inventory",
        )
