"""Machines to put files on: this one, and it again over SSH, as itself and by sudo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kmtui.core.servers.host import Host
from kmtui.core.servers.local_host import LocalHost
from kmtui.core.servers.ssh_connections import SshConnections
from kmtui.core.servers.ssh_host import SshHost
from kmtui.core.servers.ssh_login import SshLogin
from tests.servers.process import binary
from tests.servers.sshd import Sshd

SUDO = """#!/bin/sh
# A stand-in for `sudo -n -- COMMAND...` that notes what it was asked, and runs it.
[ "$1" = -n ] && [ "$2" = -- ] || exit 64
shift 2
echo "$1" >>"$(dirname "$0")/asked"
exec "$@"
"""


@pytest.fixture(scope="module")
def sudo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the PATH of a login, with a stand-in for sudo."""
    directory = tmp_path_factory.mktemp("sudo")
    program = directory / "sudo"
    program.write_text(SUDO)
    program.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def machine(sshd_factory: Callable[..., Sshd], sudo: Path) -> Sshd:
    """An SSH server with sudo."""
    return sshd_factory(path=sudo)


@pytest.fixture
async def connections() -> AsyncIterator[SshConnections]:
    connections = SshConnections()
    yield connections
    await connections.close()


@pytest.fixture(params=["this machine", "over SSH", "by sudo"])
def host(request: pytest.FixtureRequest) -> Host:
    """Each of the machines, one after the other."""
    if request.param == "this machine":
        return LocalHost()
    machine: Sshd = request.getfixturevalue("machine")
    settings = machine.settings()
    if request.param == "by sudo":
        settings |= {"sudo": "yes", "sftp_server": str(binary("sftp-server"))}
    login = SshLogin.of(settings, machine.secrets)
    return SshHost(login, request.getfixturevalue("connections"))


async def until(done: Callable[[], object]) -> None:
    """Wait for what cannot be awaited: a file, a process, a line of a log."""
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
