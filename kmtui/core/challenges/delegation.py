"""Where the TXT record of a challenge really goes: aliases of ``_acme-challenge`` names."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import dns.name
import dns.rdatatype

from kmtui.core.dns.authority import Authorities
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.query import cname_of
from kmtui.core.errors import DnsLookupFailed, DnsProviderError, InvalidInput

AUTO = "auto"
NEVER = "never"
# A CA's resolver gives up after about as many; a longer chain is a mistake.
MAX_HOPS = 16


@dataclass(frozen=True, slots=True)
class EffectiveName:
    """The name to publish at. `chain` runs from the challenge name to it, both included."""

    name: dns.name.Name
    chain: tuple[dns.name.Name, ...]
    note: str = ""
    """Why an alias was not followed or not looked for; empty when all is plain."""

    @property
    def text(self) -> str:
        """The name without its final dot."""
        return text_of(self.name)


def random_label() -> str:
    """A label nobody has published."""
    return secrets.token_hex(8)


class Delegation:
    """Follows CNAME delegation of challenge names, by the authoritative servers.

    Let's Encrypt and others follow CNAME when they look for the TXT record, so a zone that cannot
    be changed by a program may point ``_acme-challenge`` into one that can.
    """

    def __init__(
        self, authorities: Authorities, *, random_label: Callable[[], str] = random_label
    ) -> None:
        self._authorities = authorities
        self._random_label = random_label

    async def effective_name(self, fqdn: str, mode: str = AUTO) -> EffectiveName:
        """The name at which the TXT record of `fqdn` must be published.

        `mode` is ``auto`` (follow), ``never``, or a fixed alias for names that cannot be looked up
        from here. Raises InvalidInput for a bad alias and DnsProviderError for a loop, for a chain
        of more than 16 aliases, and for an alias that is never to be followed: servers answer the
        alias alone, and some take a record beside it and drop it silently.
        """
        start = parse_name(fqdn)
        if mode == NEVER:
            target, note = await self._target(start)
            if target is not None:
                raise _in_the_way(start, target)
            return EffectiveName(start, (start,), note)
        if mode != AUTO:
            fixed = parse_alias(mode)
            return EffectiveName(fixed, (start, fixed) if fixed != start else (start,))
        chain = [start]
        while True:
            target, note = await self._target(chain[-1])
            if target is None:
                return EffectiveName(chain[-1], tuple(chain), note)
            if target in chain:
                raise _broken_chain([*chain, target], "is a loop of aliases")
            chain.append(target)
            if len(chain) > MAX_HOPS + 1:
                raise _broken_chain(chain, f"is a chain of more than {MAX_HOPS} aliases")

    async def _target(self, name: dns.name.Name) -> tuple[dns.name.Name | None, str]:
        """The alias target to follow from `name`, or None and why not."""
        try:
            target = await self._cname(name)
        except DnsLookupFailed as error:
            return None, f"aliases could not be looked for: {error.message}"
        if target is None:
            return None, ""
        # RFC 4592: a wildcard CNAME answers for every name that does not exist. Publishing at the
        # name itself makes it exist, and takes it out of the wildcard.
        sibling = dns.name.Name((name.labels[0][:40] + b"-" + self._random_label().encode(),))
        if await self._cname(sibling.concatenate(name.parent())) == target:
            return None, f"{text_of(name)} is an alias by a wildcard only; it is not followed"
        return target, ""

    async def _cname(self, name: dns.name.Name) -> dns.name.Name | None:
        reply = await self._authorities.ask(name, dns.rdatatype.CNAME)
        target = cname_of(reply, name)
        return target.canonicalize() if target else None


def parse_alias(text: str) -> dns.name.Name:
    """A fixed alias. Raises InvalidInput."""
    try:
        name = parse_name(text)
    except ValueError as error:
        raise InvalidInput(str(error), field="alias") from error
    if len(name) < 3:
        raise InvalidInput(f"{text!r} is not a full domain name", field="alias")
    return name


def _in_the_way(name: dns.name.Name, target: dns.name.Name) -> DnsProviderError:
    return DnsProviderError(
        f"{text_of(name)} is an alias to {text_of(target)}: no TXT record can stand beside it",
        kind="conflict",
        hint="remove the CNAME record, or let it be followed: map the name without alias `never`",
    )


def _broken_chain(chain: list[dns.name.Name], what: str) -> DnsProviderError:
    return DnsProviderError(
        f"{' -> '.join(map(text_of, chain))} {what}",
        kind="invalid_request",
        hint="correct the CNAME records, or set a fixed alias on the mapping",
    )
