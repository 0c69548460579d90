"""Amazon Route 53: TXT record sets by compare-and-swap, with boto3."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.provider import (
    NOTHING_AROUND,
    Caps,
    Report,
    Secrets,
    Surroundings,
    TxtHandle,
    Zone,
)
from kmtui.core.dns.route53_calls import Calls
from kmtui.core.dns.route53_changes import Changes
from kmtui.core.dns.route53_inspection import Inspection
from kmtui.core.dns.route53_login import AwsLogin
from kmtui.core.dns.route53_sets import Edit
from kmtui.core.dns.route53_signal import FIRST_LOOK, LOOKS, Signal
from kmtui.core.dns.route53_zones import HostedZones
from kmtui.core.dns.settings import base_url, read
from kmtui.core.dns.zones import AllowedZones
from kmtui.core.together import together
from kmtui.model import Field

_ZONE_ID = re.compile(r"(?:/?hostedzone/)?([A-Z0-9]{1,32})")


class Route53:
    """An AWS account, as one of its users or roles."""

    name: ClassVar[str] = "route53"
    title: ClassVar[str] = "Amazon Route 53"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="access_key_id",
            label="Access key id",
            help="Empty: what the environment, ~/.aws, the container or the machine hands out.",
        ),
        Field(name="secret_access_key", label="Secret access key", secret=True),
        Field(
            name="session_token",
            label="Session token",
            secret=True,
            help="Of temporary keys only; they end after some hours.",
            rare=True,
        ),
        Field(name="profile", label="Profile", help="Of ~/.aws/config, instead of keys."),
        Field(
            name="role_arn",
            label="Role to assume",
            help="arn:aws:iam::…:role/…, for zones of another account; renewed by itself.",
        ),
        Field(
            name="external_id",
            label="External id",
            help="When the role's trust policy wants one.",
            rare=True,
        ),
        Field(
            name="region",
            label="Region",
            help="Only for China and GovCloud, such as cn-north-1; Route 53 is worldwide.",
            rare=True,
        ),
        Field(
            name="hosted_zone_id",
            label="Hosted zone id",
            help="Z…: no right to list zones is needed then, and no other zone is changed.",
        ),
    )
    caps: ClassVar[Caps] = Caps(
        semantics="rrset",
        # Names that wait together become one batch, so they may be many; `Calls` keeps the pace.
        at_once=256,
        at_once_per_zone=256,
        has_change_signal=True,
    )
    least_right: ClassVar[str] = (
        "IAM policy: route53:ListHostedZonesByName and route53:GetChange on *; "
        "route53:GetHostedZone and route53:ListResourceRecordSets on "
        "arn:aws:route53:::hostedzone/ZONEID; route53:ChangeResourceRecordSets on it with the "
        "condition ForAllValues:StringEquals {route53:ChangeResourceRecordSetsNormalizedRecordNames"
        ": [_acme-challenge.HOST.ZONE], route53:ChangeResourceRecordSetsRecordTypes: [TXT]}. With "
        "`hosted_zone_id`, ListResourceRecordSets and ChangeResourceRecordSets are enough."
    )
    example: ClassVar[str] = (
        "kmtui dns add aws --provider route53 --set access_key_id=AKIAIOSFODNN7EXAMPLE "
        "--secret secret_access_key=@aws.key --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "Route 53 takes five calls a second from a whole AWS account. Names that are asked for "
        "together are written together, so hundreds need few calls.",
        "Values of others are never overwritten: a set is deleted as it was read and created anew "
        "in one step, which is refused when it changed meanwhile. The policy must allow CREATE and "
        "DELETE; UPSERT is not used.",
        "Private hosted zones are passed over: a public CA cannot see them.",
        "Single sign-on: `aws sso login` as the user who runs kmtui; for unattended runs a role or "
        "keys of a user of its own are better. Profiles that want a one-time password do not work.",
    )
    docs: ClassVar[str] = (
        "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html"
    )

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        pace: Pace | None = None,
        first_look: float = FIRST_LOOK,
        looks: float = LOOKS,
    ) -> None:
        """`pace` is by default what AWS takes, and none where something stands in for it
        (`base_url`). A change is looked after when `first_look` is over and every `looks` then, in
        seconds."""
        if settings.get("base_url"):
            read("base_url", base_url, settings["base_url"])
        self._allowed = AllowedZones(settings)
        self._configured = read("hosted_zone_id", _zone_id, settings.get("hosted_zone_id", ""))
        login = AwsLogin.read(settings, secrets, surroundings.environment)
        self._calls = Calls(login, pace)
        self._zones = HostedZones(self._calls, self._configured, surroundings.public_nameservers)
        self._changes = Changes(self._calls)
        self._signal = Signal(self._calls, first=first_look, again=looks)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        self._allowed.require(fqdn)
        return await self._zones.find(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. Records have no ids here: a handle keeps that of the change, for
        `wait_applied`."""
        ttl = max(ttl, self.caps.min_ttl)
        edit = Edit(fqdn=text_of(parse_name(fqdn)), add=frozenset(values), ttl=ttl)
        change = await self._changes.make(zone.id, edit)
        return [TxtHandle.of(zone, fqdn, value, change) for value in sorted(values)]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Asks GetChange until INSYNC."""
        changes = dict.fromkeys(handle.record_id for handle in handles if handle.record_id)
        await self._signal.wait(changes, deadline)

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. All names of a zone in one batch."""
        values: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for handle in handles:
            values[handle.zone_id, handle.fqdn].add(handle.value)
        await together(
            self._changes.make(zone_id, Edit(fqdn=fqdn, remove=frozenset(gone)))
            for (zone_id, fqdn), gone in values.items()
        )

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._calls.aclose()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. The right to change is proved by a batch that cannot apply."""
        zones = [text_of(zone) for zone in self._allowed.names]
        account = Inspection(self._calls, self._zones, self._signal)
        lines = await account.general()
        if all(line.ok is not False for line in lines):
            for name in names or zones:
                lines += await account.of_name(name, self.find_zone, whole_zone=name in zones)
        return Report(tuple(lines))


def _zone_id(text: str) -> str:
    found = _ZONE_ID.fullmatch(text.strip())
    if text.strip() and not found:
        raise ValueError(f"{text!r} is not the id of a hosted zone, such as Z0123456789ABC")
    return found[1] if found else ""
