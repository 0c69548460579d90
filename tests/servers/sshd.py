"""OpenSSH's sshd, the real one, on loopback with throw-away keys.

What to know before writing a test with it:

- It runs as the user of the tests, and only that user can log in (`user`), with a key.
- Without PAM there are no passwords: test those with a server of asyncssh in the test's process.
- The login has the home and shell of the user, and whatever its start-up files print.
- `path` comes first in the login's PATH, so that a test can put a stand-in for sudo there.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from tests.servers.process import Process, Server, binary, free_port

KEYS = {
    "ed25519": "ssh-ed25519",
    "ecdsa": "ecdsa-sha2-nistp256",
    "rsa": "ssh-rsa",
}
"""Short names of host keys."""


class Sshd(Server):
    """A running sshd. Its address is 127.0.0.1 and `port`.

    `host_keys` are keys of `KEYS`. `identity` is the private key that may log in. `sftp` is the
    program that serves files, with its options. `options` are further lines of sshd_config(5),
    which win over those of this class.
    """

    def __init__(
        self,
        *,
        host_keys: Sequence[str] = ("ed25519",),
        banner: str = "",
        path: Path | None = None,
        sftp: str = "internal-sftp",
        options: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.port = free_port()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.identity = key.export_private_key().decode()
        self._authorized = self._write("authorized_keys", key.export_public_key().decode())
        self._host_keys = {name: self._host_key(name) for name in host_keys}
        lines = [
            *options,
            f"ListenAddress 127.0.0.1:{self.port}",
            *(f"HostKey {self.directory / name}" for name in host_keys),
            f"AuthorizedKeysFile {self._authorized}",
            f"SetEnv PATH={f'{path}:' if path else ''}/usr/local/bin:/usr/bin:/bin",
            *([f"Banner {self._write('banner', banner)}"] if banner else []),
            *(f"{name} {path}" for name, path in self._programs()),
            *([f"Subsystem sftp {sftp}"] if sftp else []),
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UsePAM no",
            "UseDNS no",
            "StrictModes no",
            "PrintMotd no",
            "PidFile none",
            "MaxStartups 100",
        ]
        config = self._write("sshd_config", "\n".join(lines) + "\n")
        argv: list[str | Path] = [binary("sshd"), "-D", "-e", "-f", config]
        self._process = Process(argv, log=self.directory / "sshd.log")
        self._processes = [self._process]

    def fingerprint(self, name: str = "ed25519") -> str:
        """``SHA256:…`` of a host key."""
        return self._host_keys[name].get_fingerprint()

    def known_hosts(self, name: str = "ed25519") -> str:
        """The line of a known_hosts file for a host key."""
        public = self._host_keys[name].export_public_key().decode().strip()
        return f"[127.0.0.1]:{self.port} {public}\n"

    def renew_host_key(self, name: str = "ed25519") -> None:
        """Makes another host key, as a new installation would; call it while stopped."""
        self._host_keys[name] = self._host_key(name)

    def settings(self, **others: str) -> dict[str, str]:
        """Settings of the kind ``ssh`` that lead here, with the host key pinned."""
        pin = " ".join(key.get_fingerprint() for key in list(self._host_keys.values())[:1])
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": self.user,
            "host_key": pin,
            **others,
        }

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets that go with `settings`."""
        return {"identity": self.identity}

    @property
    def logins(self) -> int:
        """How often somebody was let in."""
        return self.log.count("Accepted ")

    def _spawn(self) -> None:
        if os.geteuid() == 0:
            # sshd separates privileges when root runs it, and needs this empty directory.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._process.spawn()

    def _wait(self) -> None:
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as visit:
                return visit.recv(4) == b"SSH-"
        except OSError:
            return False

    def _host_key(self, name: str) -> asyncssh.SSHKey:
        key = asyncssh.generate_private_key(KEYS[name])
        self._write(name, key.export_private_key().decode())
        return key

    def _write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    @staticmethod
    def _programs() -> list[tuple[str, Path]]:
        """Where an unpacked sshd has the programs it is split into since OpenSSH 9.8 and 10.0."""
        unpacked = binary("sshd").parent.parent / "sshd" / "usr" / "lib" / "openssh"
        parts = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}
        return [
            (option, unpacked / name)
            for option, name in parts.items()
            if (unpacked / name).exists()
        ]


class Agent(Server):
    """A running ssh-agent with one key."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        super().__init__()
        self.socket = self.directory / "agent"
        self._key = key
        argv: list[str | Path] = [binary("ssh-agent"), "-D", "-a", self.socket]
        self._process = Process(argv, log=self.directory / "agent.log")
        self._processes = [self._process]

    async def fill(self) -> None:
        """Gives it the key; call it once it runs."""
        async with await asyncssh.connect_agent(str(self.socket)) as agent:
            await agent.add_keys([self._key])

    def _spawn(self) -> None:
        self._process.spawn()

    def _wait(self) -> None:
        self._process.wait_until(self.socket.exists)
