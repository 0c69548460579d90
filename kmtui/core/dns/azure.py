"""Azure DNS, through Azure Resource Manager."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

import dns.name

from kmtui.core.dns.azure_arm import ResourceManager
from kmtui.core.dns.azure_entra import Entra
from kmtui.core.dns.azure_identity import sign_ins
from kmtui.core.dns.azure_login import Login
from kmtui.core.dns.azure_managed import Platform
from kmtui.core.dns.azure_records import TxtSets, txt_path
from kmtui.core.dns.azure_token import CLOUDS
from kmtui.core.dns.azure_zones import AzureZones, ResourceId
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.provider import (
    NOTHING_AROUND,
    Caps,
    Report,
    Secrets,
    Surroundings,
    TxtHandle,
    Zone,
    failure_lines,
)
from kmtui.core.dns.settings import base_url, read
from kmtui.core.dns.zones import AllowedZones
from kmtui.core.errors import DnsProviderError, KmtuiError
from kmtui.model import CheckLine, Field

KEEP = {"auto": None, "yes": True, "no": False}
MOST_SHOWN = 10
"""Zones in one line of a report."""


class AzureDns:
    """Public zones of Azure DNS, as an application or managed identity may change them."""

    name: ClassVar[str] = "azure"
    title: ClassVar[str] = "Azure DNS"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="auth",
            label="Sign in by",
            default="auto",
            choices=("auto", "secret", "certificate", "workload", "managed", "cli"),
            help="auto: the first of the others that this account and this host offer.",
        ),
        Field(
            name="tenant_id",
            label="Tenant ID",
            help="Directory (tenant) ID or domain; for secret and certificate.",
        ),
        Field(
            name="client_id",
            label="Client ID",
            help="Application (client) ID, or that of a user-assigned managed identity.",
        ),
        Field(
            name="client_secret",
            label="Client secret",
            secret=True,
            help="The secret's value, not its ID.",
        ),
        Field(
            name="certificate",
            label="Certificate",
            secret=True,
            help="PEM with certificate and private key, or a PFX file as base64.",
        ),
        Field(
            name="certificate_password", label="Password of the certificate", secret=True, rare=True
        ),
        Field(
            name="subscription_id",
            label="Subscription ID",
            help="Empty: every subscription that the identity sees.",
        ),
        Field(
            name="resource_group",
            label="Resource group",
            help="Only zones of this one; empty: of all.",
        ),
        Field(
            name="zone_id",
            label="Resource ids",
            help="Of zones or of TXT record sets, separated by commas: nothing is listed then.",
            rare=True,
        ),
        Field(
            name="keep_record",
            label="Keep record sets",
            default="auto",
            choices=("auto", "yes", "no"),
            help="Leave `-` in a record set instead of deleting it, as a role or a lock on it "
            "needs; auto: those named above, and those that may not be deleted.",
            rare=True,
        ),
        Field(name="cloud", label="Cloud", default="public", choices=tuple(CLOUDS), rare=True),
        Field(
            name="login_url",
            label="Login address",
            help="Only when it is not that of the cloud.",
            rare=True,
        ),
        Field(
            name="base_url",
            label="API address",
            help="Of Azure Resource Manager, only when it is not that of the cloud.",
            rare=True,
        ),
    )
    caps: ClassVar[Caps] = Caps(semantics="rrset", min_ttl=1)
    least_right: ClassVar[str] = (
        "Reader on the zone and DNS Zone Contributor on its TXT record set _acme-challenge; or a "
        "custom role with Microsoft.Network/dnszones/read and "
        "Microsoft.Network/dnszones/TXT/{read,write,delete}"
    )
    example: ClassVar[str] = (
        "kmtui dns add azure-prod --provider azure "
        "--set tenant_id=11111111-2222-3333-4444-555555555555 "
        "--set client_id=66666666-7777-8888-9999-000000000000 "
        "--set subscription_id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee "
        "--secret client_secret=@client-secret.txt --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "`az ad sp create-for-rbac` makes an application with a secret; on Azure itself a managed "
        "identity needs none, and nothing has to be set.",
        "New role assignments take minutes until they count.",
        "An identity whose role is on one record set cannot list zones: give the record set's "
        "resource id as `zone_id`. It is never deleted then, for its role would go with it.",
        "Private zones cannot be used: no public CA can see them.",
        "In large organisations set `subscription_id`: else every subscription is looked through.",
    )
    docs: ClassVar[str] = "https://learn.microsoft.com/rest/api/dns/record-sets"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        platform: Platform | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`platform` is where this machine would offer its identity."""
        given = {name: value.strip() for name, value in settings.items() if value.strip()}
        cloud = CLOUDS[given.get("cloud", "public")]
        self._allowed = AllowedZones(given)
        self._keep = KEEP[given.get("keep_record", "auto")]
        configured = read("zone_id", ResourceId.parse_list, given.get("zone_id", ""))
        self._entra = Entra(
            read("login_url", base_url, given.get("login_url", cloud.login)), cloud.scope
        )
        environment = surroundings.environment
        ways = sign_ins(given, secrets, self._entra, cloud, environment, platform or Platform())
        self._login = Login(ways, clock=clock)
        self._arm = ResourceManager(
            read("base_url", base_url, given.get("base_url", cloud.arm)), self._login
        )
        self._sets = TxtSets(self._arm)
        self._zones = AzureZones(
            self._arm,
            configured=configured,
            subscription=given.get("subscription_id", ""),
            resource_group=given.get("resource_group", ""),
            public=surroundings.public_nameservers,
            clock=clock,
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints: none."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. Rights are shown by writes whose condition cannot hold."""
        try:
            await self._login.token()
            lines = [*self._login.lines(), *await self._check_zones()]
        except DnsProviderError as error:
            return Report((*self._login.lines(), *failure_lines(error)))
        for name in self._names_to_check(names):
            lines += await self._check_name(name)
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        self._allowed.require(fqdn)
        return await self._zones.find(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One write on the condition that nobody else wrote meanwhile."""
        name = parse_name(fqdn)
        ttl = max(ttl, self.caps.min_ttl)
        kept = self._keeps(name) is True
        await self._sets.add(_path(zone.id, zone.name, name), values, ttl, kept=kept)
        return [TxtHandle.of(zone, fqdn, value) for value in sorted(values)]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Azure says nothing of its name servers."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. One write for each name."""
        by_name: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        for handle in handles:
            by_name[handle.zone_id, handle.zone_name, handle.fqdn].add(handle.value)
        for (zone_id, zone, fqdn), values in by_name.items():
            name = parse_name(fqdn)
            path = _path(zone_id, parse_name(zone), name)
            await self._sets.remove(path, values, keep=self._keeps(name))

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._arm.api.aclose()
        await self._entra.api.aclose()

    def _keeps(self, name: dns.name.Name) -> bool | None:
        """Whether the record set of `name` stays when nothing is left; None: if need be."""
        if self._keep is None and any(known.record == name for known in self._zones.configured):
            return True
        return self._keep

    async def _check_zones(self) -> list[CheckLine]:
        """The zones that can be seen. Raises DnsProviderError."""
        configured = self._zones.configured
        if not configured:
            zones = [zone.text for zone in await self._zones.listed()]
            if not zones:
                hint = "give it the role Reader on the zone, or set `zone_id`"
                return [CheckLine(False, "the identity sees no zone"), CheckLine(None, hint)]
            shown = ", ".join(zones[:MOST_SHOWN])
            more = f" and {len(zones) - MOST_SHOWN} more" if len(zones) > MOST_SHOWN else ""
            return [CheckLine(True, f"the identity sees {shown}{more}")]
        seen = [await self._zones.seen(known) for known in configured if known.record is None]
        return [
            CheckLine(True, f"the identity sees {zone.text}")
            if zone.nameservers
            else CheckLine(None, f"the identity may not look at {zone.text} as a whole")
            for zone in seen
        ]

    def _names_to_check(self, names: Sequence[str]) -> list[str]:
        """The record sets of `names`: where ids of record sets are given, those instead of the
        account's zones."""
        records = [text_of(known.record) for known in self._zones.configured if known.record]
        own = [text_of(zone) for zone in self._allowed.names]
        wanted = [name for name in names if not (records and name in own)]
        return [*wanted, *(records if len(wanted) < len(names) or not names else ())]

    async def _check_name(self, text: str) -> list[CheckLine]:
        """Whether the TXT record of a certificate's name, or that very name, can be changed."""
        try:
            name = read("name", parse_name, text.removeprefix("*."))
            if not name.labels[0].startswith(b"_"):
                name = dns.name.Name((b"_acme-challenge", *name.labels))
            zone = await self.find_zone(text_of(name))
            path = _path(zone.id, zone.name, name)
            there = await self._sets.prove_change(path)
            lines = [CheckLine(True, f"TXT at {text_of(name)} in zone {zone.text} can be changed")]
            if not there and self._keeps(name) is not True:
                lines += await self._check_delete(path)
        except KmtuiError as error:
            return list(failure_lines(error))
        return lines

    async def _check_delete(self, path: str) -> Sequence[CheckLine]:
        try:
            await self._sets.prove_delete(path)
        except DnsProviderError as error:
            if self._keep is None and error.kind == "permission":
                return (CheckLine(None, "it cannot be deleted: `-` will be left in it"),)
            return failure_lines(error)
        return ()


def _path(zone_id: str, zone: dns.name.Name, name: dns.name.Name) -> str:
    try:
        return txt_path(zone_id, zone, name)
    except ValueError as error:
        raise DnsProviderError(
            str(error),
            kind="invalid_request",
            hint="it was noted by another program or account; remove the record by hand",
        ) from error
