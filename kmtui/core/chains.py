"""Choosing among the chains that a CA offers for one certificate (RFC 8555 section 7.4.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kmtui.core.acme import AcmeClient, Chain, Signer
from kmtui.core.errors import AcmeError
from kmtui.core.inspection import short_name


async def download(
    client: AcmeClient,
    signer: Signer,
    url: str,
    *,
    preferred: str | None,
    say: Callable[[str], Awaitable[None]],
) -> Chain:
    """The chain at a certificate URL, or the alternate one that leads to the `preferred` issuer.

    Where none does, or it cannot be had, the CA's own is as good, and `say` is told why. Raises
    AcmeError when the CA's own cannot be had.
    """
    chain = await client.certificate(signer, url)
    if preferred is None or leads_to(chain) == preferred:
        return chain
    found = [leads_to(chain)]
    for alternate in chain.alternate_urls:
        try:
            other = await client.certificate(signer, alternate)
        except AcmeError as error:
            await say(f"another chain could not be read: {error.message}")
            continue
        if leads_to(other) == preferred and other.certificates[0] == chain.certificates[0]:
            return other
        found.append(leads_to(other))
    await say(f"no chain leads to {preferred}; the CA's own is taken, of {', '.join(found)}")
    return chain


def leads_to(chain: Chain) -> str:
    """The common name of the issuer of the topmost certificate."""
    return short_name(chain.certificates[-1].issuer)
