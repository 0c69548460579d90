"""What proves who we are to an SSH server: a key or password of the vault, or a chosen agent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from kmtui.core.errors import EndServerError
from kmtui.core.servers.ssh_login import SshLogin
from kmtui.text import Secret

AGENT_SECONDS = 10.0
"""How long an agent may take to say which keys it has."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Ready to be used, as asyncssh takes it."""

    said: str
    """``the key SHA256:…``, for whoever wonders what was tried."""
    options: dict[str, Any] = field(repr=False)


@asynccontextmanager
async def credentials(login: SshLogin) -> AsyncIterator[Credentials]:
    """The credential chosen for the login, and no other. Raises EndServerError."""
    if login.identity is not None:
        key = await asyncio.to_thread(_private_key, login.identity, login.passphrase)
        yield _keys([key], f"the key {key.get_fingerprint()}")
    elif login.password is not None:
        yield Credentials(
            "the password",
            {
                "password": login.password.reveal(),
                "password_auth": True,
                "kbdint_auth": True,
                # Servers that ask PAM often know the password by the second name only.
                "preferred_auth": ["password", "keyboard-interactive"],
            },
        )
    else:
        async with _agent(login.agent) as keys:
            prints = ", ".join(_fingerprint(pair.public_data) for pair in keys)
            yield _keys(keys, f"the keys of the agent ({prints})")


def _keys(keys: list[Any], said: str) -> Credentials:
    options = {"client_keys": keys, "public_key_auth": True, "preferred_auth": ["publickey"]}
    return Credentials(said, options)


def _private_key(identity: Secret[str], passphrase: Secret[str] | None) -> asyncssh.SSHKey:
    """Takes a blink: a passphrase is slow to try on purpose."""
    text = identity.reveal().strip() + "\n"
    try:
        return asyncssh.import_private_key(text, passphrase.reveal() if passphrase else None)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        raise _unreadable(str(error), given=passphrase is not None) from None


def _unreadable(reason: str, *, given: bool) -> EndServerError:
    """Why a private key cannot be used; `given` says whether there is a passphrase."""
    copy = "the vault seals the key itself: store a copy without passphrase (ssh-keygen -p -f COPY)"
    words = reason.lower()
    if "passphrase" in words or "decrypt" in words:
        return EndServerError(
            "the passphrase does not open the key"
            if given
            else "the key has a passphrase, and none is stored",
            hint=f"give the right one (identity_passphrase), or {copy}",
        )
    return EndServerError(
        f"the key cannot be read: {reason}", hint="OpenSSH or PEM form, as ssh-keygen writes it"
    )


def _fingerprint(public: bytes) -> str:
    digest = hashlib.sha256(public).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@asynccontextmanager
async def _agent(path: str) -> AsyncIterator[list[Any]]:
    try:
        async with asyncio.timeout(AGENT_SECONDS):
            agent = await asyncssh.connect_agent(path)
    except (OSError, TimeoutError, ValueError, asyncssh.Error) as error:
        raise EndServerError(
            f"no agent answers at {path}: {error}", hint="start ssh-agent, or name its socket anew"
        ) from error
    async with agent:
        try:
            async with asyncio.timeout(AGENT_SECONDS):
                keys = list(await agent.get_keys())
        except (OSError, TimeoutError, ValueError, asyncssh.Error) as error:
            raise EndServerError(
                f"the agent at {path} shows no keys: {error}", hint="ssh-add -l shows what it has"
            ) from error
        if not keys:
            raise EndServerError(
                f"the agent at {path} has no key", hint="ssh-add FILE gives it one"
            )
        yield keys
