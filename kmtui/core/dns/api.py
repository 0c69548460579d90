"""A vendor's HTTP interface: limits, retries and errors alike for all of them.

Nothing here logs or raises a URL, a header or a body that was sent: there the secrets are.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from kmtui.core.clock import utc_now
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import pause, seconds_left
from kmtui.core.errors import DnsProviderError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
MOST_BYTES = 4 * 1024 * 1024
"""Of one reply: a page of records is far below."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
MOST_TRIES = 8
JITTER = 1.25
"""A pause is up to so many times what was named: never less than a vendor asked for."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same call may succeed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply; `headers` by lower-case name. Its text is the vendor's: untrusted."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None when it is empty or none, as error pages are."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds of ``Retry-After``, a number or a date (RFC 9110 section 10.2.3)."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, (parsedate_to_datetime(text) - utc_now()).total_seconds())
        except (ValueError, TypeError):
            return None


class Api:
    """Calls of one account at one vendor.

    `limited` tells from a reply whether it says "too fast" in the vendor's own way, and for how
    many seconds (0: it does not say); None for any other reply. By default that is status 429. It
    sees every reply, and may raise DnsProviderError for a limit that no waiting helps against.
    """

    def __init__(
        self,
        title: str,
        base_url: str,
        *,
        pace: Pace | None = None,
        limited: Callable[[Reply], float | None] | None = None,
        request_id: tuple[str, ...] = (),
        proxies: bool = True,
    ) -> None:
        """`request_id` names the reply headers, in lower case, by which the vendor finds a call."""
        self.title = title
        self.base_url = base_url.rstrip("/")
        self._pace = pace or Pace(None)
        self._limited = limited or _by_status
        self._request_id = request_id
        self._proxies = proxies
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Callable[[], Awaitable[Mapping[str, str]]] | Mapping[str, str] | None = None,
        passing: Callable[[Reply], DnsProviderError | bool | None] | None = None,
        read_seconds: float = READ_SECONDS,
        tries: int = MOST_TRIES,
    ) -> Reply:
        """The reply, whatever its status, once it is neither "too fast" nor a passing failure.

        `path` is below the base URL, or a whole URL of the vendor's (a next page). `body` is sent
        as JSON. `headers` may be a function: it is asked anew for each try, as signatures with a
        date want it. `passing` adds vendor failures worth another try; it may give the error that
        is raised when they last. Raises DnsProviderError of kind ``rate_limited`` or ``transient``
        when the caller's patience ends.
        """
        url = path if path.startswith(("https://", "http://")) else self.base_url + path

        async def send() -> Reply:
            sent = await headers() if callable(headers) else headers
            return await self._send(method, url, params, form, body, sent, read_seconds)

        return await self.answer(send, passing=passing, tries=tries)

    async def answer(
        self,
        send: Callable[[], Awaitable[Reply]],
        *,
        passing: Callable[[Reply], DnsProviderError | bool | None] | None = None,
        tries: int = MOST_TRIES,
    ) -> Reply:
        """As `call`, for a call that somebody else sends: a vendor's own library.

        `send` is one try, without pauses and retries of its own. It raises NoReply, and ends within
        `time_for_one_try`.
        """
        again = FIRST_PAUSE
        for attempt in range(1, tries + 1):
            await self._pace.turn()
            failure: DnsProviderError
            try:
                reply = await send()
            except NoReply as error:
                failure = self.error(
                    f"{self.title} cannot be reached: {error}",
                    kind="transient",
                    hint="check the network and any proxy of this host, then try again",
                )
                wait, why = again, f"{self.title} cannot be reached"
            else:
                limit = self._limited(reply)
                if limit is not None:
                    failure = self._rate_limited(reply, limit)
                    wait, why = limit or again, f"{self.title}'s limit"
                    self._pace.hold(wait)
                elif (found := passing and passing(reply)) or reply.status in PASSING:
                    failure = found if isinstance(found, DnsProviderError) else self._failed(reply)
                    wait, why = reply.retry_after or again, f"{self.title} is busy"
                else:
                    return reply
            if attempt == tries:
                raise failure
            # Jitter: who failed together does not come back together.
            await pause(wait * random.uniform(1, JITTER), why, error=failure)
            again = min(again * 2, LONGEST_PAUSE)
        raise AssertionError("the last try returns or raises")

    def error(
        self, message: str, *, kind: str, hint: str = "", code: str = "", reply: Reply | None = None
    ) -> DnsProviderError:
        """An error of this vendor, with the id by which the vendor finds the call."""
        found = (reply.headers.get(name, "") for name in self._request_id) if reply else ()
        return DnsProviderError(
            message,
            kind=kind,
            hint=hint,
            raw_code=code,
            vendor_request_id=next(filter(None, found), ""),
            retry_after=reply.retry_after if reply else None,
        )

    def unreadable(self, reply: Reply) -> DnsProviderError:
        """The reply is not what the vendor documents."""
        return self.error(
            f"{self.title} answered something unreadable (HTTP {reply.status})",
            kind="transient",
            hint="try again; when it stays so, check the API address and any proxy between",
            reply=reply,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        read_seconds: float,
    ) -> Reply:
        import httpx

        client = await self._opened()
        try:
            async with (
                asyncio.timeout(time_for_one_try(read_seconds)),
                client.stream(
                    method,
                    url,
                    params=params,
                    data=form,
                    json=body,
                    headers=headers,
                    timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
                ) as response,
            ):
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise NoReply("the answer is too large")
        except TimeoutError:
            raise NoReply("no answer in time") from None
        except httpx.HTTPError as error:
            # Its text may hold the URL, never what was sent.
            raise NoReply(type(error).__name__) from None
        found = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, found, bytes(content))

    async def _opened(self) -> httpx.AsyncClient:
        import httpx

        async with self._opening:
            if self._client is None:
                # Reading the trusted certificates takes a tenth of a second.
                self._client = await asyncio.to_thread(
                    httpx.AsyncClient, follow_redirects=False, trust_env=self._proxies
                )
            return self._client

    def _rate_limited(self, reply: Reply, seconds: float) -> DnsProviderError:
        error = self.error(
            f"{self.title} takes no more calls for now"
            + (f": again in {seconds:.0f} s" if seconds else ""),
            kind="rate_limited",
            hint="try again later; other programs with this account count as well",
            reply=reply,
        )
        error.retry_after = seconds or error.retry_after
        return error

    def _failed(self, reply: Reply) -> DnsProviderError:
        return self.error(
            f"{self.title} failed (HTTP {reply.status})",
            kind="transient",
            hint="try again later; the vendor's status page may tell more",
            reply=reply,
        )


class NoReply(Exception):
    """No whole reply came back; the text says why and holds nothing that was sent."""


def time_for_one_try(read_seconds: float = READ_SECONDS) -> float:
    """Seconds until a call is given up, never more than is left of the caller's patience."""
    return max(0.1, min(seconds_left(), CONNECT_SECONDS + read_seconds))


def _by_status(reply: Reply) -> float | None:
    return (reply.retry_after or 0.0) if reply.status == 429 else None
