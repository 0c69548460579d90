"""A child process with limits: to its time, to its output, and to what it leaves running."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

LINGER = 0.5
"""Seconds that the output may stay open after the child has ended: a service that it started holds
it for as long as it runs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, and what it said."""

    code: int
    """Its exit code; 128 and the signal's number when a signal ended it, as shells tell it."""
    output: bytes
    """What it wrote to both of its outputs, in order, cut to the limit; untrusted."""


async def run(
    argv: Sequence[str], *, environment: Mapping[str, str], seconds: float, most_output: int
) -> Ended:
    """Run a program with this environment alone, nothing on its input, in the root directory.

    It leads a process group of its own, which is killed when the time is over or the caller is
    cancelled. Raises OSError when it cannot be started, ValueError when an argument holds a zero
    octet, and TimeoutError.
    """
    transport, running = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Running(most_output),
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        env=dict(environment),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            await running.exited.wait()
    finally:
        await running.end(transport)
    code = transport.get_returncode() or 0
    return Ended(code if code >= 0 else 128 - code, bytes(running.output))


class _Running(asyncio.SubprocessProtocol):
    """A child at work, and what it has said so far."""

    def __init__(self, most_output: int) -> None:
        self.output = bytearray()
        self.exited = asyncio.Event()
        self._most_output = most_output
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
        self.output += data[: self._most_output - len(self.output)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._silent.set()

    def process_exited(self) -> None:
        # Not `Process.wait`: in some versions of Python that waits for the output to be closed.
        self.exited.set()
