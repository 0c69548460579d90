"""A command on an SSH server: run by its /bin/sh, with a limit to its time and its output."""

from __future__ import annotations

import asyncio
import math
import shlex
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncssh

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Ran
from kmtui.core.servers.ssh_errors import lost

if TYPE_CHECKING:
    from kmtui.core.servers.ssh_connection import SshConnection

LINGER = 0.5
"""Seconds that the output may stay open after the command has ended: a service that the command
started holds it for as long as it runs."""
GRACE = 2
"""Seconds after which the server ends by itself what outlived its time: it cannot pass a signal on
to what runs under sudo."""

# Logins of users lack the directories of system programs. What runs is not in an argument: "$1".
_SHELL = (
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; "
    "if command -v timeout >/dev/null 2>&1; "
    'then exec timeout -k 5 "$2" /bin/sh -c "$1"; else exec /bin/sh -c "$1"; fi'
)


async def run_command(
    connection: SshConnection, command: str, *, seconds: float, sudo: bool
) -> Ran:
    """Run a command line, as root with `sudo`. Raises EndServerError, also when time is over."""
    if "\0" in command:
        raise EndServerError(f"{command!r} is not a command", hint="it must not hold a zero octet")
    login = connection.login
    running = _Running()
    try:
        async with asyncio.timeout(seconds):
            channel, _ = await connection.link.create_session(
                lambda: running, command_line(command, seconds, sudo=sudo), encoding=None
            )
            channel.write_eof()
            await running.exited.wait()
    except TimeoutError:
        raise EndServerError(
            f"this command did not end within {seconds:g} seconds on {login.where}: {command}",
            hint="run it by hand there: it may wait for an answer",
        ) from None
    except asyncssh.ChannelOpenError as error:
        raise EndServerError(
            f"{login.where} runs no commands: {error.reason}",
            hint="give the user of the login a shell, or leave check and reload empty",
        ) from error
    except (OSError, asyncssh.Error) as error:
        connection.drop()
        raise lost(login, f"run {command}", error) from error
    finally:
        await running.end()
    if running.code is None:
        raise lost(login, f"run {command}", running.error or ConnectionError())
    return Ran(running.code, running.output.decode(errors="replace"))


def command_line(command: str, seconds: float, *, sudo: bool) -> str:
    """What the login's shell is asked to run, whichever shell that is."""
    words = ["sudo", "-n", "--"] if sudo else []
    limit = str(math.ceil(seconds) + GRACE)
    return shlex.join([*words, "/bin/sh", "-c", _SHELL, "sh", command, limit])


class _Running(asyncssh.SSHClientSession[bytes]):
    """A command on the way, and what it has said so far on both of its outputs."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.code: int | None = None
        self.error: Exception | None = None
        self.exited = asyncio.Event()
        """Set when the command ended, or nothing more will be heard of it."""
        self._silent = asyncio.Event()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    async def end(self) -> None:
        """Kill what still runs, and let go of its output."""
        if self._channel is None:
            return
        if not self.exited.is_set():
            with suppress(OSError):
                self._channel.kill()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._silent.wait()
        self._channel.close()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.output += data[: MOST_OUTPUT - len(self.output)]

    def eof_received(self) -> bool:
        self._silent.set()
        return False

    def exit_status_received(self, status: int) -> None:
        self.code = status
        self.exited.set()

    def exit_signal_received(
        self, signal_name: str, core_dumped: bool, msg: str, lang: str
    ) -> None:
        # RFC 4254 section 6.10: names come without SIG, unknown ones with a domain.
        number = getattr(signal, f"SIG{signal_name}", None)
        self.code = 128 + int(number) if isinstance(number, signal.Signals) else 255
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.exited.set()
        self._silent.set()
