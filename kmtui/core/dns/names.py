"""Domain names: one form (lower-case A-labels), compared by labels."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dns.exception
import dns.name

# UTS 46 as browsers do it; underscore labels are plain ASCII and pass.
_CODEC = dns.name.IDNA2008Codec(uts_46=True, allow_pure_ascii=True)


def parse_name(text: str) -> dns.name.Name:
    """An absolute domain name. Raises ValueError with a reason fit for an operator."""
    try:
        name = dns.name.from_text(text.strip(), idna_codec=_CODEC)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{text!r} is not a domain name") from error
    if name == dns.name.root:
        raise ValueError(f"{text!r} is not a domain name")
    return name.canonicalize()


def parse_names(text: str) -> tuple[dns.name.Name, ...]:
    """Domain names separated by commas or blanks. Raises ValueError."""
    return tuple(parse_name(part) for part in re.split(r"[,\s]+", text.strip()) if part)


def text_of(name: dns.name.Name) -> str:
    """The name as operators write it: lower case, without final dot."""
    return name.canonicalize().to_text(omit_final_dot=True)


def ancestors(name: dns.name.Name) -> list[dns.name.Name]:
    """The name and those above it, longest first, without the root."""
    return [dns.name.Name(name.labels[index:]) for index in range(len(name) - 1)]


def longest_match(name: dns.name.Name, zones: Iterable[dns.name.Name]) -> dns.name.Name | None:
    """The zone with the most labels that `name` lies in, compared by labels; never the root.

    By labels: ``badexample.org`` ends with ``example.org`` and is not in it.
    """
    fitting = (zone for zone in zones if name.is_subdomain(zone) and zone != dns.name.root)
    return max(fitting, key=len, default=None)
