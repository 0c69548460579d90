"""A target's settings as an operator gives them, checked and made ready to be stored."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kmtui.core.addresses import parse_address
from kmtui.core.errors import InvalidInput
from kmtui.model import TargetLayout

HTTPS = 443
KEY_MODE = 0o640
"""For keys, unless the operator says otherwise: for their owner, and for a server's group."""
KEY_BITS = 0o660
"""What a key's mode may hold; the owner always reads."""

# Becomes the name of a file in the layout `combined`, so nothing that a path or a shell reads.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HALF = r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,9})"
_OWNER = re.compile(rf"{_HALF}(?::{_HALF})?|:{_HALF}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

USUAL: Mapping[str, Any] = {
    "directory": "",
    "layout": TargetLayout.PAIR,
    "owner": "",
    "mode": KEY_MODE,
    "check_command": "",
    "reload_command": "",
    "adopt": False,
}
"""Settings that a hook has no use for, and their defaults: it puts the files and does the rest."""
CHANGEABLE = ("owner", "mode", "check_command", "reload_command", "verify", "adopt")
"""What may be changed; another place is another target, for the files in the former one stay."""
OPTIONS = {"directory": "dir", "check_command": "check", "reload_command": "reload"}
"""Fields whose option has another name."""


def parse_mode(text: str) -> int:
    """Octal permissions as an operator types them: ``0640``. Raises InvalidInput."""
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise InvalidInput(f"{text!r} is no mode", field="mode", hint="octal digits, like 0640")
    return int(text, 8)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InvalidInput(
            f"{text!r} cannot be the name of a target",
            field="name",
            hint="letters, digits, dots, dashes and underscores, 63 at most",
        )
    return text


def _directory(text: str) -> str:
    if not text:
        return ""
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or _CONTROL.search(text):
        raise InvalidInput(
            f"{text!r} is no directory for certificates",
            field="dir",
            hint="an absolute path below / without ..",
        )
    return "/" + "/".join(path.parts[1:])


def _layout(word: str) -> str:
    if word not in set(TargetLayout):
        known = ", ".join(TargetLayout)
        raise InvalidInput(f"there is no layout {word!r}", field="layout", hint=f"one of: {known}")
    return str(word)


def _owner(text: str) -> str:
    if text and not _OWNER.fullmatch(text):
        raise InvalidInput(
            f"{text!r} is no owner", field="owner", hint="USER:GROUP, USER or :GROUP"
        )
    return text


def _mode(mode: int) -> int:
    if mode & ~KEY_BITS:
        raise InvalidInput(
            f"with mode {mode:04o} more than owner and group could use the private key",
            field="mode",
            hint="0600, 0640 or 0660",
        )
    if not mode & 0o400:
        raise InvalidInput(f"with mode {mode:04o} its owner could not read it", field="mode")
    return mode


def _command(text: str, field: str) -> str:
    if _CONTROL.search(text):
        raise InvalidInput("a command is one line", field=field)
    return text.strip()


def _hook(text: str) -> str:
    if not text:
        return ""
    try:
        words = shlex.split(_command(text, "exec"))
    except ValueError as error:
        raise InvalidInput(f"cannot be split into words: {error}", field="exec") from error
    if not words or not Path(words[0]).is_absolute():
        raise InvalidInput(
            "the command's first word is not an absolute path",
            field="exec",
            hint="it is run without a shell: /usr/local/bin/put-certificate --to lb1",
        )
    return text.strip()


def _verify(text: str) -> str:
    if not text:
        return ""
    address = parse_address(text, field="verify", default_port=HTTPS)
    if not address.host:
        raise InvalidInput("no host to look at", field="verify", hint="write HOST:PORT")
    return str(address)


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "hook": _hook,
    "directory": _directory,
    "layout": _layout,
    "owner": _owner,
    "mode": _mode,
    "check_command": lambda text: _command(text, "check"),
    "reload_command": lambda text: _command(text, "reload"),
    "verify": _verify,
    "adopt": bool,
}
"""Each setting as it is stored. Raises InvalidInput naming the option."""


def refuse_for_hook(given: Mapping[str, Any]) -> None:
    """Raise InvalidInput for what a hook has no use for."""
    for field in given.keys() & USUAL.keys():
        if given[field] != USUAL[field]:
            raise InvalidInput(
                "a command that puts the files does this itself", field=OPTIONS.get(field, field)
            )
