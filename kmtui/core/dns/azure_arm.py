"""Calls of Azure Resource Manager with the token of an account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.azure_errors import arm_error
from kmtui.core.dns.azure_login import Login
from kmtui.core.dns.pace import Pace

TITLE = "Azure"
DNS_VERSION = "2018-05-01"
"""The ``api-version`` of public zones and their record sets."""
MOST_PAGES = 1000

PER_SECOND, BURST = 20, 100
"""A principal may write 10 and read 25 times a second in a subscription, up to 200 at once
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling);
a change is one read and one write, and other programs count as well."""


class ResourceManager:
    """Azure Resource Manager (ARM) as one account may use it."""

    def __init__(self, base_url: str, login: Login) -> None:
        self._login = login
        self.api = Api(
            TITLE,
            base_url,
            pace=Pace(PER_SECOND, burst=BURST, why="Azure's limit"),
            request_id=("x-ms-request-id", "x-ms-correlation-request-id"),
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        version: str | None = DNS_VERSION,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        expected: Collection[int] = (),
    ) -> Reply:
        """The reply of a call below a resource id; one that says no only if `expected`.

        A token that is refused is replaced once. Raises DnsProviderError.
        """
        params = {"api-version": version} if version else None
        for last in (False, True):
            token = await self._login.token()
            sent = {"Authorization": f"Bearer {token.text}", **(headers or {})}
            reply = await self.api.call(method, path, params=params, body=body, headers=sent)
            if reply.status != 401 or last:
                break
            self._login.refused(token)
        if reply.ok or reply.status in expected:
            return reply
        raise arm_error(self.api, reply, urlsplit(path).path)

    async def listed(self, path: str, *, version: str = DNS_VERSION) -> AsyncIterator[Any]:
        """The items of a list, page by page. Raises DnsProviderError."""
        reply = await self.call("GET", path, version=version)
        for _ in range(MOST_PAGES):
            page = reply.json()
            if not isinstance(page, dict) or not isinstance(page.get("value"), list):
                raise self.api.unreadable(reply)
            for item in page["value"]:
                yield item
            if not page.get("nextLink"):
                return
            path = self._own(str(page["nextLink"]))
            reply = await self.call("GET", path, version=None)
        raise self.api.unreadable(reply)

    def _own(self, link: str) -> str:
        """A link to a next page as Azure gave it, but never to another host: it gets our token."""
        if link.startswith(f"{self.api.base_url}/"):
            return link
        parts = urlsplit(link)
        return f"/{parts.path.lstrip('/')}?{parts.query}"
