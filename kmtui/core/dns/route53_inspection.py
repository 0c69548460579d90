"""What a test of an AWS account looks at: who it is, its zones, and what it may do in them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from kmtui.core.dns.patience import patience, seconds_left
from kmtui.core.dns.provider import Zone, failure_lines
from kmtui.core.dns.route53_calls import CHANGE, Calls
from kmtui.core.dns.route53_errors import Refusal
from kmtui.core.dns.route53_sets import TxtSet, changes
from kmtui.core.dns.route53_signal import Signal
from kmtui.core.dns.route53_zones import HostedZones
from kmtui.core.dns.trial import challenge_name
from kmtui.core.dns.txt import quoted
from kmtui.core.errors import DnsProviderError, KmtuiError
from kmtui.model import CheckLine

SHOWN = 10
"""Zones named in a report."""
IDENTITY_SECONDS = 8.0
"""Until a report does without: only Route 53 itself must be reachable."""


class Inspection:
    """One test of an account; it changes nothing, and failures are lines."""

    def __init__(self, calls: Calls, zones: HostedZones, signal: Signal) -> None:
        self._calls = calls
        self._zones = zones
        self._signal = signal

    async def general(self) -> list[CheckLine]:
        """Credentials, zones, and whether changes can be followed."""
        lines: list[CheckLine] = []
        try:
            lines.append(await self._who())
            lines.append(await self._what_it_holds())
            if not await self._signal.allowed():
                said = "route53:GetChange is not allowed, so only the name servers are asked"
                lines.append(CheckLine(None, said))
        except DnsProviderError as error:
            lines += failure_lines(error)
        return lines

    async def of_name(
        self, name: str, find_zone: Callable[[str], Awaitable[Zone]], *, whole_zone: bool
    ) -> tuple[CheckLine, ...]:
        """Whether TXT can be changed at the challenge name of `name`.

        With `whole_zone` that need not be: rights may well be granted for single names only.
        """
        try:
            fqdn = challenge_name(name)
            zone = await find_zone(fqdn)
            try:
                await self._require_right(zone, fqdn)
            except DnsProviderError as error:
                if not whole_zone or error.kind != "permission":
                    raise
                said = f"TXT at {fqdn} cannot be changed; other names in {zone.text} may be allowed"
                return (CheckLine(None, said), CheckLine(None, error.hint))
        except KmtuiError as error:
            return failure_lines(error)
        return (CheckLine(True, f"TXT at {fqdn} in zone {zone.text} ({zone.id}) can be changed"),)

    async def _who(self) -> CheckLine:
        """Who is signed in. Raises DnsProviderError unless it is only that nobody can be asked."""
        try:
            with patience(min(IDENTITY_SECONDS, seconds_left())):
                found = await self._calls.call("get_caller_identity", service="sts")
        except DnsProviderError as error:
            if error.kind != "transient":
                raise
            return CheckLine(None, "AWS STS cannot be reached to say who is signed in")
        return CheckLine(True, f"signed in as {found['Arn']}")

    async def _what_it_holds(self) -> CheckLine:
        page = await self._zones.all()
        if not page.zones:
            return CheckLine(False, "the account holds no public hosted zone")
        shown = ", ".join(f"{zone.text} ({zone.id})" for zone in page.zones[:SHOWN])
        left = len(page.zones) - SHOWN
        more = f" and {left if page.whole else 'many'} more" if left > 0 else ""
        return CheckLine(True, f"hosted zones: {shown}{more}")

    async def _require_right(self, zone: Zone, fqdn: str) -> None:
        """Raise DnsProviderError unless TXT at a name may be read, deleted and created.

        The batch deletes a value that nobody has, so Route 53 refuses it whole (moto: as
        InvalidInput); but rights are looked at first, and a missing one is refused in other words.
        """
        await self._calls.call(
            "list_resource_record_sets",
            HostedZoneId=zone.id,
            StartRecordName=f"{fqdn}.",
            StartRecordType="TXT",
            MaxItems="1",
        )
        nobody_has, wanted = (TxtSet(60, (quoted(secrets.token_urlsafe(32)),)) for _ in range(2))
        batch = changes({fqdn: nobody_has}, {fqdn: wanted})
        answer = await self._calls.attempt(
            CHANGE, HostedZoneId=zone.id, ChangeBatch={"Comment": "kmtui test", "Changes": batch}
        )
        if isinstance(answer, Refusal) and not (answer.lost_race or answer.code == "InvalidInput"):
            raise self._calls.error(answer)
