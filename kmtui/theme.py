"""The looks of kmtui: two designed themes for true colour, and one that any terminal can show.

Widgets name a tone (see `kmtui.status`); the palette of the theme in force turns it into a style.
The ANSI theme does not know the terminal's ground, so it never puts a bare colour on it: what must
be seen stands on a ground of its own (4.5 : 1 or more in the usual palettes), the cursor row is
plain reverse, and nothing is bold, because many terminals turn bold into another colour.
"""

from __future__ import annotations

from functools import lru_cache

from textual.color import Color
from textual.style import Style
from textual.theme import Theme

DARK, LIGHT, ANSI = "kmtui-dark", "kmtui-light", "kmtui-ansi"

NAMES = {"dark": DARK, "light": LIGHT, "ansi": ANSI}
"""Words of the setting `theme` to theme names; ``auto`` chooses by the terminal."""


CSS = """
Screen { background: $background; color: $foreground; }
ModalScreen { background: $background 60%; }
ModalScreen:ansi { background: transparent; }
"""
"""What holds for every screen."""


def choose(setting: str, *, true_color: bool, no_color: bool) -> str:
    """The theme for a setting: ``auto`` is dark where true colour works, else ANSI."""
    if no_color:
        return ANSI
    return NAMES.get(setting, DARK if true_color else ANSI)


def _style(definition: str) -> Style:
    """A style from words: ``bold #f07f7f``, ``ansi_black on ansi_yellow``, ``reverse``."""
    names = definition.split()
    background = Color.parse(names[names.index("on") + 1]) if "on" in names else None
    colours = [name for name in names if name.startswith(("#", "ansi_"))]
    foreground = Color.parse(colours[0]) if colours and names[0] != "on" else None
    return Style(
        foreground=foreground,
        background=background,
        bold=True if "bold" in names else None,
        underline=True if "underline" in names else None,
        reverse={"reverse": True, "upright": False}.get(names[-1]) if names else None,
    )


# Text colours are members of the 256-colour cube: they are sent in half the bytes (see kmtui.sgr).
_DARK_TONES = {
    "": "",
    "good": "#87d787",
    "warn": "#d7af5f",
    "alert": "#d7af5f bold",
    "bad": "#ff8787 bold",
    "revoked": "#d7afd7",
    "working": "#5fd7ff",
    "accent": "#5fd7ff",
    "muted": "#afafaf",
    "strong": "#dadada bold",
    "header": "#afafaf bold",
    "active": "#5fd7ff bold underline",
    "key": "#5fd7ff",
    "off": "#8a8a8a",
    "cursor": "on #2a3d50",
    "resting": "on #1d242b",
    "question": "#14181c on #d7af5f",
}
_LIGHT_TONES = {
    "": "",
    "good": "#005f00",
    "warn": "#5f5f00",
    "alert": "#5f5f00 bold",
    "bad": "#af0000 bold",
    "revoked": "#870087",
    "working": "#005f87",
    "accent": "#005f87",
    "muted": "#585858",
    "strong": "#262626 bold",
    "header": "#585858 bold",
    "active": "#005f87 bold underline",
    "key": "#005f87",
    "off": "#6c6c6c",
    "cursor": "on #d3e3ef",
    "resting": "on #eef1f3",
    "question": "#ffffff on #5f5f00",
}
_ANSI_TONES = {
    "": "",
    "good": "",
    "warn": "ansi_black on ansi_bright_yellow upright",
    "alert": "ansi_black on ansi_bright_yellow upright",
    "bad": "ansi_bright_white on ansi_red upright",
    "revoked": "ansi_bright_white on ansi_magenta upright",
    "working": "",
    "accent": "",
    "muted": "",
    "strong": "",
    "header": "underline",
    "active": "reverse",
    "key": "underline",
    "off": "",
    "cursor": "reverse",
    "resting": "underline",
    "question": "reverse",
}
TONES = {DARK: _DARK_TONES, LIGHT: _LIGHT_TONES, ANSI: _ANSI_TONES}


@lru_cache(maxsize=256)
def tone(theme: str, name: str) -> Style:
    """The style of a tone in a theme; a theme that is not ours is treated as dark."""
    return _style(TONES.get(theme, _DARK_TONES).get(name, ""))


def themes() -> tuple[Theme, ...]:
    """The themes to register."""
    return (
        Theme(
            name=DARK,
            primary="#5fd7ff",
            secondary="#5fd7ff",
            accent="#5fd7ff",
            warning="#d7af5f",
            error="#ff8787",
            success="#87d787",
            foreground="#dadada",
            background="#14181c",
            surface="#14181c",
            panel="#1d242b",
            dark=True,
            text_alpha=1.0,
            variables=_variables("#dadada", "#14181c", "#2a3d50", "#44525f", "#afafaf"),
        ),
        Theme(
            name=LIGHT,
            primary="#005f87",
            secondary="#005f87",
            accent="#005f87",
            warning="#5f5f00",
            error="#af0000",
            success="#005f00",
            foreground="#262626",
            background="#fcfcfa",
            surface="#fcfcfa",
            panel="#eef1f3",
            dark=False,
            text_alpha=1.0,
            variables=_variables("#262626", "#fcfcfa", "#d3e3ef", "#b9c3cc", "#585858"),
        ),
        Theme(
            name=ANSI,
            primary="ansi_default",
            secondary="ansi_default",
            accent="ansi_default",
            warning="ansi_default",
            error="ansi_default",
            success="ansi_default",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            ansi=True,
            variables={
                **_variables(*["ansi_default"] * 5),
                "ansi-background": "ansi_default",
                "ansi-foreground": "ansi_default",
                "input-cursor-text-style": "reverse",
                "block-cursor-text-style": "reverse",
                "input-selection-background": "ansi_default",
                "scrollbar": "ansi_default",
                "scrollbar-hover": "ansi_default",
                "scrollbar-active": "ansi_default",
                "scrollbar-background": "ansi_default",
                "scrollbar-background-hover": "ansi_default",
                "scrollbar-background-active": "ansi_default",
            },
        ),
    )


def _variables(text: str, ground: str, cursor_ground: str, line: str, muted: str) -> dict[str, str]:
    """Colours that Textual's own widgets (inputs, choices, the palette) take from a theme."""
    return {
        "border": line,
        "border-blurred": line,
        "foreground-muted": muted,
        "text-muted": muted,
        "text-disabled": muted,
        "block-cursor-foreground": text,
        "block-cursor-background": cursor_ground,
        "block-cursor-text-style": "none",
        "block-cursor-blurred-foreground": text,
        "block-cursor-blurred-background": cursor_ground,
        "input-cursor-foreground": ground,
        "input-cursor-background": text,
        "input-cursor-text-style": "none",
        "input-selection-background": cursor_ground,
        "input-selection-foreground": text,
        "scrollbar": line,
        "scrollbar-hover": line,
        "scrollbar-active": muted,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }
