"""SSH servers that fail at the wrong moment: what is left, what is said, and how long it takes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from kmtui.core.errors import EndServerError
from kmtui.core.servers import sftp, ssh_connections
from kmtui.core.servers.host import MOST_OUTPUT
from kmtui.core.servers.server import Shared
from kmtui.core.servers.ssh import SshServer
from kmtui.core.servers.ssh_connection import connect
from kmtui.core.servers.ssh_connections import SshConnections
from kmtui.core.servers.ssh_host import SshHost
from kmtui.core.servers.ssh_login import SshLogin
from tests.core.servers.faulty_ssh import FaultySsh
from tests.servers.process import binary
from tests.servers.sshd import Sshd

ESCAPES = "\x1b]52;c;Y2FuYXJ5\x07\x1b[2J\u202e"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"


@pytest.fixture
async def server() -> AsyncIterator[FaultySsh]:
    async with FaultySsh(banner=f"Welcome{ESCAPES}\n") as server:
        yield server


@pytest.fixture
def host(server: FaultySsh, connections: SshConnections) -> SshHost:
    return SshHost(SshLogin.of(server.settings(), server.secrets), connections)


class TestLogin:
    async def test_a_password_opens_and_the_wrong_one_is_shown_nowhere(
        self, server: FaultySsh
    ) -> None:
        connection = await connect(SshLogin.of(server.settings(), server.secrets))
        assert connection.by == "the password"
        await connection.close()

        with pytest.raises(EndServerError, match="does not let deploy in with the password") as no:
            await connect(SshLogin.of(server.settings(), {"password": "canary-9fKq"}))

        assert "canary" not in no.value.message + no.value.hint + repr(no.value.__cause__)

    async def test_a_password_is_not_sent_to_a_server_with_another_key(
        self, server: FaultySsh
    ) -> None:
        with pytest.raises(EndServerError, match="has changed"):
            await connect(
                SshLogin.of(server.settings(host_key="SHA256:" + "A" * 43), server.secrets)
            )

        assert server.tried == []

    async def test_a_banner_is_kept_as_it_came_and_shown_without_what_a_terminal_obeys(
        self, server: FaultySsh
    ) -> None:
        shared = Shared()

        report = await SshServer(server.settings(), server.secrets, shared).check()
        await shared.close()

        (said,) = [line.text for line in report if line.text.startswith("it says")]
        assert "Welcome" in said
        assert said.isprintable()


class TestSharing:
    async def test_many_at_once_share_one_connection(self, host: SshHost, tmp_path: Path) -> None:
        await asyncio.gather(
            *(host.create(f"{tmp_path}/{number}", b"", mode=0o600) for number in range(30))
        )

        assert len(os.listdir(tmp_path)) == 30

    async def test_it_is_closed_when_idle_and_made_again_when_needed(
        self, server: FaultySsh, host: SshHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh_connections, "IDLE_SECONDS", 0.05)

        for _ in range(2):
            await asyncio.gather(*(host.entries("/absent") for _ in range(5)))
            async with asyncio.timeout(5):
                await server.connections[-1].wait_closed()

        assert len(server.connections) == 2

    async def test_another_secret_is_another_connection(
        self, server: FaultySsh, host: SshHost, connections: SshConnections
    ) -> None:
        await host.entries("/absent")
        login = SshLogin.of(server.settings(), {"password": "wrong"})

        with pytest.raises(EndServerError, match="does not let"):
            await SshHost(login, connections).entries("/absent")

    async def test_a_lost_connection_is_replaced_by_the_next_step(
        self, server: FaultySsh, host: SshHost
    ) -> None:
        await host.entries("/absent")
        await server.drop()
        await asyncio.sleep(0.05)

        assert await host.entries("/absent") == []


class TestFiles:
    @pytest.mark.parametrize("octets", range(0, 4096, 512))
    async def test_what_a_lost_connection_leaves_is_private_and_made_good(
        self, server: FaultySsh, host: SshHost, tmp_path: Path, octets: int
    ) -> None:
        key = os.urandom(4096)
        server.faults.cut_after = octets

        with pytest.raises(EndServerError, match="connection was lost"):
            await host.create(f"{tmp_path}/key.pem", key, mode=0o640)

        left = tmp_path / "key.pem"
        assert left.stat().st_mode & 0o777 == 0o600
        server.faults.cut_after = None
        await host.create(f"{tmp_path}/key.pem", key, mode=0o640)
        assert left.read_bytes() == key
        assert left.stat().st_mode & 0o777 == 0o640

    @pytest.mark.parametrize("octets", range(0, len(ANSWER), 17))
    async def test_a_challenge_file_that_was_cut_short_is_ours_to_remove(
        self, server: FaultySsh, tmp_path: Path, octets: int
    ) -> None:
        shared = Shared()
        opened = SshServer(server.settings(webroot=str(tmp_path)), server.secrets, shared)
        noted = await opened.intended(TOKEN, ANSWER)
        server.faults.cut_after = octets
        with pytest.raises(EndServerError, match="connection was lost"):
            await opened.present(TOKEN, ANSWER, noted)

        server.faults.cut_after = None
        await opened.clean_up(noted)
        await shared.close()

        assert os.listdir(tmp_path) == []

    async def test_a_server_that_cannot_replace_still_answers_challenges(
        self, server: FaultySsh, host: SshHost, tmp_path: Path
    ) -> None:
        server.faults.posix_rename = server.faults.fsync = False
        (tmp_path / "there").write_text("old")
        shared = Shared()

        report = await SshServer(
            server.settings(webroot=str(tmp_path)), server.secrets, shared
        ).check()
        assert await host.make_directory(f"{tmp_path}/a/b", mode=0o700)
        await host.create(f"{tmp_path}/new", b"new", mode=0o600)
        with pytest.raises(EndServerError, match="cannot rename") as refused:
            await host.replace(f"{tmp_path}/new", f"{tmp_path}/there")
        await shared.close()

        assert "OpenSSH's sftp-server can" in refused.value.hint
        assert (tmp_path / "there").read_text() == "old"
        assert "certificates cannot be put there, challenges can" in " ".join(
            line.text for line in report
        )
        assert report[-1].ok

    async def test_a_full_disk_leaves_nothing_half(
        self, server: FaultySsh, host: SshHost, tmp_path: Path
    ) -> None:
        server.faults.full = f"quota{ESCAPES}"

        with pytest.raises(EndServerError, match="cannot write") as refused:
            await host.create(f"{tmp_path}/key.pem", b"content", mode=0o640)

        assert "disk full" in refused.value.hint
        assert os.listdir(tmp_path) == []

    async def test_a_key_is_private_before_its_first_octet_whatever_the_server_makes_of_modes(
        self, server: FaultySsh, host: SshHost, tmp_path: Path
    ) -> None:
        server.faults.open_modes = False

        await host.create(f"{tmp_path}/key.pem", b"content", mode=0o640)

        assert server.faults.modes == [0o600]
        assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o640

    async def test_a_service_that_hangs_is_given_up(
        self, server: FaultySsh, host: SshHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sftp, "STEP_SECONDS", 0.2)
        server.faults.stall = True

        with pytest.raises(EndServerError, match=r"no answer within 0\.2 seconds"):
            await host.link_target("/etc/x")

        server.faults.stall = False
        assert await host.link_target("/etc/absent") is None


class TestCommands:
    async def test_endless_output_is_cut_and_ended(self, server: FaultySsh, host: SshHost) -> None:
        async def flood(process: asyncssh.SSHServerProcess[bytes]) -> None:
            while True:
                process.stdout.write(ESCAPES.encode() * 1000)
                await process.stdout.drain()

        server.faults.run = flood
        started = time.monotonic()

        with pytest.raises(EndServerError, match="did not end"):
            await host.run("reload", seconds=0.5)

        assert time.monotonic() - started < 5

    async def test_output_is_kept_up_to_the_limit_whatever_is_in_it(
        self, server: FaultySsh, host: SshHost
    ) -> None:
        async def babble(process: asyncssh.SSHServerProcess[bytes]) -> None:
            process.stdout.write(b"\xff\x00\x1b" * MOST_OUTPUT)
            await process.stdout.drain()
            process.exit(1)

        server.faults.run = babble

        ran = await host.run("reload", seconds=10)

        assert (ran.code, len(ran.output)) == (1, MOST_OUTPUT)

    async def test_a_connection_lost_while_running_is_no_success(
        self, server: FaultySsh, host: SshHost
    ) -> None:
        async def vanish(process: asyncssh.SSHServerProcess[bytes]) -> None:
            process.stdout.write(b"reloading\n")
            await server.drop()

        server.faults.run = vanish

        with pytest.raises(EndServerError, match="connection was lost"):
            await host.run("reload", seconds=10)

    @pytest.mark.parametrize("name", ["TERM", "no-such@example.org"])
    async def test_a_signal_on_the_other_side_is_a_failure(
        self, server: FaultySsh, host: SshHost, name: str
    ) -> None:
        async def die(process: asyncssh.SSHServerProcess[bytes]) -> None:
            process.exit_with_signal(name)

        server.faults.run = die

        assert (await host.run("reload", seconds=10)).code == (143 if name == "TERM" else 255)


async def test_sftp_only_logins_take_challenges_and_say_that_nothing_runs(
    tmp_path: Path,
) -> None:
    with Sshd(options=["ForceCommand internal-sftp"]) as sshd:
        shared = Shared()
        report = await SshServer(sshd.settings(webroot=str(tmp_path)), sshd.secrets, shared).check()
        await shared.close()

    assert all(line.ok is not False for line in report)
    assert any(line.ok is None and "command" in line.text for line in report)


@pytest.mark.parametrize(("sftp", "said"), [("", "offers no SFTP"), ("/bin/false", "lost")])
async def test_a_server_without_files_says_so(sftp: str, said: str) -> None:
    with Sshd(sftp=sftp) as sshd:
        connections = SshConnections()
        with pytest.raises(EndServerError, match=said):
            await SshHost(SshLogin.of(sshd.settings(), sshd.secrets), connections).entries("/")
        await connections.close()


async def test_with_sudo_nothing_is_done_without_it(
    machine: Sshd, sudo: Path, connections: SshConnections, tmp_path: Path
) -> None:
    program = str(binary("sftp-server"))
    settings = machine.settings(sudo="yes", sftp_server=program)
    host = SshHost(SshLogin.of(settings, machine.secrets), connections)

    await host.create(f"{tmp_path}/key.pem", b"octets of a key", mode=0o600)
    await host.run("true", seconds=10)

    asked = (sudo / "asked").read_text().split()
    assert asked[-2:] == [program, "/bin/sh"]


async def test_a_sudo_that_asks_for_a_password_is_reported_with_what_it_said(
    tmp_path: Path,
) -> None:
    (tmp_path / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    with Sshd(path=tmp_path) as sshd:
        settings = sshd.settings(sudo="yes", sftp_server="/usr/lib/openssh/sftp-server")
        connections = SshConnections()
        with pytest.raises(EndServerError, match="sudo: a password is required") as refused:
            await SshHost(SshLogin.of(settings, sshd.secrets), connections).entries("/")
        await connections.close()

    assert f"{sshd.user} ALL=(root) NOPASSWD" in refused.value.hint
