"""The pace at which one account may call a vendor."""

from __future__ import annotations

import asyncio

from kmtui.core.dns.patience import pause


class Pace:
    """At most `per_second` calls in the long run and `burst` at once, in the order of asking."""

    def __init__(self, per_second: float | None, *, burst: int = 1, why: str = "") -> None:
        """None sets no limit; `why` is what a waiting caller is told."""
        self._per_second = per_second
        self._ahead = (burst - 1) / per_second if per_second else 0.0
        self._why = why or "provider limit"
        self._next = 0.0

    async def turn(self) -> None:
        """Return when the next call is allowed. Raises DnsProviderError (``rate_limited``)."""
        if not self._per_second:
            return
        now = asyncio.get_running_loop().time()
        start = max(self._next, now - self._ahead)
        self._next = start + 1 / self._per_second
        if start > now:
            try:
                await pause(start - now, self._why)
            except BaseException:
                self._next -= 1 / self._per_second  # The place was not used.
                raise

    def hold(self, seconds: float) -> None:
        """No further call for so long: the vendor said so."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now + seconds)
