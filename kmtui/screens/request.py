"""One request: how far it is, what each name waits for, its log, and in the end its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kmtui.bindings import bindings, screen_bindings
from kmtui.core.errors import NotFound, OverLimit
from kmtui.model import Challenge, Request, RequestStatus
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.challenge_rows import COLUMNS, challenge_facts, challenge_row
from kmtui.screens.error import ErrorScreen, problem_facts
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.screens.renewal_words import moment, present_problem
from kmtui.screens.request_keys import request_reason
from kmtui.screens.request_steps import steps_of
from kmtui.screens.request_words import names_in_short, outlook_facts, parked_at
from kmtui.status import Cell, clock, duration
from kmtui.widgets.details import Details
from kmtui.widgets.line import Line
from kmtui.widgets.logview import LogView
from kmtui.widgets.rows import ListSource
from kmtui.widgets.rowtable import RowTable
from kmtui.widgets.steps import Steps

MOST_ROWS = 11
"""Challenges shown at once; the rest of the height belongs to the log."""


class RequestScreen(Page):
    """Live until the request ends; then it shows what came of it by itself."""

    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "open", "save", "cancel", "retry", "edit", "log", "copy"),
        *("last_error", "next_pane", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *screen_bindings("request"),
        *bindings("last_error"),
    ]
    AUTO_FOCUS = "RowTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    RequestScreen #band { display: none; }
    RequestScreen #problem { display: none; height: auto; max-height: 9; }
    RequestScreen.-ended #band { display: block; }
    RequestScreen.-told #problem { display: block; }
    RequestScreen #pane { display: none; width: 51; padding: 0 0 0 1; }
    RequestScreen.-wide #pane.-used { display: block; }
    RequestScreen.-narrow #challenges { layout: vertical; }
    RequestScreen.-narrow #pane.-used {
        display: block; width: 1fr; height: auto; max-height: 7; padding: 0;
    }
    """

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self.request_id = request_id
        self._request: Request | None = None
        self._held = ""
        self._steps = Steps()
        self._band = Line(id="band")
        self._problem = Details(id="problem")
        self.table = RowTable(COLUMNS, empty=_NO_CHALLENGES, markable=False)
        self.log_view = LogView()
        self.pane = Details(label_width=7, id="pane")
        self.title_line.show_crumbs("Requests", "…")

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self._steps
        yield self._band
        yield self._problem
        with Horizontal(id="challenges"):
            with Vertical():
                yield self.table
                yield self.log_view
            yield self.pane

    # Reading and showing

    def on_mount(self) -> None:
        self.set_interval(1.0, self._show_time)

    async def ready(self) -> None:
        try:
            request = await self.core.requests.get(self.request_id)
            challenges = await self.core.requests.challenges(request.id)
            lines = await self.core.requests.log(request.id)
        except NotFound:  # a draft that was sent or dropped elsewhere
            self.say("this request is gone", "warn")
            return
        self._request = request
        self._held = self.core.requests.held_by(request)
        self.title_line.show_crumbs("Requests", _title(request))
        self._steps.show_steps(steps_of(request, challenges))
        self._show_time()
        self._show_result(request, parked_at(request, lines))
        self._show_challenges(challenges)
        self.log_view.extend(lines)

    async def changed(self, message: Changed) -> None:
        """Read again only what concerns this request."""
        if not message.events or any(event.id == self.request_id for event in message.events):
            await self.ready()

    def _show_time(self) -> None:
        """The head of the screen; its clock stands still once the request ended."""
        if (request := self._request) is None:
            return
        words = [request.kind, request.account or "no account yet", _standing(request)]
        if request.replaces is not None:
            words.append(f"replaces {request.replaces}")
        end = request.finished_at or datetime.now(UTC)
        elapsed = duration((end - request.created_at).total_seconds())
        self.status_line.tell(
            counts=[(" · ".join(words), "")],
            position=f"started {clock(request.created_at)}  {elapsed}",
        )

    def _show_result(self, request: Request, parked_since: datetime | None) -> None:
        now = datetime.now(UTC)
        band = _result(request, parked_since, now)
        self.set_class(bool(band), "-ended")
        self._band.show(band)
        facts = outlook_facts(request, now, held=self._held)  # since when, the band says
        problem = present_problem(request)
        if problem is not None and request.status != RequestStatus.SAVED:
            # Each name's own part stands in the table; all of it behind the key !.
            facts += problem_facts(replace(problem, subproblems=(), where=""))
        self.set_class(bool(facts), "-told")
        self._problem.show(facts)

    def _show_challenges(self, challenges: Sequence[Challenge]) -> None:
        self.table.styles.height = min(max(len(challenges), 2), MOST_ROWS) + 1
        self.table.reload(ListSource(challenge_row(challenge) for challenge in challenges))

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        facts = challenge_facts(event.row.data) if event.row else ()
        self.pane.set_class(bool(facts), "-used")
        self.pane.show(facts)

    # Keys

    def impossible(self, key: str) -> str:
        if key == "open" and not (self._request and self._request.certificate_id):
            return "open: there is no certificate yet"
        return request_reason(self.core, key, self._request, self._held)

    def copied(self) -> str:
        """The value to publish of the challenge under the cursor, else the order's URL."""
        if self.table.row is not None and self.table.row.data.value:
            return str(self.table.row.data.value)
        return (self._request.order_url or "") if self._request else ""

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        """Enter on a challenge: the certificate that this request is for."""
        if self._request is not None and self._request.certificate_id:
            from kmtui.screens.certificate import CertificateScreen

            self.app.push_screen(CertificateScreen(self._request.certificate_id))

    def action_next_pane(self) -> None:
        self.focus_next()

    def action_log(self) -> None:
        from kmtui.screens.request_log import RequestLogScreen

        if self._request is not None:
            self.app.push_screen(RequestLogScreen(self.request_id, _title(self._request)))

    def action_last_error(self) -> None:
        """This request's own problem in full; where it has none, the last one anywhere."""
        request = self._request
        if request is None or request.problem is None:
            self.call_later(self.app.run_action, "last_error")
            return
        at = request.finished_at or request.created_at
        title = f"{request.kind} {_title(request)}"
        self.app.push_screen(ErrorScreen(title, request.problem, at))

    def action_cancel(self) -> None:
        self.start(self.core.requests.cancel(self.request_id), "cancel")

    def action_save(self) -> None:
        assert self._request is not None
        certificate, version = self._request.certificate_id or "", self._request.version
        self.start(self.core.certificates.save(certificate, version), "save")

    def action_retry(self) -> None:
        self.start(self._retry(), "retry")

    async def _retry(self, *, forced: bool = False) -> None:
        """Try again; a new attempt takes this one's place on the screen."""
        try:
            request = await self.core.requests.retry(self.request_id, forced=forced)
        except OverLimit as error:
            name = _title(self._request) if self._request else "this request"
            ask_anyway(
                self, [(name, str(error))], lambda: self.start(self._retry(forced=True), "retry")
            )
            return
        if request.id != self.request_id:
            self.request_id = request.id
            self.log_view.show(())
        self.post_message(Changed())

    def action_edit(self) -> None:
        from kmtui.screens.new_request import NewRequestScreen

        assert self._request is not None
        draft = self.request_id if self._request.status == RequestStatus.DRAFT else None
        self.app.push_screen(NewRequestScreen(self._request.spec, draft))


_NO_CHALLENGES = "No challenges yet: the CA names them once the order is placed."


def _title(request: Request) -> str:
    return f"#{request.number} {request.certificate or names_in_short(request)}"


def _standing(request: Request) -> str:
    """The CA's word on the order, and ours for the request where it says more."""
    if request.order_status and RequestStatus(request.status).active:
        return f"{request.status} · order {request.order_status}"
    return request.status


def _result(request: Request, parked_since: datetime | None, now: datetime) -> list[Cell]:
    """What came of it, as a band; nothing while it is under way."""
    match request.status:
        case RequestStatus.AVAILABLE:
            return [(f" Available: version {request.version}, s saves it ", "question")]
        case RequestStatus.SAVED:
            return [
                (f"+ Saved: version {request.version} of {request.certificate}", "good"),
                ("   enter opens the certificate", "muted"),
            ]
        case RequestStatus.FAILED:
            return [("x Failed", "bad"), ("   r retries, E corrects it, ! shows all", "muted")]
        case RequestStatus.CANCELLED:
            return [("/ Cancelled", "warn"), ("   r tries again, E corrects it", "muted")]
        case RequestStatus.PARKED:
            since = f" since {moment(parked_since, now)}" if parked_since else ""
            until = f" until {moment(request.not_before, now)} UTC" if request.not_before else ""
            return [(f"% Parked{since}{until}", "warn"), ("   r goes on now", "muted")]
    return []
