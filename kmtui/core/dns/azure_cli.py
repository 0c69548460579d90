"""Signing in to Azure as whoever signed in with the Azure CLI on this host."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from kmtui.core.dns.api import Api
from kmtui.core.dns.azure_errors import Identity, Saying, sign_in_error
from kmtui.core.dns.azure_token import NotOffered, Token
from kmtui.model import CheckLine

SECONDS = 30.0
"""The longest `az` is waited for; it takes two on a slow host."""

_NOT_SIGNED_IN = ("az login", "az account set", "az configure")


class AzureCliSignIn:
    """`az account get-access-token`, run as the user who runs kmtui."""

    title: ClassVar[str] = "Azure CLI"

    def __init__(
        self,
        api: Api,
        resource: str,
        tenant: str,
        subscription: str,
        environment: Mapping[str, str],
    ) -> None:
        """`api` is that of the login host, for its errors alone: `az` calls it by itself."""
        self._api = api
        self._environment = environment
        self._tenant = tenant
        # The Azure CLI takes one of the two; a subscription implies its tenant.
        which = ("--tenant", tenant) if tenant else ("--subscription", subscription or "")
        self._arguments = ["account", "get-access-token", "--resource", resource, "-o", "json"]
        self._arguments += which if which[1] else ()

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token."""
        az = shutil.which("az", path=self._environment.get("PATH", ""))
        if az is None:
            raise NotOffered("`az` is not in PATH", hint="install the Azure CLI")
        code, out, err = await self._run(az)
        if code == 0:
            with suppress(ValueError):
                if token := Token.read(json.loads(out)):
                    return token
            raise NotOffered("`az` gave no token")
        said = Saying.read({"message": _last_error(err)})
        if said.code:
            raise sign_in_error(self._api, said, Identity(self._tenant))
        signed_out = any(words in said.text for words in _NOT_SIGNED_IN)
        raise NotOffered(
            said.text or f"`az` failed with code {code}",
            hint="run `az login` as the user who runs kmtui" if signed_out else "",
        )

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        return (CheckLine(None, "unattended runs need an identity that does not sign out"),)

    async def _run(self, az: str) -> tuple[int, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            az,
            *self._arguments,
            env=dict(self._environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Its own group, so that what it starts ends with it.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            raise NotOffered(f"`az` did not answer within {SECONDS:.0f} s", passing=True) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return process.returncode or 0, out, err


def _last_error(text: bytes) -> str:
    """The line that says what went wrong, without its marker."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    marked = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (marked or lines or [""])[-1]
