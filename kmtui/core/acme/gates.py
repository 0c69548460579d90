"""How much one client asks of a CA at a time, whoever is waiting: first come, first served."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a CA is asked at once. CAs answer more with a rate limit, not with more speed.

    A CA counts per address and second (Let's Encrypt: 250, of new nonces 20); with a tenth of a
    second for an answer these limits stay below, and a batch is still done as fast as it issues.
    """

    in_flight: int = 8
    """Signed requests under way; each keeps one connection and one nonce busy."""
    new_orders: int = 2
    """newOrder requests among them: the dearest ones for a CA, and the first it slows down."""


class Gates:
    """The limits at work: what waits has no nonce and no signature yet, so none grows old."""

    def __init__(self, limits: Limits) -> None:
        self.requests = asyncio.Semaphore(limits.in_flight)
        self.new_orders = asyncio.Semaphore(limits.new_orders)
