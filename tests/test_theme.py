"""What must be read can be read, in every theme and on every ground."""

from __future__ import annotations

import pytest
from textual.color import Color

from kmtui.status import LOOKS
from kmtui.theme import ANSI, DARK, LIGHT, TONES, themes, tone

READABLE = 4.5
NEVER_ON_THE_CURSOR_ROW = {"off", "question", "cursor", "resting"}

# Usual palettes, in the order of NAMES.
PALETTES = {
    "xterm": ["#000000", "#ffffff", "#cd0000", "#cd00cd", "#ffff00"],
    "console": ["#000000", "#ffffff", "#aa0000", "#aa00aa", "#ffff55"],
    "tango": ["#2e3436", "#eeeeec", "#cc0000", "#75507b", "#fce94f"],
}
NAMES = ["ansi_black", "ansi_bright_white", "ansi_red", "ansi_magenta", "ansi_bright_yellow"]


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio, WCAG 2.2: 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", [DARK, LIGHT])
def test_every_tone_is_readable_on_the_ground_and_on_the_cursor_row(name: str) -> None:
    ground = Color.parse(next(each.background for each in themes() if each.name == name) or "")
    cursor = tone(name, "cursor").background
    assert cursor is not None

    for word in TONES[name]:
        style = tone(name, word)
        if style.foreground is None:
            continue
        own = style.background or ground
        assert contrast(style.foreground, own) >= READABLE, word
        if word not in NEVER_ON_THE_CURSOR_ROW:
            assert contrast(style.foreground, cursor) >= READABLE, word


@pytest.mark.parametrize("name", [DARK, LIGHT])
def test_there_are_at_most_eight_text_colours(name: str) -> None:
    colours = {
        style.foreground.hex
        for word in TONES[name]
        if (style := tone(name, word)).foreground is not None and style.background is None
    }

    assert len(colours) <= 8


@pytest.mark.parametrize("palette", PALETTES)
def test_the_ansi_theme_brings_its_own_ground(palette: str) -> None:
    shown = dict(zip(NAMES, map(Color.parse, PALETTES[palette]), strict=True))

    for word, definition in TONES[ANSI].items():
        names = definition.split()
        assert "bold" not in names, word  # many terminals turn bold into another colour
        if "on" in names:
            text, ground = names[0], names[names.index("on") + 1]
            assert contrast(shown[text], shown[ground]) >= READABLE, word
        else:
            assert not any(name.startswith("ansi_") for name in names), word


def test_all_themes_know_the_same_tones() -> None:
    assert set(TONES[DARK]) == set(TONES[LIGHT]) == set(TONES[ANSI])
    assert {look.tone for look in LOOKS.values()} <= set(TONES[DARK])
