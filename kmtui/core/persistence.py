"""Not giving up an order that may have a certificate already (RFC 8555 sections 7.4 and 7.4.2).

Once a signing request was sent, the CA may have issued. An answer that makes no sense, or a refusal
by something in between, then says nothing about the order: it is asked, and unless it tells that
nothing was issued, the request waits and comes back for its certificate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kmtui.core.acme import AcmeClient, Action, Signer
from kmtui.core.acme.problems import own_problem
from kmtui.core.decisions import PAUSES, action_of
from kmtui.core.errors import AcmeError, StillProcessing

NOTHING_ISSUED = ("pending", "ready", "invalid")
MOST = len(PAUSES)
"""How often a request waits for such an order: for a little more than a day."""


@asynccontextmanager
async def insisting(
    client: AcmeClient, signer: Signer, order_url: str, *, retries: int
) -> AsyncIterator[None]:
    """Errors about an order that may have a certificate become StillProcessing.

    `retries` is how often in a row the request waited before.
    """
    try:
        yield
    except AcmeError as error:
        if action_of(error) == Action.RETRY_LATER or retries >= MOST:
            raise
        if await _nothing_issued(client, signer, order_url):
            raise
        problem = own_problem("kmtui:certificate-unread", error.message, where=order_url)
        raise StillProcessing(
            f"{problem.what}: {error.message}", hint=problem.hint, problem=problem
        ) from error


async def _nothing_issued(client: AcmeClient, signer: Signer, order_url: str) -> bool:
    try:
        order = await client.order(signer, order_url)
    except AcmeError:
        return False
    return order.status in NOTHING_ISSUED
