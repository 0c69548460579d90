"""Renewal information, ARI: when the CA would like a certificate renewed (RFC 9773)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography import x509

from kmtui.core.acme.chain import UNREADABLE
from kmtui.core.acme.fields import Fields
from kmtui.core.acme.jws import b64url
from kmtui.core.acme.problems import refusal, violation
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.session import Session
from kmtui.core.errors import InvalidInput

TRIES = 3
"""A window is no hurry: what still fails then is asked for again hours later."""
SHORTEST_INTERVAL = 60.0
LONGEST_INTERVAL = 86_400.0
"""Seconds; section 4.3.2 has clients keep the CA's interval within reason: a minute, a day."""

LONGEST_LINK = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalInfo:
    """What a CA suggests for one certificate (section 4.2)."""

    start: datetime
    end: datetime
    """Of the suggested window; later than `start`."""
    retry_after: float
    """Seconds until the CA wants to be asked again, within a minute and a day."""
    explanation_url: str = ""
    """A page for people, where the CA says why; never fetched."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, retry_after: float | None, url: str = "") -> Self:
        """Read a RenewalInfo object.

        Raises ProtocolViolation for a window that is none, and without an interval: section 4.3.3
        counts both as errors that last.
        """
        fields = Fields(raw, "renewal information", where=url)
        window = Fields(fields.object("suggestedWindow") or {}, "suggested window", where=url)
        start, end = window.time("start"), window.time("end")
        if start is None or end is None or end <= start:
            said = str(dict(window.raw))[:200]
            raise violation("the CA suggests no usable renewal window", detail=said, where=url)
        if retry_after is None:
            raise violation("the CA does not say when to ask for renewal information", where=url)
        return cls(
            start=start,
            end=end,
            retry_after=min(max(retry_after, SHORTEST_INTERVAL), LONGEST_INTERVAL),
            explanation_url=_link(fields),
        )


def cert_id(leaf: x509.Certificate) -> str:
    """The name a CA knows a certificate by here (section 4.1), as `replaces` takes it too.

    Raises InvalidInput when the certificate has no authority key identifier to make it from.
    """
    try:
        authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except (x509.ExtensionNotFound, *UNREADABLE) as error:
        raise InvalidInput(f"no authority key identifier: {error}", field="certificate") from error
    if authority.key_identifier is None:
        raise InvalidInput("an authority key identifier without a key", field="certificate")
    serial = leaf.serial_number
    # The octets of the DER INTEGER: a zero octet leads where the first bit is set.
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    return f"{b64url(authority.key_identifier)}.{b64url(octets)}"


class RenewalRequests(Session):
    """What one can ask a CA about renewing."""

    async def renewal_info(self, certificate: str) -> RenewalInfo | None:
        """The window the CA suggests for the certificate of that `cert_id`.

        None when this CA offers no renewal information. Asked without an account (section 4.1).
        Raises AcmeError, CaUnreachable; ProtocolViolation for an answer that must be ignored.
        """
        if (await self.directory()).renewal_info is None:
            return None
        reply = await self._at(
            lambda directory: directory.renewal_info,
            "renewal information",
            lambda base: self._window(f"{base.rstrip('/')}/{certificate}"),
        )
        return RenewalInfo.parse(
            reply.json_object("renewal information"), retry_after=reply.retry_after, url=reply.url
        )

    async def _window(self, url: str) -> Reply:
        async def fetch() -> Reply:
            reply = await self._transport.request("GET", url, accept="application/json")
            self._nonces.add(reply.nonce)
            if reply.status >= 400:
                raise refusal(reply.problem())
            return reply

        return await self._repeating(fetch, repeatable=True, tries=TRIES)


def _link(fields: Fields) -> str:
    """The explanation, if it is an https link that can be shown; anything else is left out."""
    value = fields.raw.get("explanationURL")
    if not isinstance(value, str) or not value.startswith("https://") or len(value) > LONGEST_LINK:
        return ""
    return value
