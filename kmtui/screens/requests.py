"""Mode 2: live and past requests. A failed one keeps its form; a draft waits to be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.core.errors import KmtuiError, OverLimit
from kmtui.core.problems import counted
from kmtui.model import Request, RequestStatus
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.confirm import Confirm
from kmtui.screens.listpage import ListPage
from kmtui.screens.queried import Queried
from kmtui.screens.request_keys import request_reason, vault_reason
from kmtui.screens.request_words import names_in_short, parked_at, request_facts, why_cell
from kmtui.status import Cell, status_cell, when_short
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row
from kmtui.widgets.rowtable import RowTable

if TYPE_CHECKING:
    from kmtui.core.core import Core


def _row(request: Request, now: datetime) -> Row:
    cells: tuple[Cell, ...] = (
        (str(request.number), ""),
        (names_in_short(request), ""),
        (request.kind, ""),
        status_cell(request.status),
        why_cell(request, now),
        (when_short(request.created_at, now), "muted"),
    )
    return Row(request.id, cells, request.status, request)


class RequestsScreen(ListPage):
    """What runs, what waits to be saved, what failed and why."""

    MODE = "requests"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("ID", 4, sort="number"),
        Column("NAME", 20, 40, flex=2, middle=True, sort="name"),
        Column("KIND", 7, drop=1, sort="kind"),
        Column("STATE", 11, sort="status"),
        Column("STEP / WHY", 20, flex=3),
        Column("WHEN", 5, drop=2, sort="created"),
    )
    EMPTY = "No requests yet.\n\nn   requests a certificate   (needs an account: 3 n)"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("requests")]
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "new", "retry", "cancel", "save", "edit", "drop_draft"),
        *("copy", "last_error", "back"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, tuple[str, datetime | None]] = {}
        """Of the request under the cursor: who else works on it, and since when it is parked."""

    def source(self) -> Queried[Request]:
        return Queried(
            self.core.requests,
            _row,
            text=self.filter_text,
            sort=self.sort,
            descending=self.descending if self.sort else None,
        )

    async def counts(self) -> Sequence[Cell]:
        found = Counter(await self.core.requests.counts())
        total = found["total"]
        pieces: list[Cell] = [(f"{total} request" if total == 1 else f"{total} requests", "")]
        for statuses, word, tone in _COUNTED:
            if count := sum(found[status] for status in statuses):
                pieces.append(
                    (counted(count, word) if word == "draft" else f"{count} {word}", tone)
                )
        return pieces

    def facts(self, row: Row) -> Sequence[Fact]:
        held, since = self._known.get(row.key, ("", None))
        return request_facts(row.data, datetime.now(UTC), held=held, since=since)

    def line(self, row: Row) -> Sequence[Cell]:
        request: Request = row.data
        text, tone = why_cell(request, datetime.now(UTC))
        account = f" · {request.account}" if request.account else ""
        return [(f"{names_in_short(request)}{account} · ", "muted"), (text, tone)]

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        """Of an unfinished one, find out who works on it, and since when it waits."""
        request = self._request
        if event.table is not self.table or request is None:
            return
        if RequestStatus(request.status).active and not self.core.requests.is_running(request.id):
            self.run_worker(self._look_closer(request), group="closer", exclusive=True)
        else:
            self._known.pop(request.id, None)

    async def _look_closer(self, request: Request) -> None:
        held = self.core.requests.held_by(request)
        parked = request.status == RequestStatus.PARKED
        log = await self.core.requests.log(request.id) if parked else []
        self._known = {request.id: (held, parked_at(request, log))}
        row = self.table.row
        if row is not None and row.key == request.id:
            self.pane.show(self.facts(row))
            self.refresh_bindings()

    def copied(self) -> str:
        """The names of the request."""
        request = self._request
        return "\n".join(request.names) if request else ""

    @property
    def _request(self) -> Request | None:
        row = self.table.row
        return row.data if row is not None else None

    def impossible(self, key: str) -> str:
        if self.table.marks:  # each marked one answers for itself
            return vault_reason(self.core, key)
        request = self._request
        held, _ = self._known.get(request.id, ("", None)) if request else ("", None)
        return request_reason(self.core, key, request, held)

    # Keys

    def open_row(self, row: Row) -> None:
        request: Request = row.data
        if request.status == RequestStatus.DRAFT:
            self._open_form(request)
            return
        from kmtui.screens.request import RequestScreen

        self.app.push_screen(RequestScreen(request.id))

    def _open_form(self, request: Request | None) -> None:
        from kmtui.screens.new_request import NewRequestScreen

        if request is None:
            self.app.push_screen(NewRequestScreen())
            return
        draft = request.id if request.status == RequestStatus.DRAFT else None
        self.app.push_screen(NewRequestScreen(request.spec, draft))

    def action_new(self) -> None:
        self._open_form(None)

    def action_edit(self) -> None:
        self._open_form(self._request)

    def action_log(self) -> None:
        from kmtui.screens.request_log import RequestLogScreen

        if (request := self._request) is not None:
            title = f"#{request.number} {names_in_short(request)}"
            self.app.push_screen(RequestLogScreen(request.id, title))

    def action_retry(self) -> None:
        chosen = self.table.chosen
        if len(chosen) > 1:
            self.ask(f"Retry {len(chosen)} requests?", lambda: self._each("retry", chosen))
        else:
            self._each("retry", chosen)

    def action_cancel(self) -> None:
        self._each("cancel", self.table.chosen)

    def action_save(self) -> None:
        self._each("save", self.table.chosen)

    def action_drop_draft(self) -> None:
        chosen = self.table.chosen
        what = "this draft" if len(chosen) == 1 else f"{len(chosen)} drafts"
        panel = Confirm(
            f"DROP {what}", "What was typed is forgotten. There is no undo.", verb="drop it"
        )
        self.app.push_screen(panel, lambda yes: self._each("drop_draft", chosen) if yes else None)

    def _each(self, key: str, ids: Sequence[str]) -> None:
        """Start one act of the core for every id; one that fails does not stop the others."""
        if key == "retry":
            self.start(self._retry(ids), "retry")
            return
        act = _ACTS[key]
        for request_id in ids:
            self.start(act(self.core, request_id), key.replace("_", " "))
        self.table.clear_marks()

    async def _retry(self, ids: Sequence[str], *, forced: bool = False) -> None:
        """Retry each; those that our own count of limits stands against are asked about."""
        over: list[tuple[str, str]] = []
        again: list[str] = []
        failed: KmtuiError | None = None
        self.table.clear_marks()
        for request_id in ids:
            try:
                await self.core.requests.retry(request_id, forced=forced)
            except OverLimit as error:
                request = await self.core.requests.get(request_id)
                over.append((f"#{request.number} {names_in_short(request)}", str(error)))
                again.append(request_id)
            except KmtuiError as error:
                failed = error
        if over:
            ask_anyway(self, over, lambda: self.start(self._retry(again, forced=True), "retry"))
        if failed is not None:
            raise failed


_COUNTED = (
    ([each for each in RequestStatus if each.active and each != "parked"], "running", "working"),
    ([RequestStatus.PARKED], "parked", "warn"),
    ([RequestStatus.AVAILABLE], "to save", "accent"),
    ([RequestStatus.FAILED], "failed", "bad"),
    ([RequestStatus.DRAFT], "draft", ""),
)
"""What is counted above the list: statuses, word to say, tone."""


async def _cancel(core: Core, request_id: str) -> None:
    await core.requests.cancel(request_id)


async def _drop(core: Core, request_id: str) -> None:
    await core.requests.drop(request_id)


async def _save(core: Core, request_id: str) -> None:
    request = await core.requests.get(request_id)
    await core.certificates.save(request.certificate_id or "", request.version)


_ACTS: dict[str, Callable[[Core, str], Coroutine[Any, Any, None]]] = {
    "cancel": _cancel,
    "drop_draft": _drop,
    "save": _save,
}
