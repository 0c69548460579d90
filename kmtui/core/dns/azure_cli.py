"""Signing in to Azure as whoever signed in with the Azure CLI on this host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from kmtui.core import child
from kmtui.core.dns.api import Api
from kmtui.core.dns.azure_errors import Identity, Saying, sign_in_error
from kmtui.core.dns.azure_token import NotOffered, Token
from kmtui.core.dns.patience import seconds_left
from kmtui.model import CheckLine

SECONDS = 30.0
"""The longest `az` is waited for; it takes two on a slow host."""
MOST_OUTPUT = 64 * 1024

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
        self._arguments = ["account", "get-access-token", "--resource", resource, "-o", "json"]
        # It takes one of the two; a subscription implies its tenant.
        if tenant:
            self._arguments += ["--tenant", tenant]
        elif subscription:
            self._arguments += ["--subscription", subscription]

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token."""
        az = shutil.which("az", path=self._environment.get("PATH", ""))
        if az is None:
            raise NotOffered("`az` is not in PATH", hint="install the Azure CLI")
        ended = await self._run([az, *self._arguments])
        text = ended.output.decode("utf-8", "replace")
        if ended.code == 0:
            with suppress(ValueError):
                # Notices to the user may stand around it.
                if token := Token.read(json.loads(text[text.find("{") : text.rfind("}") + 1])):
                    return token
            raise NotOffered("`az` gave no token")
        said = Saying.read({"message": _last_error(text)})
        if said.code:
            raise sign_in_error(self._api, said, Identity(self._tenant))
        signed_out = any(words in said.text for words in _NOT_SIGNED_IN)
        raise NotOffered(
            said.text or f"`az` failed with code {ended.code}",
            hint="run `az login` as the user who runs kmtui" if signed_out else "",
        )

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        return (CheckLine(None, "unattended runs need an identity that does not sign out"),)

    async def _run(self, argv: Sequence[str]) -> child.Ended:
        seconds = min(SECONDS, seconds_left())
        try:
            return await child.run(
                argv, environment=self._environment, seconds=seconds, most_output=MOST_OUTPUT
            )
        except TimeoutError:
            raise NotOffered(f"`az` did not end within {seconds:.0f} s", passing=True) from None
        except OSError as error:
            raise NotOffered(f"`az` cannot be started: {error.strerror}") from error


def _last_error(text: str) -> str:
    """The line that says what went wrong, without its marker."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (marked or lines or [""])[-1]
