"""The whole log of one request, wrapped, growing while it is read."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.widgets.logview import LogView


class RequestLogScreen(Page):
    """Every line of it; ``y`` copies all."""

    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "copy", "last_error", "back")
    AUTO_FOCUS = "LogView"

    def __init__(self, request_id: str, title: str) -> None:
        super().__init__()
        self._request_id = request_id
        self._log = LogView(wrapped=True)
        self.title_line.show_crumbs("Requests", title, "log")

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self._log

    async def ready(self) -> None:
        lines = await self.core.requests.log(self._request_id)
        self._log.extend(lines)
        self.status_line.tell(counts=[(f"{len(lines)} lines", "")])

    async def changed(self, message: Changed) -> None:
        if not message.events or any(event.id == self._request_id for event in message.events):
            await self.ready()

    def copied(self) -> str:
        return self._log.text
