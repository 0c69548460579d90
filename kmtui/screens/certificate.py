"""One certificate: every version ever issued and every attempt to get one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kmtui.bindings import KEYS, screen_bindings
from kmtui.core.errors import KmtuiError
from kmtui.model import Certificate, Request, SaveMode, Version
from kmtui.screens.certificate_words import head_facts
from kmtui.screens.history import (
    ATTEMPT_COLUMNS,
    VERSION_COLUMNS,
    attempt_facts,
    attempt_row,
    version_row,
)
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.screens.renewing import Renewing
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.request_words import parked_at
from kmtui.screens.version import read_chain, version_facts
from kmtui.status import request_cell
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.rows import ListSource
from kmtui.widgets.rowtable import RowTable


class CertificateScreen(Page):
    """Its renewal on top; below, versions and attempts: one at a time, both where there is room."""

    AUTO_FOCUS = "#versions"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("certificate")]
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "open", "renew", "save", "auto_renew", "auto_save", "next_pane", "back"),
        *("copy", "last_error"),
    )
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared by Textual
    DEFAULT_CSS = """
    CertificateScreen #head { height: auto; max-height: 11; }
    CertificateScreen #versions { height: 2fr; }
    CertificateScreen #attempts { height: 1fr; }
    CertificateScreen.-narrow #attempts { display: none; }
    CertificateScreen.-narrow.-attempts #attempts { display: block; }
    CertificateScreen.-narrow.-attempts #versions { display: none; }
    CertificateScreen #pane { width: 46; padding: 0 0 0 1; }
    CertificateScreen.-narrow #pane { display: none; }
    """

    def __init__(self, certificate_id: str) -> None:
        super().__init__()
        self.title_line.show_crumbs("Certificates", "…")
        self._certificate_id = certificate_id
        self._certificate: Certificate | None = None
        self._attempt_ids: frozenset[str] = frozenset()
        self.head = Details(id="head")
        self.head.can_focus = False  # the keys are for the tables
        self.versions = RowTable(
            VERSION_COLUMNS,
            empty="No version was issued yet. tab shows the attempts.",
            markable=False,
            id="versions",
        )
        self.attempts = RowTable(
            ATTEMPT_COLUMNS, empty="Nobody asked for a version here.", markable=False, id="attempts"
        )
        self.pane = Details(label_width=11, id="pane")
        self._renewing = Renewing(self)

    def body(self) -> ComposeResult:
        yield self.head
        yield self.status_line
        with Horizontal():
            with Vertical():
                yield self.versions
                yield self.attempts
            yield self.pane

    # Reading

    async def ready(self) -> None:
        self.start(self._read(), "certificate")

    async def changed(self, message: Changed) -> None:
        """Read again when it is about this certificate or one of its requests."""
        concerned = {event.id for event in message.events}
        if not concerned or concerned & {self._certificate_id, *self._attempt_ids}:
            await self.ready()

    async def _read(self) -> None:
        certificates = self.core.certificates
        certificate = await certificates.get(self._certificate_id)
        versions = await certificates.history(self._certificate_id)
        attempts = await certificates.attempts(self._certificate_id)
        verdict = await self.core.renewal.verdict(self._certificate_id)
        if not self.is_attached:
            return
        now = datetime.now(UTC)
        self._certificate = certificate
        self._attempt_ids = frozenset(attempt.id for attempt in attempts)
        self.title_line.show_crumbs("Certificates", certificate.name)
        self.head.show(head_facts(certificate, verdict, attempts[0] if attempts else None, now))
        self.versions.reload(ListSource(version_row(version, now) for version in versions))
        self.attempts.reload(ListSource(attempt_row(attempt, now) for attempt in attempts))
        self._show_tabs(len(versions), len(attempts))
        self.refresh_bindings()

    # Showing

    @property
    def _shown(self) -> RowTable:
        """The table the keys are for."""
        return self.attempts if self.has_class("-attempts") else self.versions

    def _show_tabs(self, versions: int, attempts: int) -> None:
        on_attempts = self.has_class("-attempts")
        self.status_line.tell(
            counts=[
                (f"Versions {versions}", "muted" if on_attempts else "active"),
                (f"Attempts {attempts}", "active" if on_attempts else "muted"),
            ],
            position=self._shown.position,
        )

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table is self._shown:
            self.status_line.tell(position=event.table.position)
            self._show_pane()
            self.refresh_bindings()

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        if event.table is self.versions:
            from kmtui.screens.version import VersionScreen

            self.app.push_screen(VersionScreen(self._certificate_id, event.row.data.number))
        else:
            from kmtui.screens.request import RequestScreen

            self.app.push_screen(RequestScreen(event.row.key))

    def on_resize(self) -> None:
        self._show_pane()

    def _show_pane(self) -> None:
        """Tell about the row in the pane, if there is one."""
        row = self._shown.row
        if row is None or not self.has_class("-wide"):
            self.pane.clear()
        elif isinstance(row.data, Request):
            self.run_worker(self._show_attempt(row.data), group="pane", exclusive=True)
        else:
            self.run_worker(self._show_version(row.data), group="pane", exclusive=True)

    async def _show_attempt(self, request: Request) -> None:
        """Since when it is parked stands in its log."""
        log = await self.core.requests.log(request.id) if request.status == "parked" else []
        held, since = self.core.requests.held_by(request), parked_at(request, log)
        self.pane.show(attempt_facts(request, datetime.now(UTC), held=held, since=since))

    async def _show_version(self, row: Version) -> None:
        """The chain is no part of a list: it is read for the one version that is looked at."""
        try:
            version = await self.core.certificates.version(self._certificate_id, row.number)
        except KmtuiError as error:
            self.pane.clear(str(error))
            return
        chain = await asyncio.to_thread(read_chain, version.chain_pem)
        facts = version_facts(version, datetime.now(UTC), chain.line)
        more: Fact = ("", ("enter shows the whole text, the chain and the PEM", "muted"))
        self.pane.show([("", (f"v{version.number}", "strong")), *facts, ("", ""), more])

    # Keys

    def impossible(self, key: str) -> str:
        if key == "save" and self._waiting is None:
            return "save: every version is saved"
        return vault_reason(self.core, key) if key in KEYS else ""

    @property
    def _waiting(self) -> int | None:
        """Number of the version that s saves: the row's if it waits, else the newest that does."""
        row = self.versions.row
        if self._shown is self.versions and row is not None:
            version: Version = row.data
            if version.saved_at is None and version.revoked_at is None:
                return version.number
        return self._certificate.unsaved_version if self._certificate else None

    def copied(self) -> str:
        """The serial of the version, or what the CA said to the attempt."""
        row = self._shown.row
        if row is None:
            return ""
        if isinstance(row.data, Version):
            return row.data.serial
        return request_cell(row.data)[0] or row.data.order_url or f"#{row.data.number}"

    def action_next_pane(self) -> None:
        self.toggle_class("-attempts")
        self._show_tabs(self.versions.count, self.attempts.count)
        self._show_pane()
        # A hidden table takes no focus: it is shown at the next refresh.
        self.call_after_refresh(self._shown.focus)

    def action_renew(self) -> None:
        self._renewing.renew([self._certificate_id])

    def action_auto_renew(self) -> None:
        self.start(self._toggle_auto_renew(), "auto-renew")

    async def _toggle_auto_renew(self) -> None:
        certificates = self.core.certificates
        wanted = not (await certificates.get(self._certificate_id)).auto_renew
        await certificates.set(self._certificate_id, auto_renew=wanted)
        if wanted:
            self.say("auto-renew on: kmtui renew --due renews it when it is due", "good")
        else:
            self.say("auto-renew off: nothing renews it any more; w switches it on", "warn")

    def action_auto_save(self) -> None:
        self.start(self._toggle_auto_save(), "auto-save")

    async def _toggle_auto_save(self) -> None:
        certificates = self.core.certificates
        asks = (await certificates.get(self._certificate_id)).auto_save == SaveMode.ASK
        wanted = SaveMode.ALWAYS if asks else SaveMode.ASK
        await certificates.set(self._certificate_id, auto_save=wanted)
        then = "becomes current by itself" if asks else "waits until s saves it"
        self.say(f"auto-save {wanted}: a new version {then}", "good")

    def action_save(self) -> None:
        if (number := self._waiting) is not None:
            self.start(self._save(number), "save")

    async def _save(self, number: int) -> None:
        version = await self.core.certificates.save(self._certificate_id, number)
        self.say(f"v{version.number} is current now", "good")
