"""Names as certificates and orders carry them: host names, wildcards, IP addresses.

A canonical name is what RFC 8555 section 7.1.4 calls an identifier's value: A-labels for
internationalised names (RFC 5890), one leading ``*.`` for a wildcard, the usual text form for an IP
address (RFC 8738 section 3).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import idna

from kmtui.core.errors import InvalidInput
from kmtui.model import ChallengeType, Mapping

MAX_NAME = 253
"""Octets of a name in text form, without the trailing dot (RFC 1035 section 2.3.4)."""
MAX_LABEL = 63
_MAX_INPUT = 1024
"""Characters looked at; IDNA processing of longer text is not worth its time."""
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def split_names(text: str) -> list[str]:
    """The words of a text in which names stand between spaces, commas, semicolons or newlines."""
    return [word for word in re.split(r"[\s,;]+", text) if word]


def normalise_names(names: Iterable[str]) -> tuple[str, ...]:
    """Canonical names, each once, in the order given.

    Raises InvalidInput (field ``names``) that quotes the first bad one, or when there is none.
    """
    canonical = tuple(dict.fromkeys(normalise_name(name) for name in names))
    if not canonical:
        raise InvalidInput("give at least one name", field="names")
    return canonical


def normalise_name(text: str) -> str:
    """One canonical name: a host name, a wildcard or an IP address.

    Raises InvalidInput (field ``names``).
    """
    text = text.strip()
    address = _address(text)
    if address is not None:
        return address
    prefix, base = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    return prefix + _host_name(base, text, room=MAX_NAME - len(prefix))


def is_ip(name: str) -> bool:
    """Whether a canonical name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_wildcard(name: str) -> bool:
    """Whether a canonical name stands for every host one label below its base."""
    return name.startswith("*.")


def base_name(name: str) -> str:
    """The name without its wildcard label: what a challenge is answered for."""
    return name.removeprefix("*.")


def display_name(name: str) -> str:
    """The name for reading: ``bücher.example (xn--bcher-kva.example)``.

    The A-label always stands beside the Unicode form, so that look-alike letters cannot pass for
    another name. Names without a valid Unicode form are shown as they are.
    """
    if "xn--" not in name:
        return name
    base = base_name(name)
    try:
        unicode_form = idna.decode(base)
    except (idna.IDNAError, UnicodeError):
        return name
    wildcard = name[: len(name) - len(base)]
    return f"{wildcard}{unicode_form} ({name})"


def normalise_pattern(text: str) -> str:
    """A canonical mapping pattern: ``example.org``, ``*.example.org`` or ``.example.org``.

    Raises InvalidInput (field ``pattern``).
    """
    text = text.strip()
    dot, base = (".", text[1:]) if text.startswith(".") else ("", text)
    try:
        name = normalise_name(base)
        if dot and (is_wildcard(name) or is_ip(name)):
            raise InvalidInput(f"“{text}”: after the leading dot comes a domain name")
    except InvalidInput as error:
        raise InvalidInput(
            error.message,
            field="pattern",
            hint=error.hint
            or "example.org (that name), *.example.org (below), .example.org (both)",
        ) from error
    return dot + name


def normalise_zone(text: str) -> str:
    """A canonical DNS zone or record name: like a host name, but labels may begin with ``_``.

    Raises InvalidInput (field ``zones``).
    """
    text = text.strip()
    try:
        return _host_name(text, text, room=MAX_NAME, underscore=True)
    except InvalidInput as error:
        raise InvalidInput(error.message, field="zones", hint=error.hint) from error


def matches(pattern: str, name: str) -> bool:
    """Whether a canonical pattern covers a canonical name.

    ``example.org`` covers that name; ``*.example.org`` everything below it, at any depth, the
    wildcard name itself included; ``.example.org`` covers both.
    """
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    if pattern.startswith("."):
        return name == pattern[1:] or name.endswith(pattern)
    return name == pattern


def best(mappings: Iterable[Mapping], name: str) -> Mapping | None:
    """The mapping that says how `name` is proved, or None: the longest matching pattern wins.

    For one base, the exact pattern comes before ``*.`` and that before ``.``. A mapping whose
    challenge type cannot prove the name does not count: http-01 never proves a wildcard (RFC 8555
    section 7.1.3), dns-01 never an IP address (RFC 8738 section 7).
    """
    usable = (
        mapping
        for mapping in mappings
        if matches(mapping.pattern, name) and _can_prove(mapping.challenge_type, name)
    )
    return max(usable, key=lambda mapping: _specificity(mapping.pattern), default=None)


class Mapped:
    """Mappings by pattern, for asking about very many names."""

    def __init__(self, mappings: Iterable[Mapping]) -> None:
        self._by_pattern: dict[str, list[Mapping]] = {}
        for mapping in mappings:
            self._by_pattern.setdefault(mapping.pattern, []).append(mapping)

    def best(self, name: str) -> Mapping | None:
        """As `best` among all of them."""
        labels = base_name(name).split(".")
        bases = [".".join(labels[at:]) for at in range(len(labels))]
        patterns = [name, *(f"{mark}.{base}" for base in bases for mark in ("*", ""))]
        near = [each for pattern in patterns for each in self._by_pattern.get(pattern, ())]
        return best(near, name) if near else None


def _can_prove(challenge_type: str, name: str) -> bool:
    if is_wildcard(name):
        return challenge_type == ChallengeType.DNS_01
    return not (is_ip(name) and challenge_type == ChallengeType.DNS_01)


def _specificity(pattern: str) -> tuple[int, int]:
    base = pattern.removeprefix("*").removeprefix(".")
    exactness = {"*": 1, ".": 0}.get(pattern[0], 2)
    return base.count("."), exactness


def _address(text: str) -> str | None:
    """The canonical text of an IP address; None when `text` is not one."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise _bad(text, "an address with a zone is valid on one machine only")
        if address.ipv4_mapped:
            raise _bad(text, f"give the IPv4 address itself: {address.ipv4_mapped}")
    return str(address)


def _host_name(text: str, whole: str, *, room: int, underscore: bool = False) -> str:
    """A canonical host name of at most `room` characters; `whole` is what the operator wrote."""
    if len(text) > _MAX_INPUT:
        raise _bad(whole, f"a name has at most {MAX_NAME} characters")
    if "*" in text:
        raise _bad(whole, "an asterisk stands only as the whole first label: *.example.org")
    name = text.lower() if text.isascii() else _a_labels(text, whole)
    name = name.removesuffix(".")
    labels = name.split(".")
    for label in labels:
        _check_label(label.removeprefix("_") if underscore else label, whole)
    if len(name) > room:
        raise _bad(whole, f"a name has at most {MAX_NAME} characters")
    if labels[-1].isdigit():
        # No top-level domain is all digits (RFC 3696 section 2); such text is a mistyped address.
        raise _bad(whole, "it is neither a domain name nor an IP address")
    return name


def _a_labels(text: str, whole: str) -> str:
    try:
        return idna.encode(text, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except idna.IDNAError as error:
        raise _bad(whole, f"not a valid internationalised name ({error})") from error


def _check_label(label: str, whole: str) -> None:
    if not label:
        raise _bad(whole, "an empty label: two dots in a row, or nothing at all")
    if len(label) > MAX_LABEL:
        raise _bad(whole, f"a label has at most {MAX_LABEL} characters")
    if "_" in label:
        raise _bad(whole, "host names have no underscore")
    if not _LABEL.fullmatch(label):
        raise _bad(whole, "labels have letters, digits and inner hyphens only")
    if label[2:4] == "--" and not _is_a_label(label):
        # Reserved LDH labels (RFC 5890 section 2.3.1): CAs must not sign them.
        raise _bad(whole, f"“{label}” has hyphens where only an xn-- label may have them")


def _is_a_label(label: str) -> bool:
    """Whether the label is Punycode of something that is not plain ASCII.

    Names registered under older IDNA rules (emoji) are valid A-labels here: only the CA can refuse.
    """
    if not label.startswith("xn--"):
        return False
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        encoded = decoded.encode("punycode").decode("ascii")
    except (UnicodeError, OverflowError):
        return False
    return not decoded.isascii() and encoded == label[4:]


def _bad(name: str, why: str) -> InvalidInput:
    shown = name if len(name) <= 80 else name[:80] + "…"
    return InvalidInput(f"“{shown}” is not a valid name: {why}", field="names")
