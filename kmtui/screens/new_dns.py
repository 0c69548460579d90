"""New DNS account: the provider first, then what it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.core.names import split_names
from kmtui.screens.settingsform import Kind, SettingsForm


class NewDnsScreen(SettingsForm):
    """The form is generated from the provider's fields; its secrets are typed without echo."""

    CRUMBS = ("DNS", "New DNS account")
    WHAT = "add DNS account"
    KIND_LABEL = "Provider"

    def kinds(self) -> Sequence[Kind]:
        from kmtui.core.dns.settings import all_fields

        return [
            Kind(
                name=provider.name,
                title=provider.title,
                fields=all_fields(provider),
                facts=(("Right", provider.least_right), ("See", provider.docs)),
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
