"""A command on this machine: run by the shell, with a limit to its time and its output."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
from contextlib import suppress

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Ran

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for, whatever kmtui itself was started with."""
LINGER = 0.5
"""Seconds that the output may stay open after the command has ended: a service that the command
started holds it for as long as it runs."""

# Our own umask would make what a restarted service writes unreadable to others.
_SHELL = ("/bin/sh", "-c", 'umask 022; exec /bin/sh -c "$1"', "sh")


async def run_command(command: str, *, seconds: float) -> Ran:
    """Run a command line with nothing of our environment.

    Raises EndServerError when it cannot be started, or has not ended in time: then it is killed,
    and so is what it started.
    """
    environment = await asyncio.to_thread(_environment)
    transport, running = await _start(command, environment)
    try:
        async with asyncio.timeout(seconds):
            await running.exited.wait()
    except TimeoutError:
        raise EndServerError(
            f"this command did not end within {seconds:g} seconds: {command}",
            hint="run it by hand on this machine: it may wait for an answer",
        ) from None
    finally:
        await running.end(transport)
    code = transport.get_returncode() or 0
    return Ran(code if code >= 0 else 128 - code, running.output.decode(errors="replace"))


class _Running(asyncio.SubprocessProtocol):
    """A child, the leader of a process group of its own, and what it has said so far."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.exited = asyncio.Event()
        self._silent = asyncio.Event()

    async def end(self, transport: asyncio.SubprocessTransport) -> None:
        """Kill what still runs of the group, and let go of its output."""
        if not self.exited.is_set():
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            await self.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._silent.wait()
        transport.close()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.output += data[: MOST_OUTPUT - len(self.output)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._silent.set()

    def process_exited(self) -> None:
        # Not `Process.wait`: in some versions of Python that waits for the output to be closed.
        self.exited.set()


async def _start(
    command: str, environment: dict[str, str]
) -> tuple[asyncio.SubprocessTransport, _Running]:
    if "\0" in command:
        raise EndServerError(f"{command!r} is not a command", hint="it must not hold a zero octet")
    try:
        return await asyncio.get_running_loop().subprocess_exec(
            _Running,
            *_SHELL,
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise EndServerError(
            f"cannot run a command on this machine: {error.strerror}",
            hint="there must be a /bin/sh, and room for one more process",
        ) from error


def _environment() -> dict[str, str]:
    try:
        who = pwd.getpwuid(os.geteuid())
        home, user = who.pw_dir, who.pw_name
    except KeyError:
        home, user = "/", str(os.geteuid())
    return {"PATH": PATH, "HOME": home, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8"}
