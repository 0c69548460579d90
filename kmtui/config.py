"""What an invocation was told: options and environment in, one frozen `Options` out.

The only file that reads the environment. Imports nothing heavy: `kmtui --version` passes here.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kmtui.core.errors import InvalidInput

CREDENTIAL_NAME = "kmtui.key"
"""The systemd credential that opens the vault (LoadCredential=, LoadCredentialEncrypted=)."""
SYSTEM_DATA = Path("/var/lib/kmtui")
"""Data directory of root, who has no business with a home directory."""

_LONGEST_PART = 80
"""Characters of what an environment says about whoever acts."""
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of one invocation. Holds where secrets are, never a secret."""

    data: Path
    """Data directory: the database, its backups, nothing else."""
    actor: str = ""
    """Who acts, for the audit trail: ``user@host``, the one who called sudo where somebody did."""
    origin: str = ""
    """Where they come from: ``uid 0, sudo mary, ssh 192.0.2.7``."""
    key_file: Path | None = None
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None
    read_only: bool = False
    json: bool = False
    log_file: Path | None = None
    debug: bool = False
    ascii: bool = True
    """Whether the screen keeps to ASCII glyphs; Unicode ones are asked for."""
    mouse: bool = False
    """Whether the screen takes the mouse, which takes the terminal's own selection away."""
    theme: str | None = None

    @property
    def unlocks(self) -> bool:
        """Whether something was given that opens the vault without a prompt."""
        ways = (self.key_file, self.passphrase_file, self.passphrase_fd)
        return any(way is not None for way in ways)


def gather(
    environ: Mapping[str, str],
    *,
    data: Path | None = None,
    key_file: Path | None = None,
    passphrase_file: Path | None = None,
    passphrase_fd: int | None = None,
    read_only: bool = False,
    json: bool = False,
    log_file: Path | None = None,
    debug: bool = False,
) -> Options:
    """Options of the command line over those of the environment. Raises InvalidInput.

    A way to open the vault given on the command line sets aside every way of the environment; a
    systemd credential is used when nothing else was given.
    """
    if key_file is None and passphrase_file is None and passphrase_fd is None:
        key_file = _path(environ, "KMTUI_KEY_FILE")
        passphrase_file = _path(environ, "KMTUI_PASSPHRASE_FILE")
        if key_file is None and passphrase_file is None:
            key_file = _credential(environ)
    return Options(
        data=(data or _path(environ, "KMTUI_DATA") or default_data()).absolute(),
        actor=_actor(environ),
        origin=_origin(environ),
        key_file=key_file,
        passphrase_file=passphrase_file,
        passphrase_fd=passphrase_fd,
        read_only=read_only or _switch(environ, "KMTUI_READ_ONLY"),
        json=json,
        log_file=log_file,
        debug=debug,
        ascii=_switch(environ, "KMTUI_ASCII", default=True),
        mouse=_switch(environ, "KMTUI_MOUSE"),
        theme=environ.get("KMTUI_THEME") or None,
    )


def default_data() -> Path:
    """The platform's user data directory + ``kmtui``; ``/var/lib/kmtui`` for root."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return SYSTEM_DATA
    import platformdirs

    return Path(platformdirs.user_data_dir("kmtui", appauthor=False))


def harden_process() -> None:
    """Keep what this process writes and holds to its user.

    New files are private, no core is dumped, and on Linux no other process of the same user may
    read its memory (prctl(2), PR_SET_DUMPABLE).
    """
    os.umask(0o077)
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        import ctypes

        set_dumpable = 4
        ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)


def _actor(environ: Mapping[str, str]) -> str:
    user = environ.get("SUDO_USER")
    if not user:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a user id without an entry, as in containers
            user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _origin(environ: Mapping[str, str]) -> str:
    """How the process was reached, as far as its environment tells.

    Variables of an SSH session may not pass sudo; who passes it, sudo itself tells.
    """
    parts = [f"uid {os.getuid()}"]
    if sudo := environ.get("SUDO_USER"):
        parts.append(f"sudo {sudo}")
    if client := environ.get("SSH_CONNECTION", "").partition(" ")[0]:
        parts.append(f"ssh {client}")
    if environ.get("INVOCATION_ID") and not environ.get("SSH_CONNECTION"):
        parts.append("systemd")
    return ", ".join(part[:_LONGEST_PART] for part in parts)


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "")
    return Path(text) if text else None


def _credential(environ: Mapping[str, str]) -> Path | None:
    directory = _path(environ, "CREDENTIALS_DIRECTORY")
    path = directory / CREDENTIAL_NAME if directory else None
    return path if path and path.is_file() else None


def _switch(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = environ.get(name)
    if text is None:
        return default
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidInput(f"{name} is neither on nor off", field=name, hint="use 1 or 0")
    return word in _TRUE
