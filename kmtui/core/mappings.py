"""Mappings: which names are proved how, set once and used at every issuance."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlmodel import Session

from kmtui.core.challenges.delegation import AUTO, NEVER, parse_alias
from kmtui.core.context import Context
from kmtui.core.dns_accounts import DnsAccounts
from kmtui.core.end_servers import EndServers
from kmtui.core.errors import InvalidInput, NotFound
from kmtui.core.events import MappingChanged
from kmtui.core.names import Mapped, normalise_pattern
from kmtui.core.recent import Recent
from kmtui.db import certificates
from kmtui.db import mappings as rows
from kmtui.model import ChallengeType, Mapping


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which names lead where."""

    served: MappingType[str, Sequence[str]]
    """Names of the certificates that each mapping (by id) serves."""
    unmapped: Sequence[str]
    """Names that no mapping covers: their requests choose a DNS account or end server."""


class Mappings:
    """Name pattern to challenge type and DNS account or end server."""

    def __init__(self, context: Context, dns: DnsAccounts, servers: EndServers) -> None:
        self._context = context
        self._dns = dns
        self._servers = servers
        self.recent = Recent(context, rows.list_all, MappingChanged)
        """All of them as they were within the last second: for the work on requests."""

    async def all(self) -> list[Mapping]:
        """All mappings by pattern."""
        return await self._context.db.read(rows.list_all)

    async def sealed(self) -> Sequence[Mapping]:
        """Those whose settings are sealed: all of them."""
        return await self.all()

    async def add(
        self,
        pattern: str,
        *,
        dns: str | None = None,
        server: str | None = None,
        alias: str | None = None,
        webroot: str | None = None,
    ) -> Mapping:
        """Map the names of `pattern` to one DNS account (dns-01) or end server (http-01).

        One pattern may be mapped once per challenge type: a wildcard needs dns-01 even where the
        plain names use http-01. `alias` is ``auto`` (follow CNAMEs, as without), ``never``, or the
        name where the record goes; `webroot` replaces the end server's own. Raises InvalidInput,
        NotFound.
        """
        self._context.access.require_change()
        pattern = normalise_pattern(pattern)
        if bool(dns) == bool(server):
            raise InvalidInput(
                "a mapping leads to one DNS account or one end server", field="dns or server"
            )
        if alias and not dns:
            raise InvalidInput("an alias belongs to a DNS account", field="alias")
        if alias and alias not in (AUTO, NEVER):
            parse_alias(alias)
        if webroot and not (server and PurePosixPath(webroot).is_absolute()):
            raise InvalidInput(
                "a web root is an absolute path on an end server",
                field="webroot",
                hint="give it with --server",
            )
        account = await self._dns.get(dns) if dns else None
        host = await self._servers.get(server) if server else None
        mapping = Mapping(
            id=str(uuid.uuid4()),
            pattern=pattern,
            challenge_type=ChallengeType.DNS_01 if account else ChallengeType.HTTP_01,
            dns_account_id=account.id if account else None,
            dns_account=account.name if account else None,
            server_id=host.id if host else None,
            server=host.name if host else None,
            alias=alias,
            webroot=webroot,
            created_at=self._context.clock(),
        )

        def store(session: Session) -> None:
            for other in rows.list_all(session):
                if (other.pattern, other.challenge_type) == (pattern, mapping.challenge_type):
                    raise InvalidInput(
                        f"{pattern} is mapped to {other.dns_account or other.server} already",
                        field="pattern",
                        hint="delete that mapping first",
                    )
            rows.insert(session, mapping)
            self._context.seals.put(session, mapping)
            self._context.record(
                session,
                "mapping add",
                "mapping",
                mapping.id,
                pattern,
                detail=f"{mapping.challenge_type} {mapping.dns_account or mapping.server}",
            )

        await self._context.db.write(store)
        self._context.bus.publish(MappingChanged(mapping.id))
        return mapping

    async def coverage(self) -> Coverage:
        """Where the names of all certificates lead."""

        def find(session: Session) -> Coverage:
            mapped = Mapped(rows.list_all(session))
            served: defaultdict[str, list[str]] = defaultdict(list)
            unmapped: list[str] = []
            for name in certificates.live_names(session):
                mapping = mapped.best(name)
                (served[mapping.id] if mapping else unmapped).append(name)
            return Coverage(served, unmapped)

        return await self._context.db.read(find)

    async def require_sealed(self, mapping: Mapping) -> None:
        """Make sure that a mapping is as it was stored. Raises TamperedConfiguration."""
        await self._context.seals.require(mapping)

    async def delete(self, pattern: str) -> None:
        """Remove every mapping of that pattern, or the one of that id. Raises NotFound."""
        self._context.access.require_change()

        def remove(session: Session) -> list[str]:
            gone = [m for m in rows.list_all(session) if pattern in (m.pattern, m.id)]
            for mapping in gone:
                rows.delete(session, mapping.id)
                self._context.record(
                    session, "mapping delete", "mapping", mapping.id, mapping.pattern
                )
            return [mapping.id for mapping in gone]

        removed = await self._context.db.write(remove)
        if not removed:
            raise NotFound(f"no mapping has the pattern {pattern}")
        self._context.bus.publish(*(MappingChanged(id) for id in removed))
