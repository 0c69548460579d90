"""Values on the command line: settings, secrets by reference, durations, files, ``--yes``."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from kmtui.core.errors import InvalidInput

FILE_LIMIT = 256 * 1024
"""Bytes read of a file named on the command line."""
COMMAND_PATIENCE = 30
"""Seconds for a command that prints a secret."""


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


class ProfileMode(StrEnum):
    """What becomes of an order whose profile the CA does not offer any more."""

    PREFERRED = "preferred"
    REQUIRED = "required"

    @property
    def required(self) -> bool:
        """Whether it fails, and is not placed without the profile."""
        return self == ProfileMode.REQUIRED


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_text(path: Path, option: str) -> str:
    """The text of a file. Raises InvalidInput naming the option."""
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_LIMIT + 1)
    except OSError as exc:
        raise InvalidInput(f"cannot read {path}: {exc.strerror}", field=option) from exc
    if len(content) > FILE_LIMIT:
        raise InvalidInput(f"{path} is larger than {FILE_LIMIT // 1024} KiB", field=option)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text", field=option) from None


def settings(pairs: Sequence[str], option: str = "set") -> dict[str, str]:
    """``K=V`` words as a dictionary. Raises InvalidInput."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            # The word may be a secret given the wrong way: it is not repeated.
            raise InvalidInput(f"--{option} takes K=V", field=option)
        if name in found:
            raise InvalidInput(f"{name} is given twice", field=name)
        found[name] = value
    return found


def secrets(
    pairs: Sequence[str], environ: Mapping[str, str], *, emptied: bool = False
) -> dict[str, str]:
    """``K=@FILE``, ``K=env:VARIABLE`` and ``K=cmd:COMMAND`` words as the values they lead to.

    A bare value is refused: every user of the machine can read arguments. A command is run without
    a shell. `emptied` allows ``K=``, for a secret to take away. Raises InvalidInput, never with a
    value in it.
    """
    return {
        name: "" if emptied and not reference else _secret(name, reference, environ)
        for name, reference in settings(pairs, "secret").items()
    }


def duration(text: str, option: str) -> timedelta:
    """``30d``, ``12h``, ``90m``, ``2w``. Raises InvalidInput."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text.strip())
    if match is None:
        raise InvalidInput(
            f"{text!r} is not a duration", field=option, hint="a number and m, h, d or w: 30d"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def require_yes(yes: bool, what: str) -> None:
    """Refuse a destructive command that does not say ``--yes``. Raises InvalidInput."""
    if not yes:
        raise InvalidInput(f"{what}: not done without --yes", field="yes", hint="add --yes")


def _secret(name: str, reference: str, environ: Mapping[str, str]) -> str:
    kind, _, rest = reference.partition(":")
    if reference.startswith("@"):
        return read_text(Path(reference[1:]), name).strip()
    if kind == "env" and rest:
        if rest not in environ:
            raise InvalidInput(f"the environment has no {rest}", field=name)
        return environ[rest]
    if kind == "cmd" and rest:
        return _printed_by(name, rest)
    raise InvalidInput(
        f"secret {name} is not given by reference",
        field=name,
        hint=f"{name}=@FILE, {name}=env:VARIABLE or {name}=cmd:COMMAND",
    )


def _printed_by(name: str, command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, no shell
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_PATIENCE,
            check=True,
            text=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        raise InvalidInput(
            f"the command for {name} failed ({type(exc).__name__})", field=name
        ) from None
    return done.stdout.strip()
