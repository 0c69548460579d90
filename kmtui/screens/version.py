"""One version: what its certificate says, who signed it, and the PEM to copy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.core.description import describe
from kmtui.core.errors import InvalidInput
from kmtui.core.inspection import chain_line, parse_chain, short_name
from kmtui.model import Version
from kmtui.screens.certificate_forms import CertificateForms, form_reason
from kmtui.screens.page import Page
from kmtui.status import ago, status_cell, until, version_status, when
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.logview import MOVES

LABEL_WIDTH = 22
"""Room for the longest label of a description."""
VIEWS = ("Text", "Chain", "PEM")


@dataclass(frozen=True, slots=True)
class Chain:
    """A version's chain, read: plain data made in a thread."""

    line: str
    """Who signed whom above the leaf: ``R11 < ISRG Root X1``."""
    subjects: tuple[str, ...] = ()
    """Short names, leaf first."""
    descriptions: tuple[tuple[str, ...], ...] = ()
    """Lines of each certificate, leaf first."""


def read_chain(pem: str) -> Chain:
    """The chain of a version in words; one that cannot be read says so. Takes milliseconds."""
    try:
        chain = parse_chain(pem)
    except InvalidInput as error:
        return Chain(error.message)
    return Chain(
        chain_line(chain),
        tuple(short_name(certificate.subject) for certificate in chain),
        tuple(describe(certificate) for certificate in chain),
    )


class VersionScreen(Page):
    """Three views of one version; tab goes from one to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("next_pane", "export", *MOVES, show=False)]
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "next_pane", "export", "copy", "last_error", "back"),
    )

    def __init__(self, certificate_id: str, number: int) -> None:
        super().__init__()
        self.title_line.show_crumbs("Certificates", "…", f"v{number}")
        self._certificate_id = certificate_id
        self._number = number
        self._version: Version | None = None
        self._chain = Chain("")
        self._view = 0
        self._forms = CertificateForms(self)
        self.details = Details(label_width=LABEL_WIDTH)

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self.details

    async def ready(self) -> None:
        self.start(self._read(), "version")

    async def _read(self) -> None:
        version = await self.core.certificates.version(self._certificate_id, self._number)
        chain = await asyncio.to_thread(read_chain, version.chain_pem)
        if not self.is_attached:
            return
        self._version, self._chain = version, chain
        self.title_line.show_crumbs("Certificates", version.certificate, f"v{version.number}")
        self._show()

    def _show(self) -> None:
        self.status_line.tell(
            counts=[
                (view, "active" if at == self._view else "muted") for at, view in enumerate(VIEWS)
            ]
        )
        if self._version is None:
            return
        now = datetime.now(UTC)
        if VIEWS[self._view] == "PEM":
            # A line each: a long chain is more text than one value may show.
            self.details.show([("", line) for line in self._version.chain_pem.splitlines()])
        elif VIEWS[self._view] == "Chain":
            self.details.show(chain_facts(self._chain))
        else:
            facts = version_facts(self._version, now, self._chain.line)
            said = _titled("The certificate says", self._chain.descriptions[:1])
            self.details.show([*facts, *said])

    def copied(self) -> str:
        """The whole chain as PEM, leaf first."""
        return self._version.chain_pem if self._version else ""

    # Keys

    def impossible(self, key: str) -> str:
        return form_reason(self.core, key, [self._certificate_id], None)

    def action_export(self) -> None:
        act = self._forms.export([self._certificate_id], version=self._number)
        self.start(act, "export")

    def action_next_pane(self) -> None:
        self._view = (self._view + 1) % len(VIEWS)
        self._show()
        self.details.scroll_home(animate=False)

    def action_cursor_down(self) -> None:
        self.details.scroll_down(animate=False)

    def action_cursor_up(self) -> None:
        self.details.scroll_up(animate=False)

    def action_page_down(self) -> None:
        self.details.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.details.scroll_page_up(animate=False)

    def action_top(self) -> None:
        self.details.scroll_home(animate=False)

    def action_bottom(self) -> None:
        self.details.scroll_end(animate=False)


def version_facts(version: Version, now: datetime, chain: str = "") -> list[Fact]:
    """What is known of a version: state, names, dates, key, fingerprints."""
    state, tone = status_cell(version_status(version, now))
    if version.revoked_at is not None:
        reason = f", {version.revocation_reason}" if version.revocation_reason else ""
        state = f"{state} {when(version.revoked_at)}{reason}"
    elif version.replaced_at is not None:
        state = f"{state} {when(version.replaced_at)}"
    facts: list[Fact] = [("status", (state, tone))]
    for at, name in enumerate(version.names):
        facts.append((" " if at else "names", name))  # a value each: together they may be too long
    facts += [
        ("not before", when(version.not_before)),
        ("not after", f"{when(version.not_after)}  {_left(version.not_after, now)}"),
        ("issued", f"{when(version.issued_at)}  {ago(version.issued_at, now)}"),
        ("why", version.why),
        ("saved", when(version.saved_at) if version.saved_at else "not yet"),
        ("key", version.key_type if version.has_key else f"{version.key_type}, not held here"),
        ("issuer", version.issuer),
    ]
    if chain:
        facts.append(("chain", chain))
    return [*facts, ("serial", version.serial), ("sha256", version.sha256)]


def _left(not_after: datetime, now: datetime) -> str:
    return f"in {until(not_after, now)}" if not_after > now else ago(not_after, now)


def chain_facts(chain: Chain) -> list[Fact]:
    """Every certificate of the chain, leaf first."""
    facts: list[Fact] = [("chain", chain.line)]
    for subject, lines in zip(chain.subjects, chain.descriptions, strict=True):
        facts += _titled(subject, [lines])
    return facts


def _titled(title: str, descriptions: Sequence[Sequence[str]]) -> list[Fact]:
    """Description lines below a title; nothing when there are none."""
    facts: list[Fact] = []
    for lines in descriptions:
        facts += [("", ""), ("", (title, "strong"))]
        for line in lines:
            label, _, value = line.partition(": ")
            facts.append((label, value))
    return facts
