"""Mode 2: live and past requests. A failed one keeps its form; a draft waits to be sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.model import ListQuery, Request, RequestStatus
from kmtui.screens.confirm import Confirm
from kmtui.screens.error import problem_facts
from kmtui.screens.listpage import ListPage
from kmtui.screens.queried import Queried
from kmtui.screens.request_keys import request_reason, vault_reason
from kmtui.status import Cell, ago, duration, request_cell, status_cell, when, when_short
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from kmtui.core.core import Core


def names_in_short(request: Request) -> str:
    """The first name and how many more: ``shop.example.org +2``; the label where there is none."""
    if not request.names:
        return request.certificate or "(no names yet)"
    more = len(request.names) - 1
    return f"{request.names[0]} +{more}" if more else request.names[0]


def _row(request: Request, now: datetime) -> Row:
    cells: tuple[Cell, ...] = (
        (str(request.number), ""),
        (names_in_short(request), ""),
        (request.kind, ""),
        status_cell(request.status),
        request_cell(request),
        (when_short(request.created_at, now), "muted"),
    )
    return Row(request.id, cells, request.status, request)


class RequestsScreen(ListPage):
    """What runs, what waits to be saved, what failed and why."""

    MODE = "requests"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("ID", 4, sort="number"),
        Column("NAME", 20, 40, flex=2, middle=True),
        Column("KIND", 7, drop=1),
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

    def source(self) -> Queried[Request]:
        return Queried(
            self.core.requests,
            _row,
            text=self.filter_text,
            sort=self.sort,
            descending=self.descending if self.sort else None,
        )

    async def counts(self) -> Sequence[Cell]:
        async def count(text: str) -> int:
            return await self.core.requests.count(ListQuery(now=datetime.now(UTC), text=text))

        total = await count("")
        pieces: list[Cell] = [(f"{total} request" if total == 1 else f"{total} requests", "")]
        for status, word, tone in _COUNTED:
            if found := await count(f"status:{status}"):
                pieces.append((f"{found} {word}", tone))
        return pieces

    def facts(self, row: Row) -> Sequence[Fact]:
        request: Request = row.data
        facts: list[Fact] = [
            (f"#{request.number}", (f"{request.kind} {request.status}", "strong")),
            ("names", "\n".join(request.names)),
            ("account", request.account or "not chosen"),
            ("key", f"{request.spec.key_type}  {request.spec.profile or ''}".rstrip()),
            ("asked", f"{when(request.created_at)}  {ago(request.created_at, datetime.now(UTC))}"),
        ]
        if request.finished_at is not None:
            seconds = (request.finished_at - request.created_at).total_seconds()
            facts.append(("took", duration(seconds)))
        if request.version is not None:
            facts.append(("version", f"{request.certificate} v{request.version}"))
        if request.order_url:
            facts.append(("order", request.order_url))
        if request.problem is not None:
            facts += [("", ""), *problem_facts(request.problem)]
        elif request.step:
            facts.append(("step", request.step))
        return facts

    def line(self, row: Row) -> Sequence[Cell]:
        request: Request = row.data
        text, tone = request_cell(request)
        account = f" · {request.account}" if request.account else ""
        return [(f"{names_in_short(request)}{account} · ", "muted"), (text, tone)]

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
        return request_reason(self.core, key, self._request)

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
        act = _ACTS[key]
        for request_id in ids:
            self.start(act(self.core, request_id), key.replace("_", " "))
        self.table.clear_marks()


_COUNTED = (
    ("active", "running", "working"),
    ("available", "to save", "accent"),
    ("failed", "failed", "bad"),
    ("draft", "drafts", ""),
)
"""What is counted above the list: status to ask for, word to say, tone."""


async def _retry(core: Core, request_id: str) -> None:
    await core.requests.retry(request_id)


async def _cancel(core: Core, request_id: str) -> None:
    await core.requests.cancel(request_id)


async def _drop(core: Core, request_id: str) -> None:
    await core.requests.drop(request_id)


async def _save(core: Core, request_id: str) -> None:
    request = await core.requests.get(request_id)
    await core.certificates.save(request.certificate_id or "", request.version)


_ACTS: dict[str, Callable[[Core, str], Coroutine[Any, Any, None]]] = {
    "retry": _retry,
    "cancel": _cancel,
    "drop_draft": _drop,
    "save": _save,
}
