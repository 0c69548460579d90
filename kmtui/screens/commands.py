"""The command palette: the keys of the screen, found by their words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from kmtui.bindings import KEYS, Key


class KeyCommands(Provider):
    """The same commands and words as the key line and the help."""

    async def discover(self) -> Hits:
        """Everything that works now."""
        for key, active in self._commands():
            text = _words(key)
            yield DiscoveryHit(Content(text), self._runner(active), text=text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for key, active in self._commands():
            text = _words(key)
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), self._runner(active), text=text)

    def _commands(self) -> Iterator[tuple[Key, ActiveBinding]]:
        seen: set[str] = {"command_palette"}
        for active in self.screen.active_bindings.values():
            name = active.binding.id
            if name in KEYS and name not in seen and active.enabled:
                seen.add(name)
                yield KEYS[name], active

    def _runner(self, active: ActiveBinding) -> partial[Any]:
        return partial(self.app.run_action, active.binding.action, active.node)


def _words(key: Key) -> str:
    return f"{key.word}: {key.tooltip}"
