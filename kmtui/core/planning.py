"""How each name of a request will be proved: its own choice, else the best mapping."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from kmtui.core.errors import InvalidInput, Unmapped
from kmtui.core.names import best
from kmtui.model import ChallengeChoice, ChallengeType, DnsAccount, EndServer, Mapping, RequestSpec

_Row = TypeVar("_Row", DnsAccount, EndServer)


@dataclass(frozen=True, slots=True)
class Proof:
    """One name's way: the challenge type and who answers it."""

    name: str
    type: str
    dns_account: DnsAccount | None = None
    server: EndServer | None = None
    alias: str | None = None
    webroot: str | None = None
    """The mapping's own web root, in place of the end server's."""
    mapping: Mapping | None = None
    """The mapping that had a say."""

    @property
    def via(self) -> str:
        """Name of the DNS account or end server."""
        return (
            self.dns_account.name if self.dns_account else self.server.name if self.server else ""
        )


@dataclass(frozen=True, slots=True)
class Means:
    """What an operator set up to prove names with."""

    mappings: Sequence[Mapping]
    dns_accounts: Sequence[DnsAccount]
    servers: Sequence[EndServer]


def plan(spec: RequestSpec, means: Means) -> dict[str, Proof]:
    """Each name with its proof. Raises InvalidInput for the first name without a way."""
    return {name: proof(name, spec.choices, means) for name in spec.names}


def proof(name: str, choices: MappingType[str, ChallengeChoice], means: Means) -> Proof:
    """The way to prove one name: its own choice, else the request's, each filled from the mappings.

    Raises InvalidInput when there is none, or when it cannot work for this kind of name.
    """
    choice = choices.get(name) or choices.get("") or ChallengeChoice()
    type_ = _type(name, choice)
    fitting = [m for m in means.mappings if type_ is None or m.challenge_type == type_]
    if name.startswith("*."):
        fitting = [m for m in fitting if m.challenge_type == ChallengeType.DNS_01]
    mapping = best(fitting, name)
    if choice.dns_account:
        account = _named(means.dns_accounts, choice.dns_account, "DNS account", "dns")
        return _by_dns(name, account, mapping)
    if choice.server:
        server = _named(means.servers, choice.server, "end server", "server")
        return _by_server(name, server, mapping)
    if mapping is not None and mapping.dns_account_id:
        account = _named(means.dns_accounts, mapping.dns_account_id, "DNS account", "dns")
        return _by_dns(name, account, mapping)
    if mapping is not None and mapping.server_id:
        server = _named(means.servers, mapping.server_id, "end server", "server")
        return _by_server(name, server, mapping)
    raise Unmapped(
        f"{name}: nothing says how to prove control of it" + (f" by {type_}" if type_ else ""),
        name=name,
        hint=f"map it (kmtui mapping add {name} --dns …) or choose a DNS account or end server",
    )


def _by_dns(name: str, account: DnsAccount, mapping: Mapping | None) -> Proof:
    """By dns-01; a mapping to another account has no say in where its record goes."""
    if mapping is None or mapping.dns_account_id != account.id:
        return Proof(name, ChallengeType.DNS_01, dns_account=account)
    alias = mapping.alias
    return Proof(name, ChallengeType.DNS_01, dns_account=account, alias=alias, mapping=mapping)


def _by_server(name: str, server: EndServer, mapping: Mapping | None) -> Proof:
    """By http-01; a mapping to another end server has no say in where its file goes."""
    if mapping is None or mapping.server_id != server.id:
        return Proof(name, ChallengeType.HTTP_01, server=server)
    webroot = mapping.webroot
    return Proof(name, ChallengeType.HTTP_01, server=server, webroot=webroot, mapping=mapping)


def _type(name: str, choice: ChallengeChoice) -> str | None:
    type_ = choice.type
    if type_ is None and choice.dns_account:
        type_ = ChallengeType.DNS_01
    if type_ is None and choice.server:
        type_ = ChallengeType.HTTP_01
    if type_ not in (None, ChallengeType.DNS_01, ChallengeType.HTTP_01):
        raise InvalidInput(f"no challenge type is called {type_}", field="challenge")
    if name.startswith("*.") and type_ == ChallengeType.HTTP_01:
        # RFC 8555 section 8.3 and the CA/B baseline: a wildcard needs dns-01.
        raise InvalidInput(f"{name}: a wildcard is proved by dns-01 only", field="challenge")
    if is_address(name) and type_ == ChallengeType.DNS_01:
        # RFC 8738 section 7: dns-01 must not be used for IP identifiers.
        raise InvalidInput(f"{name}: an IP address is proved by http-01 only", field="challenge")
    return type_


def is_address(name: str) -> bool:
    """Whether the name is an IP address (RFC 8738)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _named(rows: Sequence[_Row], word: str, what: str, field: str) -> _Row:
    for row in rows:
        if word in (row.id, row.name):
            return row
    raise InvalidInput(f"no {what} is named {word}", field=field)
