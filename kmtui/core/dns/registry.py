"""Every DNS provider by name: one line each, imported when first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any, cast

from kmtui.core.dns.provider import NOTHING_AROUND, DnsProvider, Secrets, Surroundings
from kmtui.core.dns.settings import all_fields, complete
from kmtui.core.errors import NotFound

PROVIDERS = {
    "azure": "kmtui.core.dns.azure:AzureDns",
    "cloudflare": "kmtui.core.dns.cloudflare:Cloudflare",
    "route53": "kmtui.core.dns.route53:Route53",
    "rfc2136": "kmtui.core.dns.rfc2136:Rfc2136",
    "godaddy": "kmtui.core.dns.godaddy:GoDaddy",
    "cloudns": "kmtui.core.dns.cloudns:Cloudns",
    "dnsmadeeasy": "kmtui.core.dns.dnsmadeeasy:DnsMadeEasy",
    "exec": "kmtui.core.dns.exec:Exec",
    "manual": "kmtui.core.dns.manual:Manual",
}


def provider_names() -> tuple[str, ...]:
    """The words an operator may type, in order of the list."""
    return tuple(PROVIDERS)


def provider_class(name: str) -> type[DnsProvider]:
    """The class of a provider. Raises NotFound."""
    try:
        module, _, attribute = PROVIDERS[name].partition(":")
    except KeyError:
        raise NotFound(
            f"there is no DNS provider {name!r}", hint="one of: " + ", ".join(PROVIDERS)
        ) from None
    return cast(type[DnsProvider], getattr(import_module(module), attribute))


def describe(name: str) -> dict[str, Any]:
    """What a provider needs, as plain data: forms and ``kmtui dns providers`` show it."""
    provider = provider_class(name)
    own = {field.name for field in provider.fields}
    return {
        "name": name,
        "title": provider.title,
        "fields": [
            {**asdict(field), "common": field.name not in own} for field in all_fields(provider)
        ],
        "least_right": provider.least_right,
        "example": provider.example,
        "notes": list(provider.notes),
        "docs": provider.docs,
    }


def open_provider(
    name: str,
    settings: Mapping[str, str],
    secrets: Secrets,
    surroundings: Surroundings = NOTHING_AROUND,
    **collaborators: Any,
) -> DnsProvider:
    """A provider ready to use. Raises NotFound, and InvalidInput naming the field."""
    provider = provider_class(name)
    found = complete(provider, settings, secrets)
    return provider(found, secrets, surroundings, **collaborators)
