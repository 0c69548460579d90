"""Managed identities: the platform that kmtui runs on vouches for it, without any secret."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from kmtui.core.dns.api import MOST_TRIES, Api, Reply
from kmtui.core.dns.azure_errors import Saying
from kmtui.core.dns.azure_token import NotOffered, Token, is_one_word
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine

CONNECT_SECONDS = 2.0
"""The metadata service is on this very host; nothing there means this is no Azure machine."""
READ_SECONDS = 10.0
FEW_TRIES = 3
LARGEST_CHALLENGE = 4096

_IMDS_PATH = "/metadata/identity/oauth2/token"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a machine offers its identity."""

    imds: str = "http://169.254.169.254"
    """The Instance Metadata Service of virtual machines."""
    arc_endpoint: str = f"http://127.0.0.1:40342{_IMDS_PATH}"
    arc_agent: Path = Path("/opt/azcmagent/bin/himds")
    """Is there where Azure Arc runs, also in sessions without its environment variables."""
    arc_challenges: Path = Path("/var/opt/azcmagent/tokens")
    """Where Azure Arc writes what proves that we are a process of this host."""


class ManagedIdentitySignIn:
    """The identity of a machine, an App Service or function, or of an Azure Arc server.

    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
    """

    title: ClassVar[str] = "managed identity"

    def __init__(
        self, resource: str, client_id: str, environment: Mapping[str, str], platform: Platform
    ) -> None:
        """`client_id` names a user-assigned identity; without one the machine's own is meant."""
        self._resource = resource
        self._client_id = client_id or environment.get("AZURE_CLIENT_ID", "")
        self._environment = environment
        self._platform = platform

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token."""
        endpoint = self._environment.get("IDENTITY_ENDPOINT", "")
        secret = self._environment.get("IDENTITY_HEADER", "")
        if endpoint and not _is_url(endpoint):
            raise NotOffered("IDENTITY_ENDPOINT in the environment is not a URL")
        if endpoint and is_one_word(secret):
            return await self._ask(
                endpoint, "2019-08-01", {"X-IDENTITY-HEADER": secret}, where="App Service"
            )
        if endpoint and self._environment.get("IMDS_ENDPOINT"):
            return await self._ask_arc(endpoint)
        if await asyncio.to_thread(self._platform.arc_agent.exists):
            return await self._ask_arc(self._platform.arc_endpoint)
        await self._require_imds()
        tries = MOST_TRIES if alone else FEW_TRIES
        return await self._ask(self._platform.imds + _IMDS_PATH, "2018-02-01", {}, tries=tries)

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        if self._client_id:
            return (CheckLine(None, f"user-assigned identity {self._client_id}"),)
        return (CheckLine(None, "system-assigned identity"),)

    async def _require_imds(self) -> None:
        """Quickly, so that other hosts need not wait long to learn that they are no Azure VM."""
        parts = urlsplit(self._platform.imds)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        except (OSError, TimeoutError):
            raise NotOffered("this host does not run on Azure") from None
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _ask(
        self,
        url: str,
        version: str,
        headers: Mapping[str, str],
        *,
        where: str = "machine",
        tries: int = MOST_TRIES,
    ) -> Token:
        async with _Endpoint(url, self._parameters(version)) as endpoint:
            return self._token(await endpoint.ask(headers, tries=tries), where)

    async def _ask_arc(self, url: str) -> Token:
        """Azure Arc first has us read a file that only processes of this host can read."""
        if self._client_id:
            raise NotOffered(
                "Azure Arc servers have no user-assigned identities", hint="empty `client_id`"
            )
        async with _Endpoint(url, self._parameters("2020-06-01")) as endpoint:
            reply = await endpoint.ask({})
            if reply.status == 401:
                challenge = reply.headers.get("www-authenticate", "")
                key = await asyncio.to_thread(self._challenge_key, challenge)
                reply = await endpoint.ask({"Authorization": f"Basic {key}"})
            return self._token(reply, "Azure Arc server")

    def _challenge_key(self, challenge: str) -> str:
        """What is in the file that Azure Arc names. Raises NotOffered.

        Something else may listen at that address: it must not make us read and send any file.
        """
        scheme, _, realm = challenge.partition(" realm=")
        file = Path(realm.strip().strip('"'))
        if (
            scheme.strip().lower() != "basic"
            or file.parent != self._platform.arc_challenges
            or file.suffix != ".key"
        ):
            raise NotOffered("what answers instead of Azure Arc names a file that is not Arc's")
        try:
            opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NotOffered(
                f"cannot read {file}: {error.strerror}",
                hint="let the user who runs kmtui be a member of the group himds",
            ) from error
        try:
            regular = stat.S_ISREG(os.fstat(opened).st_mode)
            content = os.read(opened, LARGEST_CHALLENGE + 1) if regular else b""
        finally:
            os.close(opened)
        key = content.decode("ascii", "replace").strip()
        if len(content) > LARGEST_CHALLENGE or not is_one_word(key):
            raise NotOffered(f"{file} does not hold a key of Azure Arc")
        return key

    def _parameters(self, version: str) -> dict[str, str]:
        named = {"client_id": self._client_id} if self._client_id else {}
        return {"api-version": version, "resource": self._resource, **named}

    def _token(self, reply: Reply, where: str) -> Token:
        if reply.ok and (token := Token.read(reply.json())):
            return token
        identity = f"identity {self._client_id}" if self._client_id else "identity of its own"
        said = Saying.of(reply).text or f"HTTP {reply.status}"
        raise NotOffered(
            f"this {where} has no {identity} ({said})",
            hint="assign an identity to it; `client_id` is the client ID of a user-assigned one, "
            "not its object ID, and stays empty for the system-assigned one",
        )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Endpoint:
    """One place to ask, never through a proxy."""

    def __init__(self, url: str, params: Mapping[str, str]) -> None:
        self._api = Api("the identity service of this host", url, proxies=False)
        self._url, self._params = url, params

    async def __aenter__(self) -> _Endpoint:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()

    async def ask(self, headers: Mapping[str, str], *, tries: int = MOST_TRIES) -> Reply:
        try:
            return await self._api.call(
                "GET",
                self._url,
                params=self._params,
                headers={"Metadata": "true", **headers},
                # Both pass by: the service is being updated.
                passing=lambda reply: reply.status in (404, 410),
                read_seconds=READ_SECONDS,
                tries=tries,
            )
        except DnsProviderError as error:
            raise NotOffered(error.message, hint=error.hint, passing=True) from error
