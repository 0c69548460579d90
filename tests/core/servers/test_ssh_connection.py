"""Logging in to a real sshd: whose key is trusted, who is shown what, and nothing else asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from cryptography.hazmat.primitives import serialization

from kmtui.core.addresses import Address
from kmtui.core.errors import EndServerError, HostKeyRefused
from kmtui.core.servers import ssh_connection
from kmtui.core.servers.ssh_connection import SshConnection, connect, offered_key
from kmtui.core.servers.ssh_login import SshLogin
from tests.servers.sshd import Agent, Sshd

OTHER_PRINT = "SHA256:" + "A" * 43


@pytest.fixture(scope="module")
def sshd(sshd_factory: Callable[..., Sshd]) -> Sshd:
    """An SSH server with a key of each type."""
    return sshd_factory(host_keys=("ed25519", "ecdsa", "rsa"))


@asynccontextmanager
async def logged_in(
    settings: dict[str, str], secrets: dict[str, str]
) -> AsyncIterator[SshConnection]:
    connection = await connect(SshLogin.of(settings, secrets))
    try:
        yield connection
    finally:
        await connection.close()


async def refused(settings: dict[str, str], secrets: dict[str, str]) -> HostKeyRefused:
    with pytest.raises(HostKeyRefused) as caught:
        await connect(SshLogin.of(settings, secrets))
    return caught.value


class TestHostKey:
    @pytest.mark.parametrize("name", ["ed25519", "ecdsa", "rsa"])
    async def test_a_pinned_key_is_found_whichever_the_server_shows_first(
        self, sshd: Sshd, name: str
    ) -> None:
        for pin in (
            {"host_key": sshd.fingerprint(name)},
            {"host_key": f"256 {sshd.fingerprint(name)} root@web1 (ED25519)"},
            {"host_key": "", "known_hosts": sshd.known_hosts(name)},
        ):
            async with logged_in(sshd.settings(**pin), sshd.secrets) as connection:
                assert connection.host_key.sha256 == sshd.fingerprint(name)

    async def test_hashed_names_of_a_known_hosts_file_are_known(self, sshd: Sshd) -> None:
        names, key = sshd.known_hosts().split(" ", 1)
        salt = b"0123456789abcdefghij"
        digest = hmac.digest(salt, names.encode(), hashlib.sha1)
        hashed = "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))

        async with logged_in(
            sshd.settings(host_key="", known_hosts=f"{hashed} {key}"), sshd.secrets
        ) as connection:
            assert connection.host_key.sha256 == sshd.fingerprint()

    async def test_an_unknown_key_is_shown_with_the_way_to_pin_it_and_nothing_is_sent(
        self, sshd: Sshd
    ) -> None:
        before = sshd.log.count("publickey")
        elsewhere = sshd.known_hosts().replace("127.0.0.1", "192.0.2.7")

        error = await refused(sshd.settings(host_key="", known_hosts=elsewhere), sshd.secrets)

        assert f"ssh-ed25519 {sshd.fingerprint()}" in error.message
        assert f"--host-key '{sshd.fingerprint()}'" in error.hint
        assert (error.seen, error.pinned) == (sshd.fingerprint(), ())
        assert sshd.log.count("publickey") == before

    @pytest.mark.parametrize("kind", ["host_key", "known_hosts"])
    async def test_a_changed_key_is_a_hard_stop_that_shows_both(
        self, sshd_factory: Callable[..., Sshd], kind: str
    ) -> None:
        with Sshd() as sshd:
            pin = sshd.fingerprint()
            known = sshd.known_hosts() if kind == "known_hosts" else ""
            settings = sshd.settings(host_key="" if known else pin, known_hosts=known)
            sshd.stop()
            sshd.renew_host_key()
            sshd.start()

            error = await refused(settings, sshd.secrets)

            assert pin != sshd.fingerprint()
            assert f"pinned is {pin}" in error.message
            assert f"seen was ssh-ed25519 {sshd.fingerprint()}" in error.message
            assert (error.seen, error.pinned) == (sshd.fingerprint(), (pin,))
            assert "publickey" not in sshd.log

    async def test_a_revoked_key_is_refused_although_it_is_pinned(self, sshd: Sshd) -> None:
        revoked = "@revoked " + sshd.known_hosts()

        error = await refused(sshd.settings(known_hosts=revoked), sshd.secrets)

        assert "revoked" in error.message

    async def test_a_host_certificate_of_a_known_authority_is_trusted(self, tmp_path: Path) -> None:
        authority = asyncssh.generate_private_key("ssh-ed25519")
        host = asyncssh.generate_private_key("ssh-ed25519")
        certificate = authority.generate_host_certificate(
            host, "test", principals=["127.0.0.1"]
        ).export_certificate()
        (tmp_path / "key").write_bytes(host.export_private_key())
        (tmp_path / "key").chmod(0o600)
        (tmp_path / "key-cert.pub").write_bytes(certificate)
        options = [f"HostKey {tmp_path}/key", f"HostCertificate {tmp_path}/key-cert.pub"]
        public = authority.export_public_key().decode()

        with Sshd(host_keys=(), options=options) as sshd:
            line = f"@cert-authority [127.0.0.1]:{sshd.port} {public}"
            settings = sshd.settings(host_key="", known_hosts=line)
            async with logged_in(settings, sshd.secrets) as connection:
                assert connection.host_key.sha256 == host.get_fingerprint()

            await refused(sshd.settings(host_key=OTHER_PRINT), sshd.secrets)

    async def test_the_key_offered_is_told_before_anything_is_pinned(self, sshd: Sshd) -> None:
        before = sshd.log.count("publickey")

        key = await offered_key(Address("127.0.0.1", sshd.port))

        assert str(key) == f"ssh-ed25519 {sshd.fingerprint()}"
        assert sshd.log.count("publickey") == before


class TestCredentials:
    @pytest.mark.parametrize(
        "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH]
    )
    async def test_an_encrypted_key_is_opened_with_its_passphrase(
        self, sshd: Sshd, form: serialization.PrivateFormat
    ) -> None:
        key = serialization.load_ssh_private_key(sshd.identity.encode(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            form,
            serialization.BestAvailableEncryption(b"open sesame"),
        ).decode()

        secrets = {"identity": encrypted, "identity_passphrase": "open sesame"}
        async with logged_in(sshd.settings(), secrets) as connection:
            assert connection.by.startswith("the key SHA256:")
        for wrong in ({"identity_passphrase": "canary-9fKq"}, {}):
            with pytest.raises(EndServerError, match="passphrase") as caught:
                await connect(SshLogin.of(sshd.settings(), {"identity": encrypted, **wrong}))
            assert "canary" not in caught.value.message + caught.value.hint

    async def test_a_key_that_the_server_does_not_know_is_named(self, sshd: Sshd) -> None:
        stranger = asyncssh.generate_private_key("ssh-ed25519")

        with pytest.raises(EndServerError, match=f"does not let {sshd.user} in") as caught:
            await connect(
                SshLogin.of(sshd.settings(), {"identity": stranger.export_private_key().decode()})
            )

        assert stranger.get_fingerprint() in caught.value.message
        assert "authorized_keys" in caught.value.hint

    async def test_an_agent_is_asked_when_it_is_named(self, sshd: Sshd) -> None:
        with Agent(asyncssh.import_private_key(sshd.identity)) as agent:
            with pytest.raises(EndServerError, match="has no key"):
                await connect(SshLogin.of(sshd.settings(agent=str(agent.socket)), {}))
            await agent.fill()

            async with logged_in(sshd.settings(agent=str(agent.socket)), {}) as connection:
                assert connection.by.startswith("the keys of the agent (SHA256:")

        with pytest.raises(EndServerError, match="no agent answers"):
            await connect(SshLogin.of(sshd.settings(agent=str(agent.socket)), {}))

    async def test_nothing_of_the_users_own_set_up_has_an_effect(
        self, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given: a config that runs a program and trusts any key, keys that would open the door
        ssh = tmp_path / ".ssh"
        ssh.mkdir(mode=0o700)
        trap = tmp_path / "trap"
        (ssh / "config").write_text(
            f"Host *\n  ProxyCommand touch {trap}\n  UserKnownHostsFile none\n"
            f"  StrictHostKeyChecking no\n  User nobody\n  Port 1\n  HostKeyAlias other\n"
        )
        (ssh / "known_hosts").write_text(sshd.known_hosts())
        (ssh / "id_ed25519").write_text(sshd.identity)
        (ssh / "id_ed25519").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()

        with Agent(asyncssh.import_private_key(sshd.identity)) as agent:
            await agent.fill()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))

            # when, then: another key than the pinned one is refused, another credential than ours
            # is not tried, and with ours it works
            await refused(sshd.settings(host_key=OTHER_PRINT), sshd.secrets)
            for secrets in ({"identity": stranger}, {"password": "none"}):
                with pytest.raises(EndServerError, match="does not let"):
                    await connect(SshLogin.of(sshd.settings(), secrets))
            async with logged_in(sshd.settings(), sshd.secrets) as connection:
                assert connection.login.where == f"{sshd.user}@127.0.0.1:{sshd.port}"
            await offered_key(Address("127.0.0.1", sshd.port))
        assert not trap.exists()


class TestPatience:
    async def test_a_port_where_nothing_listens_is_said_at_once(self) -> None:
        with Sshd() as sshd:
            settings, secrets = sshd.settings(), sshd.secrets

        with pytest.raises(EndServerError, match="cannot be reached: Connection refused") as caught:
            await connect(SshLogin.of(settings, secrets))

        assert "SSH server" in caught.value.hint

    async def test_a_machine_that_does_not_answer_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh_connection, "CONNECT_SECONDS", 0.3)
        with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
            # A listener whose queue is full lets further connections hang.
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            settings = {"host": "127.0.0.1", "port": str(deaf.getsockname()[1]), "user": "me"}
            login = SshLogin.of({**settings, "host_key": OTHER_PRINT}, {"password": "x"})

            async with asyncio.timeout(5):
                with pytest.raises(EndServerError, match="does not answer"):
                    await connect(login)

    @pytest.mark.parametrize(
        "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x1b[2J" * 50_000, b"SSH-2.0-x\r\n"]
    )
    async def test_what_never_logs_us_in_ends_within_the_limit(
        self, said: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ssh_connection._NOTHING_OF_THE_USER, "login_timeout", 0.5)

        async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login = SshLogin.of(
            {"host": "127.0.0.1", "port": str(port), "user": "me", "host_key": OTHER_PRINT},
            {"password": "canary-9fKq"},
        )

        async with asyncio.timeout(5):
            with pytest.raises(EndServerError, match="no SSH connection") as caught:
                await connect(login)
        server.close()

        assert "canary" not in caught.value.message + caught.value.hint
