"""Calls to DNS Made Easy: each signed with its time, and counted as the vendor counts them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from kmtui.core.clock import utc_now
from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.dnsmadeeasy_errors import is_too_fast, refusal, seconds_ahead
from kmtui.core.dns.window import Window
from kmtui.core.errors import DnsProviderError

TITLE = "DNS Made Easy"
CALLS = 150
WINDOW_SECONDS = 300.0


class DnsMadeEasySession:
    """One account's calls."""

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        window: Window | None = None,
    ) -> None:
        self.seconds_ahead: float | None = None
        """By how much this host's clock is ahead of the vendor's, as of the last reply."""
        self._clock = clock
        self._key = key
        self._secret = secret.encode()
        why = f"{TITLE} allows {CALLS} calls in {WINDOW_SECONDS / 60:.0f} minutes"
        self._window = window or Window(CALLS, WINDOW_SECONDS, why=why)
        self._api = Api(
            TITLE,
            base_url,
            pace=self._window,
            limited=self._limited,
            request_id=("x-dnsme-requestid",),
        )

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Reply:
        """The reply, whatever its status. Raises DnsProviderError when none comes in time."""
        return await self._api.call(method, path, params=params, body=body, headers=self._signature)

    def refusal(self, reply: Reply) -> DnsProviderError:
        """The error that a reply without success is."""
        return refusal(self._api, reply, self._clock())

    async def pages(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """The members of ``data`` of every page; none when there is no such thing (404).

        Raises DnsProviderError.
        """
        found: list[dict[str, Any]] = []
        page = pages = 0
        while page <= pages:
            more = {**params, "page": str(page)} if page else params
            reply = await self.call("GET", path, params=more)
            if reply.status == 404:
                break
            body = self.read(reply)
            rows = body.get("data")
            if not isinstance(rows, list):
                raise self._api.unreadable(reply)
            found += [row for row in rows if isinstance(row, dict)]
            total = body.get("totalPages")
            pages = total - 1 if isinstance(total, int) else 0
            page += 1
        return found

    def read(self, reply: Reply) -> dict[str, Any]:
        """The object that a success holds. Raises DnsProviderError."""
        if not reply.ok:
            raise self.refusal(reply)
        body = reply.json()
        if not isinstance(body, dict):
            raise self._api.unreadable(reply)
        return body

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def _signature(self) -> dict[str, str]:
        """The headers of one try: a signature is good for half a minute."""
        date = format_datetime(self._clock(), usegmt=True)
        # The vendor's scheme; what is signed is the date alone.
        mac = hmac.new(self._secret, date.encode(), hashlib.sha1).hexdigest()
        return {
            "x-dnsme-apiKey": self._key,
            "x-dnsme-requestDate": date,
            "x-dnsme-hmac": mac,
            "Accept": "application/json",
        }

    def _limited(self, reply: Reply) -> float | None:
        """See Api. Each reply says how many calls are left of the window."""
        self.seconds_ahead = seconds_ahead(reply, self._clock())
        refused = is_too_fast(reply)
        left = reply.headers.get("x-dnsme-requestsremaining", "").strip()
        if refused or left == "0":
            wait = self._window.used_up()
            return wait if refused else None
        if left:
            self._window.some_left()
        return None
