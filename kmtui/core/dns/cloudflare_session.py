"""Cloudflare's official SDK with one credential, under kmtui's limits and retries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kmtui.core.dns.api import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Api,
    NoReply,
    Reply,
    time_for_one_try,
)
from kmtui.core.dns.cloudflare_errors import refusal

if TYPE_CHECKING:
    from cloudflare import AsyncCloudflare

BASE_URL = "https://api.cloudflare.com/client/v4"

Call = Callable[["AsyncCloudflare"], Awaitable[Any]]
"""One call of the SDK, by ``with_raw_response``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A scoped token, or e-mail address and global key of a whole account."""

    token: str | None = field(default=None, repr=False)
    email: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful reply."""

    members: tuple[Mapping[str, Any], ...]
    """The objects it lists, or the only one."""
    pages: int = 1
    """How many pages there are."""


class CloudflareSession:
    """Calls with one credential.

    The SDK builds, authorises and sends them. What comes back is read as JSON: the SDK's models
    take a TXT record for one of type A, and raise AttributeError for what a reply leaves out.
    """

    def __init__(self, credential: Credential, api: Api) -> None:
        """`api` is shared by all sessions of an account: Cloudflare counts calls by user."""
        self._credential = credential
        self._api = api
        self._sdk: AsyncCloudflare | None = None
        self._opening = asyncio.Lock()

    async def call(self, call: Call) -> Answer:
        """The reply to one call. Raises DnsProviderError."""
        reply = await self._api.answer(lambda: self._try(call))
        body = reply.json()
        if not isinstance(body, dict):
            raise self._api.unreadable(reply)
        if not reply.ok or body.get("success") is False:
            raise refusal(self._api, reply, body)
        result, info = body.get("result"), body.get("result_info")
        members = result if isinstance(result, list) else [result]
        pages = info.get("total_pages") if isinstance(info, dict) else None
        return Answer(
            tuple(each for each in members if isinstance(each, dict)),
            pages if isinstance(pages, int) else 1,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        if self._sdk is not None:
            await self._sdk.close()
            self._sdk = None

    async def _try(self, call: Call) -> Reply:
        sdk = await self._opened()
        from cloudflare import APIConnectionError, APIStatusError

        try:
            async with asyncio.timeout(time_for_one_try()):
                response = (await call(sdk)).http_response
        except TimeoutError:
            raise NoReply("no answer in time") from None
        except APIStatusError as error:
            response = error.response
        except APIConnectionError as error:
            # The SDK's own text says nothing; what it wraps may hold the URL.
            raise NoReply(type(error.__cause__ or error).__name__) from None
        return Reply(response.status_code, dict(response.headers), response.content)

    async def _opened(self) -> AsyncCloudflare:
        async with self._opening:
            if self._sdk is None:
                # Importing it takes half a second, reading the trusted certificates a tenth.
                self._sdk = await asyncio.to_thread(self._open)
            return self._sdk

    def _open(self) -> AsyncCloudflare:
        import httpx
        from cloudflare import AsyncCloudflare

        wanted = self._credential
        sdk = AsyncCloudflare(
            api_token=wanted.token,
            api_email=wanted.email,
            api_key=wanted.key,
            base_url=self._api.base_url,
            max_retries=0,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            # The SDK's own client follows redirects, and would take X-Auth-Key along.
            http_client=httpx.AsyncClient(follow_redirects=False),
        )
        # What was None is now whatever CLOUDFLARE_API_TOKEN, _EMAIL, _API_KEY and the like hold,
        # and of several credentials the SDK sends one: not the token, when there is an address.
        sdk.api_token, sdk.api_email, sdk.api_key = wanted.token, wanted.email, wanted.key
        sdk.user_service_key = None
        sdk._custom_headers = {}  # From CLOUDFLARE_CUSTOM_HEADERS; there is no other way.
        # Each of these is a module that is imported when it is first asked for.
        _ = sdk.zones, sdk.dns.records, sdk.user.tokens, sdk.accounts.tokens
        return sdk
