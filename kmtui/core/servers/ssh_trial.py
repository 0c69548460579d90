"""A test of an SSH server, told line by line: the login, its files, its commands."""

from __future__ import annotations

import posixpath
import secrets as random
from typing import TYPE_CHECKING

from kmtui.core.errors import EndServerError
from kmtui.model import CheckLine
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.servers.sftp import Sftp
    from kmtui.core.servers.ssh_connection import SshConnection

COMMAND_SECONDS = 15.0
SHOWN = 200
"""Characters of what a server says."""


async def tried(connection: SshConnection) -> list[CheckLine]:
    """What works; nothing is left behind. Raises EndServerError when no files can be used."""
    login = connection.login
    lines = [
        CheckLine(True, f"logged in to {login.where} with {connection.by}"),
        CheckLine(True, f"its host key is {connection.host_key}, as pinned"),
    ]
    if connection.banner.strip():
        lines.append(CheckLine(None, f"it says: {one_line(connection.banner.strip(), SHOWN)}"))
    files = await connection.files()
    lines.append(CheckLine(True, "SFTP works" + (" as root, by sudo" if login.sudo else "")))
    lines.append(await _replacing(files))
    lines.append(await _commands(connection))
    return lines


async def _replacing(files: Sftp) -> CheckLine:
    """Whether a file can be replaced in one step, which certificates need and challenges do not."""
    home = await files.home()
    old, new = (posixpath.join(home, f".kmtui-check-{random.token_hex(8)}") for _ in range(2))
    try:
        await files.create(old, b"", mode=0o600)
        flushed = await files.create(new, b"", mode=0o600)
    except EndServerError as error:
        await _gone(files, old)
        return CheckLine(None, f"whether files can be replaced was not tried: {error.message}")
    try:
        await files.replace(new, old)
    except EndServerError as error:
        return CheckLine(None, f"certificates cannot be put there, challenges can: {error.message}")
    finally:
        for name in (old, new):
            await _gone(files, name)
    said = "forced to the disk" if flushed else "written, though not forced to the disk"
    return CheckLine(True if flushed else None, f"files are {said} and replaced in one step")


async def _gone(files: Sftp, name: str) -> None:
    if not files.lost and await files.kind(name) is not None:
        await files.remove(name)


async def _commands(connection: SshConnection) -> CheckLine:
    sudo = connection.login.sudo
    try:
        ran = await connection.run("true", seconds=COMMAND_SECONDS)
    except EndServerError as error:
        return CheckLine(False if sudo else None, f"{error.message}; {error.hint}")
    if ran.ok:
        return CheckLine(True, "commands run" + (" as root, by sudo" if sudo else ""))
    said = one_line(ran.output.strip(), SHOWN) or f"exit status {ran.code}"
    what = "sudo -n runs no commands" if sudo else "no commands run"
    # Without them certificates can be put there, but nothing reloaded.
    return CheckLine(False if sudo else None, f"{what}: {said}")
