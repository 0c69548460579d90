"""TXT data in zone file form (RFC 1035 section 5.1), as several vendors give and take it."""

from __future__ import annotations

import re

_STRING = re.compile(r'\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)


def quoted(value: str) -> str:
    """A value as one quoted string."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def joined(content: str) -> str:
    """The value of TXT data that is one quoted string, several, or not quoted at all.

    What is no list of quoted strings is the value itself: vendors keep what was typed.
    """
    strings: list[str] = []
    end = 0
    while found := _STRING.match(content, end):
        strings.append(_ESCAPE.sub(_character, found[1]))
        end = found.end()
    return "".join(strings) if strings and not content[end:].strip() else content


def _character(escape: re.Match[str]) -> str:
    """What an escape stands for: ``\\DDD`` is an octet, anything else the character itself."""
    return chr(int(escape[1])) if len(escape[1]) == 3 else escape[1]
