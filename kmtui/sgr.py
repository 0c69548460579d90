"""The same picture with fewer bytes: colours and attributes are sent only where they change.

Textual sends each piece of text with all its attributes and a reset behind it, about 40 bytes
around each word in true colour. Over SSH that is what a key press waits for.
ECMA-48 section 8.3.117 (SGR); colours beyond the eight as in ISO 8613-6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEQUENCE = re.compile(r"\x1b\[([\d;]*)m")
_OTHER_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)", re.S)

_FLAGS_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""What ends each attribute. Bold and dim share their end."""
_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Attributes that are seen where there is no letter."""

_STEPS = (0, 95, 135, 175, 215, 255)
_SHORT = {
    f"2;{red};{green};{blue}": f"5;{16 + 36 * r + 6 * g + b}"
    for r, red in enumerate(_STEPS)
    for g, green in enumerate(_STEPS)
    for b, blue in enumerate(_STEPS)
} | {f"2;{level};{level};{level}": f"5;{232 + at}" for at, level in enumerate(range(8, 239, 10))}
"""True colours that are members of the 256-colour palette (its first 16 are the user's own)."""

State = tuple[str, str, frozenset[str]]
"""Parameters of the foreground, of the background, and the attributes that are on."""
PLAIN: State = ("", "", frozenset())


def lean(data: str) -> str:
    """The output, with each change of looks sent once and as a difference.

    Begins and ends with plain looks, as what it gets does. Attributes it does not know (double
    underline, overline) are passed on with a reset before them.
    """
    out: list[str] = []
    now = wanted = PLAIN
    for parameters, text in _pieces(data):
        wanted = _apply(wanted, parameters)
        if not text:
            continue
        if text[0] != "\x1b":
            looks = _enough_for_blanks(now, wanted) if text.isspace() else wanted
            out.append(_change(now, looks))
            now = looks
        out.append(text)
    if now != PLAIN:
        out.append("\x1b[0m")
    return "".join(out)


def _pieces(data: str) -> Iterator[tuple[str | None, str]]:
    """Pairs of SGR parameters (None for none) and what follows: text, or another sequence."""
    at = 0
    for match in _SEQUENCE.finditer(data):
        yield from ((None, piece) for piece in _split(data[at : match.start()]))
        yield match[1], ""
        at = match.end()
    yield from ((None, piece) for piece in _split(data[at:]))


def _split(text: str) -> Iterator[str]:
    """Text and sequences that are no SGR, each by itself."""
    at = 0
    for match in _OTHER_SEQUENCES.finditer(text):
        yield text[at : match.start()]
        yield match[0]
        at = match.end()
    yield text[at:]


def _apply(state: State, parameters: str | None) -> State:
    """The looks after an SGR sequence."""
    if parameters is None:
        return state
    foreground, background, flags = state
    codes = iter(parameters.split(";"))
    for code in codes:
        if code in ("", "0"):
            foreground, background, flags = PLAIN
        elif code in ("38", "48"):
            kind = next(codes, "")
            count = 3 if kind == "2" else 1
            given = ";".join([kind, *(next(codes, "0") for _ in range(count))])
            colour = f"{code};{_SHORT.get(given, given)}"
            if code == "38":
                foreground = colour
            else:
                background = colour
        elif code in ("39", "49"):
            foreground, background = ("", background) if code == "39" else (foreground, "")
        elif (number := int(code)) in range(30, 38) or number in range(90, 98):
            foreground = code
        elif number in range(40, 48) or number in range(100, 108):
            background = code
        elif code in _FLAGS_OFF.values():
            flags = frozenset(flag for flag in flags if _FLAGS_OFF.get(flag) != code)
        else:
            flags |= {code}
    return foreground, background, flags


def _enough_for_blanks(now: State, wanted: State) -> State:
    """Looks that spaces have in common with the wanted ones, nearer to the present ones."""
    seen = (now[2] | wanted[2]) & _SEEN_ON_BLANKS
    return wanted if seen else (now[0], wanted[1], now[2])


def _change(now: State, wanted: State) -> str:
    """The shortest way from one looks to the other."""
    if now == wanted:
        return ""
    fresh = [*sorted(wanted[2]), wanted[0], wanted[1]]
    anew = ";".join(["0", *(code for code in fresh if code)])
    gone = now[2] - wanted[2]
    if any(flag not in _FLAGS_OFF for flag in gone):
        return f"\x1b[{anew}m"
    codes = sorted({_FLAGS_OFF[flag] for flag in gone})
    still_on = now[2] - {flag for flag in now[2] if _FLAGS_OFF.get(flag) in codes}
    codes += sorted(wanted[2] - still_on)
    if now[0] != wanted[0]:
        codes.append(wanted[0] or "39")
    if now[1] != wanted[1]:
        codes.append(wanted[1] or "49")
    return f"\x1b[{min(';'.join(codes), anew, key=len)}m"
