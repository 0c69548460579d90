"""Screens and commands that are imported when they are first shown."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from textual.command import Provider


def screen_named(dotted: str) -> Callable[[], Screen[Any]]:
    """What makes the screen ``module:Class`` of `kmtui.screens`."""

    def make() -> Screen[Any]:
        module, _, name = dotted.partition(":")
        return cast(Screen[Any], getattr(import_module(f"kmtui.screens.{module}"), name)())

    return make


def key_commands() -> type[Provider]:
    """The commands of the palette."""
    from kmtui.screens.commands import KeyCommands

    return KeyCommands
