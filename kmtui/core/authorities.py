"""The CA catalogue: public ACME CAs as data, read from ``authorities.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from kmtui.core.errors import Refused
from kmtui.model import Authority, Profile, RateLimit, Retirement


@cache
def catalogue() -> MappingProxyType[str, Authority]:
    """Every known CA by name, in the order they are offered. Read once, when first asked for."""
    text = files("kmtui.core").joinpath("authorities.toml").read_text(encoding="utf-8")
    entries = {name: _authority(name, fields) for name, fields in tomllib.loads(text).items()}
    return MappingProxyType(entries)


def overriding(authority: Authority) -> Authority:
    """A CA added by hand, with what the catalogue knows of the one whose place it takes.

    Its directory, trust and proxy are its own; what was not given is as the catalogue says. It is
    in use, whatever became of the other.
    """
    entry = catalogue().get(authority.name)
    if entry is None:
        return authority
    return replace(
        entry,
        title=authority.title,
        directory_url=authority.directory_url,
        state=authority.state,
        overrides=True,
        single_account=authority.single_account or entry.single_account,
        max_names=authority.max_names or entry.max_names,
        lifetime_days=authority.lifetime_days or entry.lifetime_days,
        ca_bundle=authority.ca_bundle,
        proxy=authority.proxy,
        notes=() if entry.retired else entry.notes,
        retired=None,
    )


def retirement(authority: Authority) -> str:
    """When a retired CA ended what, in one sentence; empty for any other."""
    ended = authority.retired
    if ended is None:
        return ""
    return (
        f"{authority.title} ended its service: no new accounts since {ended.no_new_accounts},"
        f" no orders since {ended.last_orders}, last certificate issued {ended.last_issuance},"
        f" ACME endpoint off since {ended.endpoint_off}"
    )


def alternatives(authority: Authority) -> tuple[Authority, ...]:
    """Where to go instead of a retired CA, the closest first."""
    names = authority.retired.alternatives if authority.retired else ()
    return tuple(catalogue()[name] for name in names)


def refuse_if_retired(authority: Authority) -> None:
    """Raise Refused, with the dates and the alternatives, when the CA ended its service."""
    if authority.retired is None:
        return
    others = ", ".join(f"{other.title} ({other.name})" for other in alternatives(authority))
    raise Refused(
        retirement(authority),
        hint=f"use another CA: {others}; certificates go there with kmtui cert move",
    )


def _authority(name: str, fields: dict[str, Any]) -> Authority:
    built: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
    }
    built["profiles"] = tuple(Profile(**profile) for profile in fields.get("profiles", ()))
    built["rate_limits"] = tuple(RateLimit(**limit) for limit in fields.get("rate_limits", ()))
    if "retired" in fields:
        ended = fields["retired"]
        built["retired"] = Retirement(**{**ended, "alternatives": tuple(ended["alternatives"])})
    return Authority(name=name, **built)
