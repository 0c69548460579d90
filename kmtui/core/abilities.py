"""What a CA is known to take, held against what is asked for, before the CA is asked.

The catalogue knows it, or the operator who added the CA. What is not known is left to the CA.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from kmtui.core.errors import InvalidInput
from kmtui.core.names import is_ip
from kmtui.core.problems import counted
from kmtui.model import Authority, KeyType, Profile, RequestSpec, SaveMode


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    """The option or field that it is about: `names`, `key-type`, `profile`, …"""
    ok: bool | None
    """None: worth knowing, and no obstacle."""
    text: str
    hint: str = ""


def findings(
    spec: RequestSpec, authority: Authority, offered: Collection[str] | None = None
) -> list[Finding]:
    """What there is to say, in the order of the table below.

    `offered` are the profiles that the CA's directory lists now; None when it was not asked.
    """
    said = [check(spec, authority) for check in _CHECKS]
    if offered is not None and spec.profile:
        said.append(_profile(spec, authority, offered))
    return [finding for finding in said if finding is not None]


def refuse(spec: RequestSpec, authority: Authority) -> None:
    """Raise InvalidInput for the first thing that the CA would refuse anyway."""
    if spec.auto_save not in set(SaveMode):
        raise InvalidInput("save is ask or always", field="save")
    for finding in findings(spec, authority):
        if finding.ok is False:
            raise InvalidInput(finding.text, field=finding.what, hint=finding.hint)


def profile_of(spec: RequestSpec, authority: Authority) -> Profile | None:
    """The profile asked for, as the catalogue knows it."""
    return next((each for each in authority.profiles if each.name == spec.profile), None)


def _key_type(spec: RequestSpec, authority: Authority) -> Finding:
    if spec.key_type not in set(KeyType):
        return Finding("key-type", False, f"no key type is called {spec.key_type}")
    taken = authority.key_types
    if taken and spec.key_type not in taken:
        what = f"{authority.title} takes {', '.join(taken)} keys, not {spec.key_type}"
        return Finding("key-type", False, what)
    return Finding("key-type", True, f"key {spec.key_type}")


def _names(spec: RequestSpec, authority: Authority) -> Finding:
    count = len(spec.names)
    profile = profile_of(spec, authority)
    most = (profile.max_names if profile else None) or authority.max_names
    if most is None:
        return Finding("names", True, counted(count, "name"))
    if count > most:
        where = f" with the profile {profile.name}" if profile else ""
        what = f"{authority.title} takes at most {counted(most, 'name')} in one certificate{where}"
        return Finding("names", False, f"{what}, not {count}")
    return Finding("names", True, f"{counted(count, 'name')} of at most {most}")


def _wildcards(spec: RequestSpec, authority: Authority) -> Finding | None:
    wildcards = [name for name in spec.names if name.startswith("*.")]
    if not wildcards:
        return None
    if authority.wildcard is False:
        return Finding("names", False, f"{authority.title} issues no wildcards: {wildcards[0]}")
    known = authority.wildcard is True
    text = "wildcards" if known else "whether it issues wildcards is not known"
    return Finding("names", True if known else None, text)


def _addresses(spec: RequestSpec, authority: Authority) -> Finding | None:
    addresses = [name for name in spec.names if is_ip(name)]
    if not addresses:
        return None
    if authority.ip is False:
        what = f"{authority.title} issues for no IP addresses: {addresses[0]}"
        return Finding("names", False, what)
    taking = [profile.name for profile in authority.profiles if profile.ip]
    if taking and spec.profile not in taking:
        return Finding(
            "profile",
            False,
            f"{authority.title} issues for IP addresses with the profile {' or '.join(taking)}",
        )
    known = authority.ip is True
    text = "IP addresses" if known else "whether it issues for IP addresses is not known"
    return Finding("names", True if known else None, text)


def _profile(spec: RequestSpec, authority: Authority, offered: Collection[str]) -> Finding:
    if spec.profile in offered:
        return Finding("profile", True, f"profile {spec.profile}")
    what = f"{authority.title} does not offer the profile {spec.profile}"
    others = f"it offers {', '.join(offered)}" if offered else "it offers none"
    return Finding("profile", False, what, others)


_CHECKS: tuple[Callable[[RequestSpec, Authority], Finding | None], ...] = (
    _key_type,
    _names,
    _wildcards,
    _addresses,
)
