"""The CA catalogue: public ACME CAs as data, read from ``authorities.toml``."""

from __future__ import annotations

import tomllib
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
