"""Targets: where the versions of a certificate are put, set up and changed by an operator."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.deployment.settings import CHANGEABLE, CHECKS, KEY_MODE, refuse_for_hook
from kmtui.core.end_servers import EndServers
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.events import TargetChanged
from kmtui.core.servers.host import Host
from kmtui.db import certificates, deployments
from kmtui.db import targets as rows
from kmtui.model import Deployment, Target, TargetLayout, TargetState


class Targets:
    """The places that certificates are put to."""

    def __init__(self, context: Context, end_servers: EndServers) -> None:
        self._context = context
        self._end_servers = end_servers

    async def all(self) -> list[Target]:
        """Every target of certificates that are not archived, by certificate and name."""
        return await self._context.db.read(rows.list_all)

    async def sealed(self) -> Sequence[Target]:
        """Those whose settings are sealed: all of them."""
        return await self.all()

    async def of_certificate(self, word: str) -> list[Target]:
        """The targets of a certificate by name. Raises NotFound, Ambiguous."""
        return await self._context.db.read(
            lambda session: rows.of_certificate(session, certificates.get(session, word).id)
        )

    async def of_server(self, word: str) -> list[Target]:
        """The targets on an end server. Raises NotFound."""
        server = await self._end_servers.get(word)
        return await self._context.db.read(lambda session: rows.of_server(session, server.id))

    async def counts(self) -> dict[str, int]:
        """How many targets are in each state that any is in."""
        return await self._context.db.read(rows.counts)

    async def some(self, ids: Sequence[str]) -> list[Target]:
        """The targets of these ids that there are, by certificate and name."""
        return await self._context.db.read(lambda session: rows.some(session, ids))

    async def get(self, certificate: str, name: str) -> Target:
        """One target of a certificate, by its name or id. Raises NotFound, Ambiguous."""

        def found(session: Session) -> Target:
            owner = certificates.get(session, certificate)
            target = rows.named(session, owner.id, name)
            if target is None:
                raise NotFound(
                    f"{owner.name} has no target {name!r}",
                    hint=f"kmtui target list {owner.name} shows them",
                )
            return target

        return await self._context.db.read(found)

    async def host(self, target: Target) -> Host:
        """The machine of a target on an end server; `close` it after use.

        Raises NotFound, Refused, VaultLocked, TamperedConfiguration.
        """
        return await self._end_servers.host(await self._end_servers.get(target.server_id or ""))

    async def history(self, certificate: str, name: str | None = None) -> list[Deployment]:
        """The last attempts for a certificate, or for one of its targets, newest first."""
        if name is not None:
            target = await self.get(certificate, name)
            return await self._context.db.read(lambda s: deployments.of_target(s, target.id))
        return await self._context.db.read(
            lambda s: deployments.of_certificate(s, certificates.get(s, certificate).id)
        )

    async def add(
        self,
        certificate: str,
        name: str,
        *,
        server: str = "",
        hook: str = "",
        directory: str = "",
        layout: str = TargetLayout.PAIR,
        owner: str = "",
        mode: int = KEY_MODE,
        check_command: str = "",
        reload_command: str = "",
        verify: str = "",
        adopt: bool = False,
    ) -> Target:
        """Set up a target on an end server, or a hook; the current version is due there.

        Raises InvalidInput naming the option, NotFound, Refused where it cannot be.
        """
        self._context.access.require_change()
        if bool(server) == bool(hook):
            raise InvalidInput(
                "a target is on an end server, or it is a command that puts the files",
                field="server",
                hint="give --server and --dir, or --exec",
            )
        given = {
            "hook": hook,
            "directory": directory,
            "layout": layout,
            "owner": owner,
            "mode": mode,
            "check_command": check_command,
            "reload_command": reload_command,
            "verify": verify,
            "adopt": adopt,
        }
        if hook:
            refuse_for_hook(given)
        elif not directory:
            raise InvalidInput("where on the end server?", field="dir", hint="give --dir DIR")
        checked = {field: CHECKS[field](value) for field, value in given.items()}
        if hook:
            checked |= {"layout": "", "mode": 0}
        place = await self._end_servers.get(server) if server else None
        if place is not None:
            # Raises Refused for an end server that takes no files.
            await (await self._end_servers.host(place)).close()
        now = self._context.clock()

        def store(session: Session) -> Target:
            row = certificates.get(session, certificate)
            if rows.named(session, row.id, name) is not None:
                raise InvalidInput(f"{row.name} has a target {name} already", field="name")
            target = Target(
                id=str(uuid.uuid4()),
                certificate_id=row.id,
                certificate=row.name,
                name=CHECKS["name"](name),
                server_id=place.id if place else None,
                server=place.name if place else None,
                created_at=now,
                wanted_version=row.current_version,
                next_attempt_at=now if row.current_version else None,
                **checked,
            )
            rows.insert(session, target)
            self._context.seals.put(session, target)
            self._record(session, "target add", target, detail=_where(target))
            return target

        target = await self._context.db.write(store)
        self._context.bus.publish(TargetChanged(target.id))
        return target

    async def update(self, certificate: str, name: str, **changes: Any) -> Target:
        """Change settings of a target (`CHANGEABLE`); it is deployed to again with them.

        Raises NotFound, Ambiguous, InvalidInput naming the option.
        """
        self._context.access.require_change()
        if not changes:
            raise InvalidInput("nothing to change", hint="kmtui target update --help")
        target = await self.get(certificate, name)
        if target.hook:
            refuse_for_hook(changes)
        checked = {field: CHECKS[field](value) for field, value in changes.items()}
        if strange := checked.keys() - set(CHANGEABLE):
            raise TypeError(f"a target's {', '.join(sorted(strange))} cannot be changed")
        now = self._context.clock()

        def store(session: Session) -> Target:
            rows.update(session, target.id, **checked)
            if target.wanted_version is not None:
                rows.want(
                    session,
                    target.certificate_id,
                    target.wanted_version,
                    now,
                    only=[target.id],
                    forced=target.forced,
                )
            self._context.seals.put(session, replace(target, **checked))
            self._record(session, "target update", target, detail=", ".join(sorted(checked)))
            return rows.get(session, target.id)

        changed = await self._context.db.write(store)
        self._context.bus.publish(TargetChanged(target.id))
        return changed

    async def delete(self, certificate: str, name: str) -> Target:
        """Forget a target; what was put there stays and goes on being served.

        Raises NotFound, Ambiguous; Refused while somebody deploys to it.
        """
        self._context.access.require_change()
        target = await self.get(certificate, name)

        def remove(session: Session) -> None:
            now = rows.get(session, target.id)
            if now.state == TargetState.UPLOADING and self._context.owners.alive(now.worker):
                raise Refused(
                    f"{target.certificate} is being deployed to {target.name}",
                    hint="try again when that has ended",
                )
            rows.delete(session, target.id)
            self._record(session, "target delete", target, detail=_where(target))

        await self._context.db.write(remove)
        self._context.bus.publish(TargetChanged(target.id))
        return target

    def _record(self, session: Session, action: str, target: Target, *, detail: str) -> None:
        self._context.record(
            session,
            action,
            "certificate",
            target.certificate_id,
            target.certificate,
            detail=f"{target.name}: {detail}",
        )


def _where(target: Target) -> str:
    return target.hook or f"{target.layout} in {target.directory} on {target.server}"
