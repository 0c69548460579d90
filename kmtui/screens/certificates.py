"""Mode 1, the home screen: every certificate, the soonest to expire first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, screen_bindings
from kmtui.core.errors import KmtuiError, NotFound
from kmtui.core.events import ChallengeChanged, DeploymentStepped, RequestLogged
from kmtui.core.problems import counted
from kmtui.model import Authority, Certificate, Request, Target, Verdict
from kmtui.screens.authority_words import known_authority
from kmtui.screens.certificate_forms import CertificateForms, form_reason
from kmtui.screens.certificate_keys import certificate_reason
from kmtui.screens.certificate_words import certificate_facts, certificate_row, names_in_short
from kmtui.screens.deleting import Deleting
from kmtui.screens.last_run_words import NO_RUN
from kmtui.screens.listpage import ListPage
from kmtui.screens.messages import Changed
from kmtui.screens.queried import Queried
from kmtui.screens.renewing import Renewing
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.revoking import Revoking
from kmtui.screens.saving import Saving
from kmtui.screens.target_words import NOT_WELL
from kmtui.screens.tasks import Work
from kmtui.status import Cell, attempt_cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row
from kmtui.widgets.rowtable import RowTable

COUNTED = (
    ("expired", "bad"),
    ("expiring", "alert"),
    ("due", "warn"),
    ("failing", "bad"),
    ("unsaved", "accent"),
)
"""What is counted above the list, each a word of ``status:``, and its tone."""

UNSEEN = (ChallengeChanged, RequestLogged, DeploymentStepped)
"""Events of what is not shown here."""
Judged = tuple[Verdict, Request | None, Sequence[Target], Authority | None]
RESTS = 0.1
"""Seconds for which the cursor stays on a row before its renewal is read: a held key reads none."""

FIRST_RUN = """No certificates yet.

{vault}3 n   register an account       (staging first: its rate limits are generous)
4 n   add a DNS account         (proves names by TXT records, wildcards too)
5 n   add an end server         (proves names by files over http)
n     request a certificate     (needs an account)
i     import certificates       (certbot, lego, acme.sh, PEM and PFX files)

Data: {data}
Browsing works offline."""
SET_UP_VAULT = "L     set up the vault          (keys and credentials are sealed in it)\n"


class CertificatesScreen(ListPage):
    """What there is, what needs a look, and what waits to be saved."""

    MODE = "certificates"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 22, 64, flex=2, middle=True, sort="name"),
        Column("STATUS", 9, sort="status"),
        Column("EXPIRES", 10, sort="expires"),
        Column("IN", 5, align="right"),
        Column("RENEWAL", 16, 48, flex=1, drop=1, sort="renewal"),
        Column("VER", 4, align="right", drop=2, sort="versions"),
    )
    MORE_SORTS = ("issuer", "account", "created", "attempt")
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("certificates")]
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "sort", "mark", "open", "new", "renew", "save"),
        *("revoke", "delete", "renew_due", "export", "import_files", "move"),
        *("copy", "last_error", "leave"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.sort = "expires"
        self._renewing = Renewing(self, self.table.clear_marks)
        self._saving = Saving(self, self.table.clear_marks)
        self._revoking = Revoking(self, self.table.clear_marks)
        self._deleting = Deleting(self, self.table.clear_marks, self.table.select)
        self._forms = CertificateForms(self)
        self._judged: dict[str, Judged] = {}
        """What the pane tells about the certificates that were looked at."""
        self._fresh: set[str] = set()
        """Those of them that were judged since the last change; others are shown until they are."""

    def on_mount(self) -> None:
        self._query_changed()

    # Reading and showing

    async def ready(self) -> None:
        self.table.empty = self._empty()
        await super().ready()

    async def changed(self, message: Changed) -> None:
        """A challenge or a line of a log changes nothing that is shown here."""
        if message.events and all(isinstance(event, UNSEEN) for event in message.events):
            return
        self.table.empty = self._empty()
        self._fresh.clear()
        await super().changed(message)
        self._judge_soon()

    def source(self) -> Queried[Certificate]:
        return Queried(
            self.core.certificates,
            certificate_row,
            text=self.filter_text,
            sort=self.sort,
            descending=self.descending,
        )

    async def counts(self) -> Sequence[Cell]:
        counts = await self.core.certificates.counts()
        total = counts["total"]
        pieces: list[Cell] = [
            (f"{total} certificate" if total == 1 else f"{total} certificates", "")
        ]
        found = [(f"{counts[word]} {word}", tone) for word, tone in COUNTED if counts[word]]
        targets = await self.core.targets.counts()
        unwell = [
            (f"{counted(number, 'target')} {word}", "bad")
            for word in NOT_WELL
            if (number := targets.get(word))
        ]
        absent = [(NO_RUN, "bad")] if await self.core.alerts.unattended() else []
        # What needs an operator comes first: where room is short the end is cut.
        at = len(found) - (1 if counts["unsaved"] else 0)
        pieces += [*absent, *found[:at], *unwell, *found[at:]]
        return pieces if total else ()

    def facts(self, row: Row) -> Sequence[Fact]:
        return certificate_facts(row.data, datetime.now(UTC), *self._judged.get(row.key, ()))

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table is self.table:
            self._judge_soon()

    def on_resize(self) -> None:
        self._judge_soon()

    def _judge_soon(self) -> None:
        """Judge the certificate under the cursor, once the cursor rests on it."""
        row = self.table.row
        if row is not None and row.key not in self._fresh and self.has_class("-wide"):
            self.run_worker(self._judge(row.key), group="verdict", exclusive=True)

    async def _judge(self, certificate_id: str) -> None:
        await asyncio.sleep(RESTS)
        try:
            verdict = await self.core.renewal.verdict(certificate_id)
            certificate = await self.core.certificates.get(certificate_id)
            last = certificate.last_request_id
            newest = await self.core.requests.get(last) if last else None
            targets = await self.core.targets.of_certificate(certificate_id)
            authority = await known_authority(self.core, certificate.ca)
        except NotFound:  # removed meanwhile: the list is read again
            return
        except KmtuiError as error:
            self._say_error("reading its renewal", error)
            return
        self._judged[certificate_id] = (verdict, newest, targets, authority)
        self._fresh.add(certificate_id)
        row = self.table.row
        if row is not None and row.key == certificate_id:
            self.show_row()

    def line(self, row: Row) -> Sequence[Cell]:
        certificate: Certificate = row.data
        text, tone = attempt_cell(certificate, datetime.now(UTC))
        about = filter(None, (certificate.account, certificate.issuer))
        return [
            (names_in_short(certificate), "muted"),
            (f" · {text}" if tone else "", tone),
            ("".join(f" · {word}" for word in about), "muted"),
        ]

    def _query_changed(self) -> None:
        super()._query_changed()
        if self.workbench.core is not None and not self.filter_text:
            self.table.empty = self._empty()

    def _empty(self) -> str:
        """Why there is nothing, and what fills it."""
        if self.filter_text:
            return self.table.empty
        vault = "" if self.core.access.initialised else SET_UP_VAULT
        return FIRST_RUN.format(vault=vault, data=self.core.data)

    # Keys

    def impossible(self, key: str) -> str:
        # Of marked ones each answers for itself.
        row = None if self.table.marks else self.table.row
        certificate = row.data if row is not None else None
        if not self.table.marks and (reason := certificate_reason(key, certificate)):
            return reason
        if reason := form_reason(self.core, key, self.table.chosen, certificate):
            return reason
        return vault_reason(self.core, key) if key in KEYS else ""

    def on_row_table_marked(self, event: RowTable.Marked) -> None:
        self.refresh_bindings()

    def open_row(self, row: Row) -> None:
        from kmtui.screens.certificate import CertificateScreen

        self.app.push_screen(CertificateScreen(row.key))

    def copied(self) -> str:
        """All names of the certificate, a line each."""
        row = self.table.row
        return "\n".join(row.data.names) if row else ""

    def action_new(self) -> None:
        from kmtui.screens.new_request import NewRequestScreen

        self.app.push_screen(NewRequestScreen())

    def action_timeline(self) -> None:
        from kmtui.screens.timeline import TimelineScreen

        shown = TimelineScreen()

        def look(_: None) -> None:
            if (week := shown.chosen) is not None:
                self.look_for(week.expiring_filter if week.expires else week.renewing_filter)

        self.app.push_screen(shown, look)

    def action_map(self) -> None:
        from kmtui.screens.mappings import MappingsScreen

        self.app.push_screen(MappingsScreen())

    def action_sort(self) -> None:
        """The list's own order is a column's here: there is no step between."""
        super().action_sort()
        if not self.sort:
            super().action_sort()

    def action_renew(self) -> None:
        self.start(self._renew(list(self.table.chosen)), "renew")

    async def _renew(self, chosen: Sequence[str]) -> None:
        hidden = await self._hidden()
        self._renewing.renew(chosen, hidden=hidden)

    def action_export(self) -> None:
        self._on_chosen(self._forms.export, "export")

    async def _hidden(self) -> int:
        """How many of the marked ones the filter does not show."""
        return await self.table.hidden_marks() if self.table.marks and self.filter_text else 0

    def action_import_files(self) -> None:
        self._forms.import_files()

    def action_move(self) -> None:
        self._on_chosen(self._forms.move, "move")

    def action_edit(self) -> None:
        if self.table.chosen:
            self._forms.edit(self.table.chosen[0])

    def action_renew_due(self) -> None:
        self._renewing.renew_due()

    def action_save(self) -> None:
        """Save what waits: of the row at once, of the marked ones after a question."""
        if self.table.marks:
            self._on_chosen(self._saving.save_marked, "save")
        else:
            self.start(self._saving.save(self.table.chosen), "save")

    def action_revoke(self) -> None:
        self._on_chosen(self._revoking.revoke, "revoke")

    def action_delete(self) -> None:
        self._on_chosen(self._deleting.delete, "delete")

    def action_undelete(self) -> None:
        """Bring the marked ones back, or the row where it is shown as deleted; else the last."""
        row = self.table.row
        on_row = row is not None and row.data.archived_at is not None
        chosen = self.table.chosen if self.table.marks or on_row else []
        self._on_chosen(self._deleting.undelete, "undo delete", chosen)

    def _on_chosen(
        self,
        act: Callable[[Sequence[str], int], Work],
        title: str,
        chosen: Sequence[str] | None = None,
    ) -> None:
        """Begin an act on the marked ones, else on the row; it is told how many are hidden."""
        chosen = list(self.table.chosen) if chosen is None else chosen

        async def begin() -> None:
            await act(chosen, await self._hidden())

        self.start(begin(), title)
