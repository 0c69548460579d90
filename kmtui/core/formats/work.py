"""How much work a foreign file asks for, read from its DER before a library is let at it.

A key file says itself how often its password is to be hashed, and how long its numbers are. Both
run in native code that nothing can interrupt, so whoever made the file decides how long we stand
still. What lies encrypted inside cannot be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmtui.core.errors import InvalidInput

MOST_ROUNDS = 5_000_000
"""Of a password hash, some seconds; what Java allows as well. Common are 2,048 to 600,000."""
LONGEST_NUMBER = 8192 // 8 + 1
"""Octets: the modulus of an RSA key of 8192 bits, with its sign."""
DEEPEST = 32
"""Values within values."""

_INTEGER, _OCTETS = 0x02, 0x04
_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_LONG_TAG = 0x1F


class _Value(NamedTuple):
    """One value of BER (X.690 section 8.1)."""

    tag: int
    content: bytes
    end: int
    """Where the next one begins."""


def refuse_costly(content: bytes, *, field: str = "key") -> None:
    """Raise InvalidInput for keys and PKCS #12 that ask for more work than any honest one.

    What is no BER passes: whoever parses it will say so.
    """
    try:
        _look(content, field, 0)
    except RecursionError:
        raise InvalidInput("values nested without end", field=field) from None


def _look(content: bytes, field: str, depth: int) -> None:
    """Check the values that stand in a row, and those within, as far as they can be read."""
    if depth > DEEPEST:
        raise InvalidInput(f"values nested more than {DEEPEST} deep", field=field)
    before = None
    for value in _values(content):
        if value.tag == _INTEGER:
            _check_number(value.content, after_octets=before == _OCTETS, field=field)
        elif value.tag == _OCTETS | _CONSTRUCTED:
            parts = b"".join(part.content for part in _values(value.content))
            _look(parts, field, depth + 1)
        elif value.tag == _OCTETS or value.tag & _CONSTRUCTED:
            # Most octets hold nothing of that kind, but keys and whole stores are wrapped in some.
            _look(value.content, field, depth + 1)
        before = value.tag & ~_CONSTRUCTED


def _check_number(content: bytes, *, after_octets: bool, field: str) -> None:
    """A number right behind octets is how often to hash: salt, rounds, in RFC 8018 appendix A.2,
    RFC 7292 appendix C and section 4, and RFC 7914 section 7 alike.
    """
    if len(content) > LONGEST_NUMBER:
        raise InvalidInput("a number too long for any key in use", field=field)
    if after_octets and int.from_bytes(content, "big") > MOST_ROUNDS and len(content) <= 8:
        raise InvalidInput(
            f"it asks for more than {MOST_ROUNDS:,} rounds of its password hash",
            field=field,
            hint="write it anew with fewer: openssl pkcs12 -iter 600000",
        )


def _values(content: bytes) -> Iterator[_Value]:
    """The values that stand in a row, up to the first that cannot be read."""
    at = 0
    while at < len(content):
        try:
            value = _value(content, at)
        except IndexError:
            return
        yield value
        at = value.end


def _value(content: bytes, at: int) -> _Value:
    """Raises IndexError when it does not end within `content`."""
    tag, at = content[at], at + 1
    if tag & _LONG_TAG == _LONG_TAG:
        while content[at] & 0x80:
            at += 1
        at += 1
    size, begin = content[at], at + 1
    if size == _INDEFINITE:
        end = _end_of_contents(content, begin)
        return _Value(tag, content[begin:end], end + 2)
    if size & 0x80:
        octets = content[begin : begin + (size & 0x7F)]
        size, begin = int.from_bytes(octets, "big"), begin + len(octets)
    if begin + size > len(content):
        raise IndexError
    return _Value(tag, content[begin : begin + size], begin + size)


def _end_of_contents(content: bytes, at: int) -> int:
    """Where the two zero octets of an indefinite length are (X.690 section 8.1.5)."""
    while content[at : at + 2] != b"\0\0":
        at = _value(content, at).end
    return at
