"""The settings and secrets of a DNS account: which there are, and whether they can work."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import dns.name

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_names
from kmtui.core.dns.provider import DEFAULT_TTL, DnsProvider, Secrets
from kmtui.core.errors import InvalidInput
from kmtui.model import Field

T = TypeVar("T")

COMMON_FIELDS = (
    Field(
        name="ttl",
        label="TTL",
        default=str(DEFAULT_TTL),
        help="Seconds; raised to what the provider allows.",
        rare=True,
    ),
    Field(
        name="propagation",
        label="Propagation check",
        default="all",
        choices=("all", "strict", "recursive", "delay", "off"),
        help="all: every name server that can be reached; strict: every one; recursive: only the "
        "resolvers below; delay: wait a fixed time; off: do not wait.",
        rare=True,
    ),
    Field(
        name="propagation_timeout",
        label="Longest wait",
        help="Seconds until a record must be visible; empty: what suits the provider.",
        rare=True,
    ),
    Field(
        name="propagation_delay",
        label="Fixed wait",
        default="60",
        help="Seconds to wait with propagation `delay`.",
        rare=True,
    ),
    Field(
        name="resolvers",
        label="Resolvers",
        help="host[:port],… that find the name servers; empty: those of this host.",
        rare=True,
    ),
    Field(
        name="nameservers",
        label="Name servers",
        help="host[:port],… that must show a record; empty: those the zone is delegated to.",
        rare=True,
    ),
    Field(
        name="zones",
        label="Zones",
        help="Zones this account may be used for, separated by commas; empty: all it can change.",
    ),
    Field(
        name="check_delegation",
        label="Check delegation",
        default="yes",
        choices=("yes", "no"),
        help="Refuse a zone that is not the one the Internet uses; no: for views of your own.",
        rare=True,
    ),
    Field(
        name="base_url",
        label="API address",
        help="Only for providers with an HTTP interface, when it is not the vendor's own address.",
        rare=True,
    ),
)
"""What every DNS account has beside the provider's own fields."""


@dataclass(frozen=True, slots=True)
class CommonSettings:
    """The common fields, read."""

    ttl: int
    propagation: str
    propagation_timeout: float
    propagation_delay: float
    resolvers: tuple[Endpoint, ...]
    """Empty: those of this host."""
    nameservers: tuple[Endpoint, ...]
    """Those to watch in place of the zone's own."""
    zones: tuple[dns.name.Name, ...]
    check_delegation: bool


def all_fields(provider: type[DnsProvider]) -> tuple[Field, ...]:
    """The provider's own fields, then the common ones it does not define itself."""
    own = {field.name for field in provider.fields}
    return (*provider.fields, *(field for field in COMMON_FIELDS if field.name not in own))


def complete(
    provider: type[DnsProvider], settings: Mapping[str, str], secrets: Secrets
) -> dict[str, str]:
    """The settings with defaults filled in, empty where nothing is set.

    Raises InvalidInput naming the field: unknown, missing, not among the choices, a secret given as
    a setting, or a common setting that cannot be read. The provider's constructor checks its own.
    """
    fields = {field.name: field for field in all_fields(provider)}
    for name in settings:
        if name not in fields:
            raise InvalidInput(
                f"{provider.title} has no setting {name!r}",
                field=name,
                hint="settings: " + ", ".join(f.name for f in fields.values() if not f.secret),
            )
        if fields[name].secret:
            raise InvalidInput(f"{name} is a secret", field=name, hint="give it as a secret")
    for name in secrets:
        if name not in fields or not fields[name].secret:
            raise InvalidInput(
                f"{provider.title} has no secret {name!r}",
                field=name,
                hint="secrets: " + ", ".join(f.name for f in fields.values() if f.secret),
            )
    found = {
        field.name: settings.get(field.name, "").strip() or field.default
        for field in fields.values()
        if not field.secret
    }
    for field in fields.values():
        given = bool(secrets.get(field.name)) if field.secret else bool(found[field.name])
        if field.required and not given:
            raise InvalidInput(f"{field.label} is missing", field=field.name, hint=field.help)
        if not field.secret and field.choices and found[field.name] not in field.choices:
            raise InvalidInput(
                f"{field.label}: {found[field.name]!r} is not allowed",
                field=field.name,
                hint="one of: " + ", ".join(field.choices),
            )
    common(provider, found)
    if found["base_url"]:
        read("base_url", base_url, found["base_url"])
    return found


def common(provider: type[DnsProvider], settings: Mapping[str, str]) -> CommonSettings:
    """The common settings of an account. Raises InvalidInput naming the field."""

    def value(name: str) -> str:
        default = next(field.default for field in COMMON_FIELDS if field.name == name)
        return settings.get(name, "") or default

    timeout = value("propagation_timeout") or str(provider.caps.propagation_timeout)
    return CommonSettings(
        ttl=int(read("ttl", seconds, value("ttl"))),
        propagation=value("propagation"),
        propagation_timeout=read("propagation_timeout", seconds, timeout),
        propagation_delay=read("propagation_delay", seconds, value("propagation_delay")),
        resolvers=read("resolvers", Endpoint.parse_list, value("resolvers")),
        nameservers=read("nameservers", Endpoint.parse_list, value("nameservers")),
        zones=read("zones", parse_names, value("zones")),
        check_delegation=value("check_delegation") == "yes",
    )


def read(field: str, reader: Callable[[str], T], value: str) -> T:
    """The value as `reader` sees it; its ValueError becomes InvalidInput naming the field."""
    try:
        return reader(value)
    except ValueError as error:
        raise InvalidInput(str(error), field=field) from error


def secret(secrets: Secrets, field: str) -> str:
    """A secret that a vendor gave out, without blanks around it; empty when it is not set.

    Raises InvalidInput naming the field, without the secret.
    """
    given = secrets.get(field, "")
    found = (given.decode("utf-8", "replace") if isinstance(given, bytes) else given).strip()
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise InvalidInput(
            f"{field} holds a character that cannot be part of it",
            field=field,
            hint="copy it again, as one word on one line",
        )
    return found


def seconds(text: str) -> float:
    """A whole number of seconds up to a week. Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or int(text) > 7 * 86400:
        raise ValueError(f"{text!r} is not a whole number of seconds")
    return float(text)


def base_url(text: str) -> str:
    """An https URL, or plain http on loopback, without final slash. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{text!r} is not an https URL")
    if parts.username or parts.password:
        raise ValueError("a URL must not hold a user name or password")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("plain http is only allowed on loopback")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
