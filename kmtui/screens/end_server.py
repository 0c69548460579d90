"""One end server: its fields and host key, the names and certificates that lead to it, its test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.core.together import together
from kmtui.model import CheckLine, EndServer, Target, TargetState
from kmtui.screens.checklines import last_test_fact
from kmtui.screens.detailpage import DetailPage, mapping_facts, setting_facts
from kmtui.screens.host_key import HOST_KEY, changed_facts, pin_of
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.request_keys import LOCKED
from kmtui.screens.server_form import ServerForm
from kmtui.screens.setuplist import ask_to_delete
from kmtui.screens.target_words import on_server_facts
from kmtui.screens.tasks import Work
from kmtui.status import when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.servers.server import EndServer as Kind


class EndServerScreen(DetailPage):
    """The sheet of one end server; the lines of a test stand on top."""

    ROOT = "Servers"
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "test", "edit", "map", "delete", "copy", "last_error", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("edit", "map", "delete", show=False)]
    _server: EndServer | None = None
    _targets: Sequence[Target] = ()
    _warning: Sequence[Fact] = ()
    """Both fingerprints, when the last test met another host key than the pinned one."""

    async def facts(self) -> Sequence[Fact]:
        server = self._server = await self.core.end_servers.get(self.thing)
        used = await self.core.end_servers.used_by(server.id)
        self._targets = await self.core.targets.of_server(server.id)
        kind = next(
            (each for each in self.core.end_servers.kinds() if each.kind == server.kind), None
        )
        pin = await pin_of(self.core, server)
        fields = [
            field for field in (kind.fields if kind else ()) if not pin or field.name != HOST_KEY
        ]
        return [
            *self._warning,
            ("Name", (server.name, "strong")),
            ("Kind", kind.title if kind else server.kind),
            last_test_fact(server),
            *([("Host key", pin.words)] if pin else []),
            *mapping_facts(used),
            *on_server_facts(self._targets),
            *setting_facts(fields, server.settings, server.secret_names),
            ("Added", when(server.created_at)),
        ]

    async def test(self) -> Sequence[CheckLine]:
        """Try the end server, then look what each target there serves."""
        lines = await self.core.end_servers.test(self.thing)
        server = await self.core.end_servers.get(self.thing)
        self._warning = [] if server.last_test_ok else await changed_facts(self.core, server)
        return [*lines, *await together(self._served(target) for target in self._targets)]

    async def _served(self, target: Target) -> CheckLine:
        """What one target serves now."""
        name = f"{target.certificate} {target.name}"
        if target.version is None:
            return CheckLine(None, f"{name}: nothing was put there yet")
        ((_, served),) = await self.core.deployments.verify(
            target.certificate_id, target=target.name
        )
        if served is None:
            return CheckLine(None, f"{name}: nobody can look what it serves")
        return CheckLine(served.outcome == TargetState.VERIFIED, f"{name}: {served.detail}")

    def against(self, key: str) -> str:
        server = self._server
        if server is None:
            return ""
        return against_server(key, server, self._targets, locked=self.core.access.locked)

    def action_edit(self) -> None:
        if self._server is not None:
            self.app.push_screen(ServerForm(self._server))

    def action_map(self) -> None:
        self.app.push_screen(MappingsScreen(Place("server", self.thing, self.name_shown)))

    def action_delete(self) -> None:
        if self._server is not None:
            ask_to_delete(self, *server_deletion(self.core, self._server), then=self.action_back)


def where_of(server: EndServer, kind: type[Kind] | None) -> str:
    """Where it serves, as its kind says it."""
    return kind.where(server.settings) if kind else ""


def against_server(key: str, server: EndServer, targets: Sequence[Target], *, locked: bool) -> str:
    """Why a key can do nothing to this end server now; empty when it can."""
    if key == "test" and locked and server.secret_names:
        return f"test: {LOCKED}"
    if key == "delete" and server.mapped:
        return f"delete: mappings lead to it ({server.mapped}): m shows them"
    if key == "delete" and targets:
        return f"delete: {targets[0].certificate} is put there ({len(targets)} in all)"
    return ""


def server_deletion(core: Core, server: EndServer) -> tuple[str, str, Callable[[], Work]]:
    """Name, consequence and doing of a deletion."""
    said = (
        f"The end server {server.name} goes from kmtui.\n"
        "Nothing changes on the host itself. There is no undo."
    )
    return server.name, said, lambda: core.end_servers.delete(server.id)
