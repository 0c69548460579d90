"""SSH login: who logs in where, by what, and which host key must be there."""

from __future__ import annotations

import hashlib
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import InvalidInput
from kmtui.core.servers.host_keys import Pins
from kmtui.text import Secret

PORT = "22"
CREDENTIALS = ("identity", "password", "agent")
"""What proves who we are: exactly one of them."""

_USER = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PRIVATE = re.compile(r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")
_MARK_KEY = random.token_bytes(32)


@dataclass(frozen=True, slots=True, eq=False)
class SshLogin:
    """One way into one server."""

    address: Address
    user: str
    pins: Pins
    identity: Secret[str] | None = None
    """A private key in OpenSSH or PEM form."""
    passphrase: Secret[str] | None = None
    password: Secret[str] | None = None
    agent: str = ""
    """The socket of an agent; used only when it is named here."""
    sudo: bool = False
    """Whether commands and files are root's, by ``sudo -n``."""
    sftp_server: str = ""
    """The program that serves files under sudo; empty: looked for where systems keep it."""

    @classmethod
    def of(cls, settings: Mapping[str, str], secrets: Mapping[str, str]) -> SshLogin:
        """The login that settings and secrets of the kind ``ssh`` describe. Raises InvalidInput."""
        user = settings.get("user", "")
        if not _USER.fullmatch(user):
            raise InvalidInput("a server is logged in to as some user", field="user")
        return cls(
            address=address_of(settings),
            user=user,
            pins=Pins.of(settings),
            sudo=settings.get("sudo") == "yes",
            sftp_server=_path(settings, "sftp_server"),
            agent=_path(settings, "agent"),
            **_credentials(settings, secrets),
        )

    @property
    def where(self) -> str:
        """``deploy@web1.example.org:22``."""
        return f"{self.user}@{self.address}"

    @property
    def means(self) -> str:
        """What proves who we are, in words."""
        if self.identity is not None:
            return "its key"
        return "its password" if self.password is not None else f"the agent at {self.agent}"

    @property
    def mark(self) -> bytes:
        """The same for logins that may share a connection, and good for nothing else."""
        held = [self.identity, self.passphrase, self.password]
        parts = [
            *(self.where, self.agent, str(self.sudo), self.sftp_server),
            *(*self.pins.fingerprints, self.pins.known_hosts),
            *(each.reveal() if each else "" for each in held),
        ]
        mark = hashlib.blake2b(key=_MARK_KEY, digest_size=32)
        for part in parts:
            octets = part.encode(errors="surrogatepass")
            mark.update(len(octets).to_bytes(8, "big") + octets)
        return mark.digest()


def address_of(settings: Mapping[str, str]) -> Address:
    """Host and port of an end server of the kind ``ssh``. Raises InvalidInput."""
    text = settings.get("host", "")
    host, its_port = parse_address(text, field="host", default_port=0)
    if not host or its_port:
        raise InvalidInput(
            f"{text!r} is not a host name or IP address",
            field="host",
            hint="a port belongs into the setting port",
        )
    port = parse_address(f":{settings.get('port') or PORT}", field="port").port
    return Address(host, port)


def _path(settings: Mapping[str, str], name: str) -> str:
    path = settings.get(name, "")
    if path and (not PurePosixPath(path).is_absolute() or "\0" in path):
        raise InvalidInput(f"{path!r} is not an absolute path", field=name)
    return path


def _credentials(
    settings: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, Secret[str] | None]:
    given = [name for name in CREDENTIALS if settings.get(name) or secrets.get(name)]
    if len(given) != 1:
        raise InvalidInput(
            f"{' and '.join(given)} are given" if given else "nothing is given to log in with",
            field=given[-1] if given else CREDENTIALS[0],
            hint="one of: a private key (identity), a password, the socket of an agent (agent)",
        )
    if "identity" in given:
        _require_private(secrets["identity"])
    return {
        "identity": _secret(secrets, "identity"),
        "passphrase": _secret(secrets, "identity_passphrase"),
        "password": _secret(secrets, "password"),
    }


def _secret(secrets: Mapping[str, str], name: str) -> Secret[str] | None:
    return Secret(secrets[name]) if secrets.get(name) else None


def _require_private(text: str) -> None:
    """Raise InvalidInput for what operators mistake for a private key; reading it comes later."""
    if _PRIVATE.search(text):
        return
    found, hint = "no private key", "OpenSSH or PEM form, as ssh-keygen writes it"
    if text.startswith(("ssh-", "ecdsa-", "sk-")):
        found, hint = "the public half of a key", "give the file without .pub"
    elif text.startswith("PuTTY-"):
        found, hint = "a key in PuTTY's form", "puttygen KEY -O private-openssh -o NEW converts it"
    raise InvalidInput(f"the identity is {found}", field="identity", hint=hint)
