"""Targets: where the versions of a certificate are put, set up and changed by an operator."""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from sqlmodel import Session

from kmtui.core.addresses import parse_address
from kmtui.core.context import Context
from kmtui.core.end_servers import EndServers
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.events import TargetChanged
from kmtui.core.servers.host import Host
from kmtui.db import certificates, deployments
from kmtui.db import targets as rows
from kmtui.model import Deployment, Target, TargetLayout, TargetState

HTTPS = 443
KEY_MODE = 0o640
"""For keys, unless the operator says otherwise: for their owner, and for a server's group."""
KEY_BITS = 0o660
"""What a key's mode may hold; the owner always reads."""

# Becomes the name of a file in the layout `combined`, so nothing that a path or a shell reads.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HALF = r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,9})"
_OWNER = re.compile(rf"{_HALF}(?::{_HALF})?|:{_HALF}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

USUAL: Mapping[str, Any] = {
    "directory": "",
    "layout": TargetLayout.PAIR,
    "owner": "",
    "mode": KEY_MODE,
    "check_command": "",
    "reload_command": "",
    "adopt": False,
}
"""Settings that a hook has no use for, and their defaults: it puts the files and does the rest."""
CHANGEABLE = ("owner", "mode", "check_command", "reload_command", "verify", "adopt")
"""What may be changed; another place is another target, for the files in the former one stay."""
OPTIONS = {"directory": "dir", "check_command": "check", "reload_command": "reload"}
"""Fields whose option has another name."""


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
            _refuse_for_hook(given)
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
            _refuse_for_hook(changes)
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


def parse_mode(text: str) -> int:
    """Octal permissions as an operator types them: ``0640``. Raises InvalidInput."""
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise InvalidInput(f"{text!r} is no mode", field="mode", hint="octal digits, like 0640")
    return int(text, 8)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InvalidInput(
            f"{text!r} cannot be the name of a target",
            field="name",
            hint="letters, digits, dots, dashes and underscores, 63 at most",
        )
    return text


def _directory(text: str) -> str:
    if not text:
        return ""
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or _CONTROL.search(text):
        raise InvalidInput(
            f"{text!r} is no directory for certificates",
            field="dir",
            hint="an absolute path below / without ..",
        )
    return "/" + "/".join(path.parts[1:])


def _layout(word: str) -> str:
    if word not in set(TargetLayout):
        known = ", ".join(TargetLayout)
        raise InvalidInput(f"there is no layout {word!r}", field="layout", hint=f"one of: {known}")
    return str(word)


def _owner(text: str) -> str:
    if text and not _OWNER.fullmatch(text):
        raise InvalidInput(
            f"{text!r} is no owner", field="owner", hint="USER:GROUP, USER or :GROUP"
        )
    return text


def _mode(mode: int) -> int:
    if mode & ~KEY_BITS:
        raise InvalidInput(
            f"with mode {mode:04o} more than owner and group could use the private key",
            field="mode",
            hint="0600, 0640 or 0660",
        )
    if not mode & 0o400:
        raise InvalidInput(f"with mode {mode:04o} its owner could not read it", field="mode")
    return mode


def _command(text: str, field: str) -> str:
    if _CONTROL.search(text):
        raise InvalidInput("a command is one line", field=field)
    return text.strip()


def _hook(text: str) -> str:
    if not text:
        return ""
    try:
        words = shlex.split(_command(text, "exec"))
    except ValueError as error:
        raise InvalidInput(f"cannot be split into words: {error}", field="exec") from error
    if not words or not Path(words[0]).is_absolute():
        raise InvalidInput(
            "the command's first word is not an absolute path",
            field="exec",
            hint="it is run without a shell: /usr/local/bin/put-certificate --to lb1",
        )
    return text.strip()


def _verify(text: str) -> str:
    if not text:
        return ""
    address = parse_address(text, field="verify", default_port=HTTPS)
    if not address.host:
        raise InvalidInput("no host to look at", field="verify", hint="write HOST:PORT")
    return str(address)


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "hook": _hook,
    "directory": _directory,
    "layout": _layout,
    "owner": _owner,
    "mode": _mode,
    "check_command": lambda text: _command(text, "check"),
    "reload_command": lambda text: _command(text, "reload"),
    "verify": _verify,
    "adopt": bool,
}
"""Each setting as it is stored. Raises InvalidInput naming the option."""


def _refuse_for_hook(given: Mapping[str, Any]) -> None:
    for field in given.keys() & USUAL.keys():
        if given[field] != USUAL[field]:
            raise InvalidInput(
                "a command that puts the files does this itself", field=OPTIONS.get(field, field)
            )


def _where(target: Target) -> str:
    return target.hook or f"{target.layout} in {target.directory} on {target.server}"
