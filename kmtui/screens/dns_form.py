"""The form of a DNS account: the provider first, then what it asks for; or changes of one."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.core.names import split_names
from kmtui.model import DnsAccount
from kmtui.screens.settingsform import Kind, SettingsForm, Stored, notes_facts


class DnsForm(SettingsForm):
    """The form is generated from the provider's fields; its secrets are typed without echo."""

    ROOT = "DNS"
    NOUN = "DNS account"
    WHAT = "DNS account"
    KIND_LABEL = "Provider"

    def __init__(self, account: DnsAccount | None = None) -> None:
        """A new one, or changes of `account`."""
        super().__init__(
            Stored(
                id=account.id,
                name=account.name,
                kind=account.provider,
                settings={**account.settings, "zones": ", ".join(account.zones)},
                secret_names=account.secret_names,
            )
            if account
            else None
        )

    def kinds(self) -> Sequence[Kind]:
        from kmtui.core.dns.settings import all_fields

        return [
            Kind(
                name=provider.name,
                title=provider.title,
                fields=all_fields(provider),
                facts=(
                    ("Right", provider.least_right),
                    *notes_facts(provider.notes),
                    ("Example", (provider.example, "muted")),
                    ("See", (provider.docs, "muted")),
                ),
            )
            for provider in self.core.dns_accounts.providers()
        ]

    async def add(
        self, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        zones = split_names(settings.pop("zones", ""))
        account = await self.core.dns_accounts.add(
            name, provider=kind, settings=settings, secrets=secrets, zones=zones
        )
        self.made = account.id
        return f"{account.name} added: t tests it, m maps names to it"

    async def change(
        self, stored: Stored, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        zones = settings.pop("zones", None)
        account = await self.core.dns_accounts.update(
            stored.id,
            settings=settings,
            secrets=secrets,
            zones=None if zones is None else split_names(zones),
        )
        return f"{account.name} changed: t tests it"
