"""End servers: where http-01 answers are served, and certificates are put."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Mapping as MappingType
from collections.abc import Sequence

from sqlmodel import Session

from kmtui.core.challenges.trial import seen
from kmtui.core.checks import findings, refuse_in_use, remembered
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.events import EndServerChanged
from kmtui.core.recent import Recent
from kmtui.core.servers import registry
from kmtui.core.servers.host import Host
from kmtui.core.servers.host_keys import HostKey
from kmtui.core.servers.server import EndServer as Server
from kmtui.core.servers.server import Shared
from kmtui.core.servers.ssh_login import address_of
from kmtui.db import servers as rows
from kmtui.db.secrets import delete_for as forget
from kmtui.model import CheckLine, EndServer, Mapping


class EndServers:
    """The end servers an operator set up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shared = Shared()
        self.recent = Recent(context, rows.list_all, EndServerChanged)
        """All of them as they were within the last second: for the work on requests."""

    def kinds(self) -> list[type[Server]]:
        """What can be set up, with the fields each kind asks for."""
        return registry.kinds()

    async def all(self) -> list[EndServer]:
        """All end servers by name."""
        return await self._context.db.read(rows.list_all)

    async def sealed(self) -> Sequence[EndServer]:
        """Those whose settings are sealed: all of them."""
        return await self.all()

    async def get(self, word: str) -> EndServer:
        """The end server of that name or id. Raises NotFound."""
        found = await self._context.db.read(lambda session: rows.get(session, word))
        if found is None:
            raise NotFound(f"no end server is named {word}", hint="kmtui server list shows them")
        return found

    async def add(
        self,
        name: str,
        *,
        kind: str,
        settings: dict[str, str],
        secrets: dict[str, str] | None = None,
    ) -> EndServer:
        """Set up an end server. Raises InvalidInput naming the field."""
        self._context.access.require_change()
        if not name.strip():
            raise InvalidInput("an end server needs a name", field="name")
        checked, given = await self._checked(kind, settings, secrets or {})
        server = EndServer(
            id=str(uuid.uuid4()),
            name=name,
            kind=kind,
            settings=checked,
            secret_names=tuple(sorted(given)),
            created_at=self._context.clock(),
        )

        def store(session: Session) -> None:
            if rows.get(session, name) is not None:
                raise InvalidInput(f"an end server is named {name} already", field="name")
            rows.insert(session, server)
            self._context.seals.put(session, server)
            self._seal(session, server, given)
            detail = f"{kind}{_pinned(checked)}"
            self._context.record(session, "server add", "server", server.id, name, detail=detail)

        await self._context.db.write(store)
        self._context.bus.publish(EndServerChanged(server.id))
        return server

    async def update(
        self,
        word: str,
        *,
        settings: MappingType[str, str] | None = None,
        secrets: MappingType[str, str] | None = None,
    ) -> EndServer:
        """Change what is given of an end server; an empty value takes a setting or secret away.

        Raises InvalidInput naming the field, TamperedConfiguration; Refused when somebody else
        changed it at the same time.
        """
        self._context.access.require_change()
        before = await self.get(word)
        await self._context.seals.require(before)
        held = await self._secrets_of(before)
        changes = {**(settings or {}), **(secrets or {})}
        checked, given = await self._checked(
            before.kind, {**before.settings, **(settings or {})}, {**held, **(secrets or {})}
        )
        after = dataclasses.replace(
            before,
            settings=checked,
            secret_names=tuple(sorted(given)),
            # The last test was one of something else.
            last_test_at=None,
            last_test_ok=None,
            last_test_detail="",
        )

        def store(session: Session) -> None:
            if rows.get(session, before.id) != before:
                raise Refused(
                    f"{before.name} was changed meanwhile", hint="look at it, then try again"
                )
            rows.update(
                session,
                after.id,
                settings=checked,
                last_test_at=None,
                last_test_ok=None,
                last_test_detail="",
            )
            self._context.seals.put(session, after)
            for name in held.keys() - given.keys():
                forget(session, rows.OWNER, after.id, kind=name)
            self._seal(session, after, {n: v for n, v in given.items() if held.get(n) != v})
            detail = ", ".join(sorted(changes))
            if "host_key" in changes:
                detail += _pinned(checked)
            self._context.record(
                session, "server update", "server", after.id, after.name, detail=detail
            )

        await self._context.db.write(store)
        self._context.bus.publish(EndServerChanged(after.id))
        return after

    async def host_key(self, host: str, port: int | str = "") -> HostKey:
        """The key an SSH server shows to whom it does not know, to be compared by a human.

        Nothing is sent to it. Raises InvalidInput, EndServerError.
        """
        address = address_of({"host": host, "port": str(port)})
        return await self._shared.connections.offered_key(address)

    async def open(
        self, server: EndServer, *, webroot: str | None = None, shared: Shared | None = None
    ) -> Server:
        """The working server with its secrets unsealed; a mapping's `webroot` replaces its own.

        Raises VaultLocked, TamperedConfiguration.
        """
        await self._context.seals.require(server)
        secrets = await self._secrets_of(server)
        settings = {**server.settings, "webroot": webroot} if webroot else server.settings
        return registry.create(server.kind, settings, secrets, shared or self._shared)

    async def host(self, server: EndServer) -> Host:
        """The machine it stands on, for certificates; `close` it after use.

        Raises Refused for a kind that takes no files, VaultLocked, TamperedSecret.
        """
        host = (await self.open(server)).host()
        if host is None:
            raise Refused(
                f"{server.name} is a listener: certificates cannot be put there",
                hint="set up an end server of the kind local or ssh",
            )
        return host

    async def test(self, word: str) -> list[CheckLine]:
        """Try what an issuance would need, and remember the result."""
        server = await self.get(word)
        lines = await findings(self._look(server))
        if not self._context.access.read_only:
            result = remembered(lines, self._context.clock())
            await self._context.db.write(lambda session: rows.update(session, server.id, **result))
            self._context.bus.publish(EndServerChanged(server.id))
        return lines

    async def _look(self, server: EndServer) -> Sequence[CheckLine]:
        # A connection from before would hide that the machine shows another key since.
        async with self._shared.anew() as shared:
            opened = await self.open(server, shared=shared)
            lines = list(await opened.check())
            if opened.probe is not None and all(line.ok is not False for line in lines):
                name = await self._mapped_name(server) or opened.probe.host
                lines.append(await seen(opened, name))
        return lines

    async def _mapped_name(self, server: EndServer) -> str:
        """A name that is served there, for web servers that tell their sites by name."""
        patterns = [mapping.pattern.removeprefix(".") for mapping in await self.used_by(server.id)]
        return next((pattern for pattern in patterns if not pattern.startswith("*")), "")

    async def _checked(
        self, kind: str, settings: MappingType[str, str], secrets: MappingType[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Settings and secrets fit to be stored. Raises InvalidInput."""

        def check() -> tuple[dict[str, str], dict[str, str]]:
            given = {name: v for name, v in registry.contents(kind, secrets).items() if v}
            return registry.checked(kind, registry.contents(kind, settings), given), given

        return await asyncio.to_thread(check)

    async def _secrets_of(self, server: EndServer) -> dict[str, str]:
        """Raises VaultLocked, TamperedSecret."""
        return {
            name: (
                await self._context.secrets.open(
                    owner_table=rows.OWNER, owner_id=server.id, kind=name
                )
            ).decode()
            for name in server.secret_names
        }

    def _seal(self, session: Session, server: EndServer, secrets: MappingType[str, str]) -> None:
        for name, value in secrets.items():
            self._context.secrets.seal(
                session,
                owner_table=rows.OWNER,
                owner_id=server.id,
                kind=name,
                value=value.encode(),
                replace=True,
            )

    async def used_by(self, word: str) -> list[Mapping]:
        """The mappings that send names here."""
        server = await self.get(word)
        return await self._context.db.read(lambda session: rows.mappings_of(session, server.id))

    async def delete(self, word: str) -> None:
        """Remove an end server that no mapping uses."""
        self._context.access.require_change()
        server = await self.get(word)
        refuse_in_use(server.name, await self.used_by(server.id))

        def remove(session: Session) -> None:
            rows.delete(session, server.id)
            self._context.record(session, "server delete", "server", server.id, server.name)

        await self._context.db.write(remove)
        self._context.bus.publish(EndServerChanged(server.id))

    async def close(self) -> None:
        """Stop listeners that still run, and close connections."""
        await self._shared.close()


def _pinned(settings: MappingType[str, str]) -> str:
    """For the activity: which host key is trusted from now on."""
    return f"; pinned {settings['host_key']}" if settings.get("host_key") else ""
