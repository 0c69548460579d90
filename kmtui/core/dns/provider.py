"""The contract of a DNS provider, and the data it works with.

A provider is one file with one class and one line in the registry. Its form, its command options
and its documentation are generated from the class's data.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import dns.name

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.errors import KmtuiError
from kmtui.model import CheckLine, Field

Secrets = Mapping[str, bytes | str]
"""Secret values by field name, as they come out of the vault."""

DEFAULT_TTL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What a provider's interface can and cannot do."""

    semantics: str = "record"
    """``record``: adding one value cannot hurt another; ``rrset``: each write replaces the set, so
    changes of one name wait for each other, also those of other kmtui processes."""
    min_ttl: int = 1
    """Seconds; smaller TTLs are raised to it."""
    at_once: int = 8
    """Calls under way with one account."""
    at_once_per_zone: int = 4
    """Changes among them in one zone: servers carry those out one by one anyway."""
    has_change_signal: bool = False
    """Whether `wait_applied` learns from the vendor when its servers have a change."""
    knows_its_zones: bool = True
    """Whether it can tell its zones from others'; else any delegated zone that `zones` does not
    exclude is taken for one of its own."""
    by_hand: bool = False
    """Whether a person makes the changes, and is told of them by `patience.tell`."""
    propagation_timeout: int = 300
    """Seconds until a change is visible at the latest."""


async def _unknown(zone: dns.name.Name) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a provider finds around it; tests pass their own."""

    public_nameservers: Callable[[dns.name.Name], Awaitable[frozenset[str]]] = _unknown
    """The names of the servers a zone is delegated to; empty when that cannot be found out."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The process's environment, for credentials that a platform hands out there."""


NOTHING_AROUND = Surroundings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone that an account can change."""

    id: str
    """The vendor's id; the zone's name where there is none."""
    name: dns.name.Name
    nameservers: tuple[str, ...] = ()
    """Lower case without final dot, as the account knows them; empty when it does not."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """What the provider needs again to change the zone."""

    @property
    def text(self) -> str:
        """The name without its final dot."""
        return text_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TxtHandle:
    """One TXT value that was published, with all that is needed to take it away again.

    Plain strings throughout: it is journalled as JSON before the record is created, and completed
    with the record id afterwards.
    """

    zone_id: str
    zone_name: str
    fqdn: str
    """Absolute, lower case, without final dot; so is `zone_name`."""
    value: str
    record_id: str | None = None

    @classmethod
    def of(cls, zone: Zone, fqdn: str, value: str, record_id: str | None = None) -> TxtHandle:
        """The handle of a value at `fqdn` in `zone`, with the names in their one form."""
        name = text_of(parse_name(fqdn))
        return cls(
            zone_id=zone.id, zone_name=zone.text, fqdn=name, value=value, record_id=record_id
        )


def failure_lines(error: KmtuiError) -> tuple[CheckLine, ...]:
    """A failure as lines of a report: what happened, then what to do about it."""
    hint = (CheckLine(None, error.hint),) if error.hint else ()
    return (CheckLine(False, error.message), *hint)


@dataclass(frozen=True, slots=True)
class Report:
    """What a test of an account found, line by line."""

    lines: tuple[CheckLine, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(line.ok is not False for line in self.lines)


class DnsProvider(Protocol):
    """Publishes TXT records with one account.

    All methods may be called at the same time from several tasks, also for one name. They raise
    DnsProviderError and nothing else for what a vendor, a network or an account can do wrong; no
    secret is in any message. Names are lower-case A-labels; `fqdn` may end with a dot.
    """

    name: ClassVar[str]
    """The word an operator types."""
    title: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    """Its own settings and secrets; see `all_fields` for those every account has."""
    caps: ClassVar[Caps]
    least_right: ClassVar[str]
    """The smallest right that is enough, in the vendor's words."""
    example: ClassVar[str]
    """Commands that set up an account that works, one per line, with made-up values."""
    notes: ClassVar[tuple[str, ...]]
    """What an operator should know before: restrictions, delays, how to get the credential."""
    docs: ClassVar[str]
    """URL of the vendor's page or the standard."""

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
    ) -> None:
        """Keep what is needed; do nothing slow: no import of an SDK, no connection.

        MUST raise InvalidInput with the field's name for a value that cannot work. Collaborators of
        one provider alone (clock, transport) follow as keyword arguments with defaults.
        """
        ...

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Name servers that the account itself names, with their ports; empty for most."""
        ...

    async def check(self, names: Sequence[str] = ()) -> Report:
        """Test the account: credentials, zones and rights, also for each of `names`.

        MUST NOT leave anything behind, and MUST report failures as lines instead of raising.
        """
        ...

    async def find_zone(self, fqdn: str) -> Zone:
        """The zone to change for `fqdn`: the longest match by labels, an explicit one first.

        MUST raise DnsProviderError of kind ``zone_not_found`` with the candidates tried.
        """
        ...

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """Publish all `values` at one name together, one handle for each.

        A value that is there already is a success. Values of others, their strings and their TTL
        MUST stay as they are. `ttl` (seconds) is raised to `caps.min_ttl`, and gives way to the TTL
        of an RRset that exists.
        """
        ...

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """Wait until the vendor says its servers have the change, at most `deadline` seconds.

        Returns at once where the vendor says nothing (`caps.has_change_signal`).
        """
        ...

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """Take away exactly these values; one that is gone already is a success.

        MUST work from (zone, fqdn, value) when `record_id` is None: the program may have been
        killed between creating a record and storing its id.
        """
        ...

    async def aclose(self) -> None:
        """Release connections; nothing may be called afterwards."""
        ...
