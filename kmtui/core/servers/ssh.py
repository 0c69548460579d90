"""A machine over SSH as an end server: challenge files in its web root, and certificates."""

from __future__ import annotations

import secrets as random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from kmtui.core.errors import EndServerError, InvalidInput
from kmtui.core.servers.host_keys import lines_naming
from kmtui.core.servers.server import PROBE, Handle, Shared, check_token, probe_address
from kmtui.core.servers.ssh_host import SshHost
from kmtui.core.servers.ssh_login import PORT, SshLogin, address_of
from kmtui.model import CheckLine, Field

if TYPE_CHECKING:
    from kmtui.core.servers.sftp_web_root import SftpWebRoot


class SshServer:
    """Logs in when something is to be done, and shares the connection with all who log in alike."""

    kind: ClassVar[str] = "ssh"
    title: ClassVar[str] = "Machine over SSH"
    notes: ClassVar[tuple[str, ...]] = (
        "Nothing is sent before its host key is pinned. Left empty, the screen shows the key and "
        "asks.",
        "Log in by a private key, a password, or an agent: one of them.",
        "Smallest right: a user that may write below the web root. Certificates need their "
        "directory and the commands that check and reload; with sudo, those run by sudo -n.",
        "~/.ssh of the user who runs kmtui is not read.",
    )
    takes_files: ClassVar[bool] = True
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="host", label="Host", required=True, help="host name or IP address"),
        Field(name="port", label="Port", default=PORT),
        Field(name="user", label="User", required=True, help="who logs in there"),
        Field(
            name="identity",
            label="Private key",
            secret=True,
            file=True,
            help="file of a private key (OpenSSH or PEM form); or a password, or an agent",
        ),
        Field(
            name="identity_passphrase",
            label="Key passphrase",
            secret=True,
            help="what opens the private key, where it is encrypted",
        ),
        Field(name="password", label="Password", secret=True, help="instead of a private key"),
        Field(
            name="agent",
            label="Agent socket",
            help="instead of a private key: path of an ssh-agent's socket",
            rare=True,
        ),
        Field(
            name="host_key",
            label="Host key",
            help="SHA256:… as ssh-keygen -l shows it on the server; or a known_hosts file",
        ),
        Field(
            name="known_hosts",
            label="Known hosts",
            file=True,
            help="a file that names the server; its lines are kept, not the file",
            rare=True,
        ),
        Field(
            name="webroot",
            label="Web root",
            help="directory that its web server serves as / of the name; not needed for dns-01",
        ),
        Field(
            name="sudo",
            label="Use sudo",
            default="no",
            choices=("no", "yes"),
            help="files and commands as root, by sudo -n",
        ),
        Field(
            name="sftp_server",
            label="sftp-server",
            help="its path there, for sudo; found where systems usually keep it",
            rare=True,
        ),
        PROBE,
    )

    def __init__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
    ) -> None:
        self.login = SshLogin.of(settings, secrets)
        self.webroot = settings.get("webroot", "")
        if self.webroot and (not self.webroot.startswith("/") or "\0" in self.webroot):
            raise InvalidInput("the web root is not an absolute path", field="webroot")
        self.probe = probe_address(settings)
        self._shared = shared

    @staticmethod
    def stored(settings: Mapping[str, str]) -> dict[str, str]:
        """Of a known_hosts file only the lines that name the server."""
        kept = dict(settings)
        if kept.get("known_hosts"):
            kept["known_hosts"] = lines_naming(address_of(kept), kept["known_hosts"])
        return kept

    @staticmethod
    def where(settings: Mapping[str, str]) -> str:
        """``deploy@web1.example.org:22``."""
        host, port = settings.get("host", ""), settings.get("port") or PORT
        return f"{settings.get('user', '')}@" + (
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        )

    def host(self) -> SshHost:
        """The machine it logs in to."""
        return SshHost(self.login, self._shared.connections)

    async def check(self) -> Sequence[CheckLine]:
        """Log in and try files, commands and, with a web root, a challenge."""
        from kmtui.core.servers.ssh_trial import tried

        async with self._shared.connections.to(self.login) as connection:
            lines = await tried(connection)
        return [*lines, await self._tried_challenge()] if self.webroot else lines

    async def intended(self, token: str, key_authorization: str) -> Handle:
        """The file, and the directories that are missing for it."""
        handle = self._handle(check_token(token), key_authorization)
        async with self._opened(self.webroot) as root:
            return {**handle, "made": await root.missing()}

    async def present(
        self, token: str, key_authorization: str, noted: Handle | None = None
    ) -> Handle:
        """Write the file; raises EndServerError when the web root cannot be written."""
        handle = self._handle(check_token(token), key_authorization)
        # A directory that an earlier run was about to make is there now, and still ours to remove.
        before = (noted or {}).get("made", ())
        async with self._opened(self.webroot) as root:
            await root.write(token, key_authorization.encode("ascii"))
            return {**handle, "made": sorted({*before, *root.made()}, key=len)}

    async def clean_up(self, handle: Handle) -> None:
        """Remove the file, then the directories that were made for it and are empty now."""
        token = check_token(handle["token"])
        content = handle["key_authorization"].encode("ascii")
        async with self._opened(handle.get("webroot") or self.webroot) as root:
            await root.remove(token, content, list(handle.get("made", ())))

    def _handle(self, token: str, key_authorization: str) -> Handle:
        return {"token": token, "key_authorization": key_authorization, "webroot": self.webroot}

    @asynccontextmanager
    async def _opened(self, webroot: str) -> AsyncIterator[SftpWebRoot]:
        if not webroot:
            raise EndServerError(
                f"{self.login.where} has no web root to put challenge files in",
                hint="kmtui server update NAME --webroot DIR, or give the mapping one",
            )
        async with self._shared.connections.to(self.login) as connection:
            from kmtui.core.servers.sftp_web_root import SftpWebRoot

            files = await connection.files()
            yield SftpWebRoot(files, webroot, where=self.login.where, made=self._shared.made)

    async def _tried_challenge(self) -> CheckLine:
        token = "kmtui-check-" + random.token_urlsafe(16)
        try:
            await self.clean_up(await self.present(token, f"{token}.check"))
        except EndServerError as error:
            return CheckLine(False, f"{error.message}; {error.hint}")
        return CheckLine(True, f"challenge files can be written and removed in {self.webroot}")
