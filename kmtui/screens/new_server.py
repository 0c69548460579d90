"""New end server: the kind first, then what it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.screens.settingsform import Kind, SettingsForm


class NewServerScreen(SettingsForm):
    """The form is generated from the fields of the kind."""

    CRUMBS = ("Servers", "New end server")
    WHAT = "add end server"

    def kinds(self) -> Sequence[Kind]:
        return [
            Kind(name=kind.kind, title=kind.title, fields=tuple(kind.fields))
            for kind in self.core.end_servers.kinds()
        ]

    async def add(
        self, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        server = await self.core.end_servers.add(
            name, kind=kind, settings=settings, secrets=secrets
        )
        self.made = server.id
        return f"{server.name} added: t tests it, m maps names to it"
