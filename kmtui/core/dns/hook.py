"""One command of an operator's own that publishes or removes a TXT value, run without a shell."""

from __future__ import annotations

import asyncio
import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kmtui.core import child
from kmtui.core.dns.patience import seconds_left
from kmtui.core.errors import DnsProviderError, InvalidInput
from kmtui.model import CheckLine

MOST_OUTPUT = 64 * 1024
MOST_SHOWN = 300
"""Characters of the last line of output that an error repeats."""
PASSED_ON = ("PATH", "HOME", "LANG")
"""What a command gets of our own environment."""
USUAL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""What it gets where that is not set."""

# sysexits.h: EX_TEMPFAIL and EX_NOPERM. Every other code says no more than that it failed.
KINDS = {75: "transient", 77: "permission"}
HINTS = {
    75: "it asked to be run again later",
    77: "it says that a right is missing; its output tells which",
}
BY_HAND = "run it by hand with the variables KMTUI_… set: its output has the reason"


@dataclass(frozen=True, slots=True)
class HookFile:
    """The program of a command."""

    path: Path

    async def check(self) -> tuple[CheckLine, ...]:
        """Whether it can be run, and by whom it can be changed."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> tuple[CheckLine, ...]:
        try:
            found = self.path.stat()
        except OSError as error:
            return (CheckLine(False, f"{self.path}: {error.strerror}"),)
        if not stat.S_ISREG(found.st_mode) or not os.access(self.path, os.X_OK):
            return (CheckLine(False, f"{self.path} is not a program this user may run"),)
        if found.st_mode & stat.S_IWOTH:
            return (CheckLine(False, f"{self.path} can be changed by every user: chmod o-w"),)
        return (CheckLine(True, f"{self.path} can be run"),)


class Hook:
    """A command for one action; `seconds` is the longest it may run."""

    def __init__(
        self, action: str, line: str, *, field: str, environment: Mapping[str, str], seconds: float
    ) -> None:
        """`line` is quoted as for a shell. Raises InvalidInput naming `field`."""
        self._action = action
        self._argv = _argv(line, field)
        self._seconds = seconds
        kept = {name: environment[name] for name in PASSED_ON if name in environment}
        self._environment = {**USUAL, **kept, "KMTUI_ACTION": action}

    @property
    def file(self) -> HookFile:
        """The program."""
        return HookFile(Path(self._argv[0]))

    async def run(self, variables: Mapping[str, str]) -> None:
        """Run it once; return when it ended with 0. Raises DnsProviderError."""
        limit = min(self._seconds, seconds_left())
        try:
            ended = await child.run(
                self._argv,
                environment={**self._environment, **variables},
                seconds=limit,
                most_output=MOST_OUTPUT,
            )
        except TimeoutError:
            raise self._error(
                f"did not end within {limit:.0f} s",
                kind="transient",
                hint="it may wait for an answer; `timeout` on the DNS account allows more time",
            ) from None
        except OSError as error:
            raise self._error(
                f"cannot be started: {error.strerror}",
                kind="invalid_request",
                hint="it must be a program with its executable bit set, or a script with `#!`",
            ) from error
        if ended.code != 0:
            said = _last_line(ended.output)
            raise self._error(
                f"ended with code {ended.code} ({variables['KMTUI_FQDN']})"
                + (f": {said}" if said else " and said nothing"),
                kind=KINDS.get(ended.code, "invalid_request"),
                hint=HINTS.get(ended.code, BY_HAND),
                code=str(ended.code),
            )

    def _error(self, what: str, *, kind: str, hint: str, code: str = "") -> DnsProviderError:
        message = f"the {self._action} command {self._argv[0]} {what}"
        return DnsProviderError(message, kind=kind, hint=hint, raw_code=code)


def _argv(line: str, field: str) -> tuple[str, ...]:
    try:
        argv = tuple(shlex.split(line))
    except ValueError as error:
        raise InvalidInput(f"{line!r}: {error}", field=field) from error
    if not argv or not argv[0].startswith("/"):
        raise InvalidInput(
            f"{line!r} does not begin with an absolute path",
            field=field,
            hint="no shell looks for the program: give its whole path",
        )
    if "\0" in line:
        raise InvalidInput("a command must not hold a zero octet", field=field)
    return argv


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").split("\n")
    return next((line.strip()[:MOST_SHOWN] for line in reversed(lines) if line.strip()), "")
