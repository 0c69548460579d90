"""The form of an end server: the kind first, then what it asks for; or changes of one.

A kind that logs in somewhere needs the key of its host pinned. Where none is typed, the key that
the server shows is fetched, without sending anything, and pinned after a typed yes.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from kmtui.core.errors import InvalidInput, KmtuiError
from kmtui.core.servers.host_keys import HostKey
from kmtui.model import EndServer
from kmtui.screens.host_key import HOST_KEY, PINS, Pin, ask_to_pin, offer_facts, pin_of
from kmtui.screens.settingsform import Kind, SettingsForm, Stored, notes_facts


class ServerForm(SettingsForm):
    """The form is generated from the fields of the kind; its secrets are typed without echo."""

    ROOT = "Servers"
    NOUN = "end server"
    WHAT = "end server"

    def __init__(self, server: EndServer | None = None) -> None:
        """A new one, or changes of `server`."""
        self._server = server
        self._pin: Pin | None = None
        self._asked: tuple[str, str] = ("", "")
        """Host and port whose key was asked for last."""
        super().__init__(
            Stored(
                id=server.id,
                name=server.name,
                kind=server.kind,
                settings=server.settings,
                secret_names=server.secret_names,
            )
            if server
            else None
        )

    def kinds(self) -> Sequence[Kind]:
        return [
            Kind(
                name=kind.kind,
                title=kind.title,
                fields=tuple(kind.fields),
                facts=tuple(notes_facts(kind.notes)),
            )
            for kind in self.core.end_servers.kinds()
        ]

    async def ready(self) -> None:
        await super().ready()
        if self._server is not None and self._pin is None:
            self._pin = await pin_of(self.core, self._server)
            self._look_at_key()

    # Host keys

    @property
    def _pins_keys(self) -> bool:
        return any(field.name == HOST_KEY for field in self.kind.fields)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A field was left: who logs in where may be known now."""
        self._look_at_key()

    def _look_at_key(self) -> None:
        """Fetch the key of the host that was typed, once, to tell it beside the form."""
        if not self._kinds or not self._pins_keys or not self.form.text("user"):
            return
        where = self.form.text("host"), self.form.text("port")
        if where[0] and where != self._asked:
            self._asked = where
            self.run_worker(self._show_key(*where), group="host-key", exclusive=True)

    async def _show_key(self, host: str, port: str) -> None:
        offered: HostKey | None = None
        problem = ""
        try:
            offered = await self.core.end_servers.host_key(host, port)
        except KmtuiError as error:
            problem = error.message
        moved = self._server is not None and (host, port) != (
            self._server.settings.get("host", ""),
            self._server.settings.get("port") or port,
        )
        facts = offer_facts(offered, problem, None if moved else self._pin)
        self.about.show([*facts, *self.kind.facts])

    def action_send(self) -> None:
        """Send it; where no host key is pinned, the one that the server shows is asked about."""
        if not self._pins_keys or any(self.form.text(name) for name in PINS):
            super().action_send()
        elif self.form.complete():
            self.say("fetching the host key…", "working")
            self.start(self._ask_to_pin(), "host key")

    async def _ask_to_pin(self) -> None:
        host, port = self.form.text("host"), self.form.text("port")
        try:
            offered = await self.core.end_servers.host_key(host, port)
        except InvalidInput as error:
            self.show_refusal(error)
            return
        self.say("")

        def pinned() -> None:
            self.form.set_values({HOST_KEY: offered.sha256})
            super(ServerForm, self).action_send()

        ask_to_pin(self, f"{host}:{port}" if port else host, offered, self._pin, pinned)

    # Sending

    async def add(
        self, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        server = await self.core.end_servers.add(
            name, kind=kind, settings=settings, secrets=secrets
        )
        self.made = server.id
        return f"{server.name} added: t tests it, m maps names to it"

    async def change(
        self, stored: Stored, settings: dict[str, str], secrets: dict[str, str]
    ) -> str:
        server = await self.core.end_servers.update(stored.id, settings=settings, secrets=secrets)
        return f"{server.name} changed: t tests it"
