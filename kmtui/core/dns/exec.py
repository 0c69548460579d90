"""dns-01 by commands of the operator's own, for DNS services that kmtui does not know."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.hook import Hook
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.provider import (
    DEFAULT_TTL,
    NOTHING_AROUND,
    Caps,
    Report,
    Secrets,
    Surroundings,
    TxtHandle,
    Zone,
    failure_lines,
)
from kmtui.core.dns.public_zones import PublicZones
from kmtui.core.dns.settings import read, seconds
from kmtui.core.dns.trial import challenge_name
from kmtui.core.dns.zones import relative
from kmtui.core.errors import KmtuiError
from kmtui.core.together import whole
from kmtui.model import CheckLine, Field

PRESENT, CLEAN_UP = "present", "cleanup"


class Exec:
    """Runs one command to publish a value and one to take it away."""

    name: ClassVar[str] = "exec"
    title: ClassVar[str] = "Own commands"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="present",
            label="Command that publishes",
            required=True,
            help="An absolute path, with arguments quoted as for a shell; no shell runs it.",
        ),
        Field(
            name="cleanup",
            label="Command that removes",
            help="Empty: the same command; KMTUI_ACTION tells what to do.",
        ),
        Field(
            name="timeout",
            label="Longest run",
            default="60",
            help="Seconds for one command.",
            rare=True,
        ),
    )
    # A command may well read a set and write it back: one at a time for a zone, and for a name
    # among processes.
    caps: ClassVar[Caps] = Caps(
        semantics="rrset", at_once=4, at_once_per_zone=1, knows_its_zones=False
    )
    least_right: ClassVar[str] = "whatever the commands need; they run as the user of kmtui"
    example: ClassVar[str] = (
        "kmtui dns add hook --provider exec --set present=/usr/local/bin/dns-hook "
        "--zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "A command finds what to do in its environment: `KMTUI_ACTION` (present or cleanup), "
        "`KMTUI_FQDN` (the record's whole name, without final dot), `KMTUI_ZONE`, `KMTUI_NAME` "
        "(the name within the zone; @ for the zone itself), `KMTUI_VALUE`, and `KMTUI_TTL` "
        "(seconds, to publish only). Of kmtui's own environment it gets PATH, HOME and LANG.",
        "It runs once for each value. Several values may stand at one name: publish one more, and "
        "remove just the one.",
        "Exit code 0 means done; a value that is there already, or gone already, is done. 75 means "
        "that a later attempt may succeed, 77 that a right is missing; any other is an error, "
        "shown with the last line of the output.",
        "It starts in the root directory, with umask 077 and nothing on its input. Keep its "
        "secrets in files that the user of kmtui alone can read.",
    )
    docs: ClassVar[str] = "https://www.rfc-editor.org/rfc/rfc8555#section-8.4"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
    ) -> None:
        """See DnsProvider."""
        longest = read("timeout", seconds, settings.get("timeout") or "60")
        command = settings.get("present", "")
        self._hooks = {
            action: Hook(
                action,
                line,
                field=field,
                environment=surroundings.environment,
                seconds=longest,
            )
            for action, field, line in (
                (PRESENT, "present", command),
                (CLEAN_UP, "cleanup", settings.get("cleanup") or command),
            )
        }
        self._zones = PublicZones(settings, surroundings)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. For each name, both commands are run with a random value."""
        files = dict.fromkeys(hook.file for hook in self._hooks.values())
        lines = [line for file in files for line in await file.check()]
        if not names:
            lines.append(CheckLine(None, "test a name to run the commands"))
        elif all(line.ok is not False for line in lines):
            for name in names:
                lines += await whole(self._try_name(name))
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        return await self._zones.find(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One run for each value."""
        handles = [TxtHandle.of(zone, fqdn, value) for value in sorted(values)]
        for handle in handles:
            await self._hooks[PRESENT].run({**_variables(handle), "KMTUI_TTL": str(ttl)})
        return handles

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. A command is done when it has ended."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. One run for each value, whether the one before failed or not."""
        failures: list[KmtuiError] = []
        for handle in handles:
            try:
                await self._hooks[CLEAN_UP].run(_variables(handle))
            except KmtuiError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def aclose(self) -> None:
        """See DnsProvider.aclose. Nothing is kept open."""

    async def _try_name(self, name: str) -> tuple[CheckLine, ...]:
        fqdn = challenge_name(name)
        try:
            zone = await self.find_zone(fqdn)
            value = random.token_urlsafe(32)
            try:
                await self.add(zone, fqdn, {value}, DEFAULT_TTL)
            finally:
                await self.remove([TxtHandle.of(zone, fqdn, value)])
        except KmtuiError as error:
            return failure_lines(error)
        return (CheckLine(True, f"TXT at {fqdn} was published and removed"),)


def _variables(handle: TxtHandle) -> dict[str, str]:
    zone = Zone(id=handle.zone_id, name=parse_name(handle.zone_name))
    return {
        "KMTUI_FQDN": handle.fqdn,
        "KMTUI_ZONE": handle.zone_name,
        "KMTUI_NAME": relative(handle.fqdn, zone, apex="@"),
        "KMTUI_VALUE": handle.value,
    }
