"""DNS accounts: a provider, its credentials, its zones and the propagation policy."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import dns.name
from sqlmodel import Session

from kmtui.core.checks import findings, refuse_in_use, remembered
from kmtui.core.context import Context
from kmtui.core.dns import registry
from kmtui.core.dns.authority import Authorities, require_delegated
from kmtui.core.dns.cuts import MOST_HOMES
from kmtui.core.dns.gated import GatedProvider
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider, Secrets, Surroundings, Zone
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.dns.settings import common
from kmtui.core.errors import DnsLookupFailed, InvalidInput, NotFound, Refused
from kmtui.core.events import DnsAccountChanged, Event, VaultChanged
from kmtui.core.names import normalise_zone
from kmtui.core.recent import Recent
from kmtui.db import dns as rows
from kmtui.db.secrets import delete_for as forget
from kmtui.db.secrets import ids
from kmtui.model import CheckLine, DnsAccount, Mapping

TEST_SECONDS = 60.0
"""The longest a test of an account takes."""
ZONE_MEMORY = 60.0
"""Seconds for which the zone of a name is not asked for again."""


class OpenedDns:
    """A DNS account at work: its provider, and what is known of the name servers of its zones."""

    def __init__(self, account: DnsAccount, secrets: Secrets, *, locks: Path | None = None) -> None:
        """Raises InvalidInput. `locks` is the directory in which processes wait for each other."""
        self.account = account
        wanted = {**account.settings, "zones": ",".join(account.zones)}
        around = Surroundings(
            public_nameservers=self._public_nameservers, environment=dict(os.environ)
        )
        self.provider = GatedProvider(
            registry.open_provider(account.provider, wanted, secrets, around), locks=locks
        )
        kind = registry.provider_class(account.provider)
        self.caps = kind.caps
        self.settings = common(kind, account.settings)
        self._zones: dict[str, tuple[float, Zone]] = {}

    async def find_zone(self, fqdn: str) -> Zone:
        """The zone to change for `fqdn`, and the one the Internet uses.

        Raises DnsProviderError: as DnsProvider.find_zone, or ``zone_not_delegated_here``.
        """
        now = asyncio.get_running_loop().time()
        until, zone = self._zones.get(fqdn, (0.0, None))
        if zone is None or now >= until:
            zone = await self.provider.find_zone(fqdn)
            if self.settings.check_delegation and zone.nameservers:
                with suppress(DnsLookupFailed):  # Nothing can be said from here.
                    await require_delegated(zone, fqdn, self.authorities)
            if len(self._zones) >= MOST_HOMES:
                self._zones.clear()
            self._zones[fqdn] = (now + ZONE_MEMORY, zone)
        return zone

    async def _public_nameservers(self, zone: dns.name.Name) -> frozenset[str]:
        try:
            cut = await self.authorities.zone_cut(zone)
        except DnsLookupFailed:
            return frozenset()
        return cut.server_names if cut.zone == zone else frozenset()

    @cached_property
    def resolvers(self) -> Resolvers:
        """Raises DnsLookupFailed when the account names none and this host has none."""
        return Resolvers.parse(self.account.settings.get("resolvers", ""))

    @cached_property
    def authorities(self) -> Authorities:
        """Raises DnsLookupFailed as `resolvers`."""
        return Authorities(self.resolvers, endpoints=self.provider.endpoints)

    def serves(self, account: DnsAccount) -> bool:
        """Whether `account` is still set up as it was when it was opened."""
        return (self.account.settings, self.account.zones, self.account.secret_names) == (
            account.settings,
            account.zones,
            account.secret_names,
        )


class DnsAccounts:
    """The DNS accounts an operator set up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._opened: dict[str, tuple[OpenedDns, frozenset[str]]] = {}
        """Accounts at work, with the ids of the secrets they were opened with: another process may
        replace those."""
        self._opening = asyncio.Lock()
        self.recent = Recent(context, rows.list_all, DnsAccountChanged)
        """All of them as they were within the last second: for the work on requests."""
        self._sealed = Recent(context, lambda session: ids(session, rows.OWNER), DnsAccountChanged)
        context.bus.subscribe(self._forget)

    def providers(self) -> list[type[DnsProvider]]:
        """What can be set up; `kmtui.core.dns.settings.all_fields` gives what each asks for."""
        return [registry.provider_class(name) for name in registry.provider_names()]

    async def all(self) -> list[DnsAccount]:
        """All DNS accounts by name."""
        return await self._context.db.read(rows.list_all)

    async def sealed(self) -> Sequence[DnsAccount]:
        """Those whose settings are sealed: all of them."""
        return await self.all()

    async def get(self, word: str) -> DnsAccount:
        """The DNS account of that name or id. Raises NotFound."""
        found = await self._context.db.read(lambda session: rows.get(session, word))
        if found is None:
            raise NotFound(f"no DNS account is named {word}", hint="kmtui dns list shows them")
        return found

    async def add(
        self,
        name: str,
        *,
        provider: str,
        settings: MappingType[str, str],
        secrets: MappingType[str, str],
        zones: Sequence[str],
    ) -> DnsAccount:
        """Set up a DNS account. Raises InvalidInput naming the field."""
        self._context.access.require_change()
        if not name.strip():
            raise InvalidInput("a DNS account needs a name", field="name")
        checked, given = _checked(provider, settings, secrets, zones)
        account = DnsAccount(
            id=str(uuid.uuid4()),
            name=name,
            provider=provider,
            settings=checked,
            secret_names=tuple(sorted(given)),
            zones=tuple(normalise_zone(zone) for zone in zones),
            created_at=self._context.clock(),
        )

        def store(session: Session) -> None:
            if rows.get(session, name) is not None:
                raise InvalidInput(f"a DNS account is named {name} already", field="name")
            rows.insert(session, account)
            self._context.seals.put(session, account)
            self._seal(session, account, given)
            self._context.record(session, "dns add", "dns", account.id, name, detail=provider)

        await self._context.db.write(store)
        self._context.bus.publish(DnsAccountChanged(account.id))
        return account

    async def update(
        self,
        word: str,
        *,
        settings: MappingType[str, str] | None = None,
        secrets: MappingType[str, str] | None = None,
        zones: Sequence[str] | None = None,
    ) -> DnsAccount:
        """Change what is given of a DNS account; an empty value takes a setting or secret away.

        `zones` replace the former ones. What runs goes on with what it holds. Raises InvalidInput
        naming the field, TamperedConfiguration; Refused when somebody else changed it meanwhile.
        """
        self._context.access.require_change()
        before = await self.get(word)
        await self._context.seals.require(before)
        held = await self._secrets_of(before)
        wanted = before.zones if zones is None else [zone for zone in zones if zone.strip()]
        checked, given = _checked(
            before.provider,
            {**before.settings, **(settings or {})},
            {**held, **(secrets or {})},
            wanted,
        )
        changed: dict[str, Any] = {
            "settings": checked,
            "zones": tuple(map(normalise_zone, wanted)),
            # The last test was one of something else.
            "last_test_at": None,
            "last_test_ok": None,
            "last_test_detail": "",
        }
        after = replace(before, secret_names=tuple(sorted(given)), **changed)
        named = {**(settings or {}), **(secrets or {}), **({} if zones is None else {"zones": ""})}

        def store(session: Session) -> None:
            if rows.get(session, before.id) != before:
                raise Refused(
                    f"{before.name} was changed meanwhile", hint="look at it, then try again"
                )
            rows.update(session, after.id, **changed)
            self._context.seals.put(session, after)
            for name in held.keys() - given.keys():
                forget(session, rows.OWNER, after.id, kind=name)
            self._seal(session, after, {n: v for n, v in given.items() if held.get(n) != v})
            detail = ", ".join(sorted(named))
            self._context.record(session, "dns update", "dns", after.id, after.name, detail=detail)

        await self._context.db.write(store)
        self._context.bus.publish(DnsAccountChanged(after.id))
        return after

    async def open(self, account: DnsAccount) -> OpenedDns:
        """The account at work, shared by all who open it until it changes or the vault locks.

        Raises VaultLocked, TamperedSecret.
        """
        async with self._opening:
            sealed = frozenset(id for owner, id in await self._sealed.all() if owner == account.id)
            opened, opened_with = self._opened.get(account.id, (None, sealed))
            if opened is None or opened_with != sealed or not opened.serves(account):
                opened = await self._open(account)
                self._opened[account.id] = opened, sealed
            return opened

    async def close(self) -> None:
        """Release the connections of every account at work."""
        opened, self._opened = self._opened, {}
        for each, _ in opened.values():
            await each.provider.aclose()

    def _forget(self, event: Event) -> None:
        # What runs goes on with what it holds; the next one opens the account anew.
        if isinstance(event, VaultChanged):
            self._opened.clear()
        elif isinstance(event, DnsAccountChanged):
            self._opened.pop(event.id, None)

    async def _open(self, account: DnsAccount) -> OpenedDns:
        """The account with its secrets unsealed. Raises VaultLocked, TamperedConfiguration."""
        await self._context.seals.require(account)
        secrets = await self._secrets_of(account)
        return OpenedDns(account, secrets, locks=self._context.owners.directory)

    async def _secrets_of(self, account: DnsAccount) -> dict[str, str]:
        """Its secrets, unsealed. Raises VaultLocked, TamperedSecret."""
        return {
            name: (
                await self._context.secrets.open(
                    owner_table=rows.OWNER, owner_id=account.id, kind=name
                )
            ).decode()
            for name in account.secret_names
        }

    def _seal(self, session: Session, account: DnsAccount, secrets: MappingType[str, str]) -> None:
        for name, value in secrets.items():
            self._context.secrets.seal(
                session,
                owner_table=rows.OWNER,
                owner_id=account.id,
                kind=name,
                value=value.encode(),
                replace=True,
            )

    async def test(self, word: str, *, name: str | None = None) -> list[CheckLine]:
        """Ask the provider whether the credentials work, and remember the result."""
        account = await self.get(word)
        lines = await findings(self._look(account, [name] if name else account.zones))
        if not self._context.access.read_only:
            result = remembered(lines, self._context.clock())
            await self._context.db.write(lambda session: rows.update(session, account.id, **result))
            self._context.bus.publish(DnsAccountChanged(account.id))
        return lines

    async def _look(self, account: DnsAccount, names: Sequence[str]) -> Sequence[CheckLine]:
        opened = await self._open(account)
        try:
            with patience(TEST_SECONDS):
                return (await opened.provider.check(names)).lines
        finally:
            await opened.provider.aclose()

    async def used_by(self, word: str) -> list[Mapping]:
        """The mappings that send names here."""
        account = await self.get(word)
        return await self._context.db.read(lambda session: rows.mappings_of(session, account.id))

    async def delete(self, word: str) -> None:
        """Remove a DNS account that no mapping uses, and its secrets."""
        self._context.access.require_change()
        account = await self.get(word)
        refuse_in_use(account.name, await self.used_by(account.id))

        def remove(session: Session) -> None:
            rows.delete(session, account.id)
            self._context.record(session, "dns delete", "dns", account.id, account.name)

        await self._context.db.write(remove)
        self._context.bus.publish(DnsAccountChanged(account.id))


def _checked(
    provider: str,
    settings: MappingType[str, str],
    secrets: MappingType[str, str],
    zones: Sequence[str],
) -> tuple[dict[str, str], dict[str, str]]:
    """The settings and secrets that are set. Raises InvalidInput naming the field, NotFound."""
    kept = {name: value.strip() for name, value in settings.items() if value.strip()}
    given = {name: value for name, value in secrets.items() if value}
    # Opening it checks every setting and secret, and does nothing else.
    registry.open_provider(provider, {**settings, "zones": ",".join(zones)}, given)
    return kept, given
