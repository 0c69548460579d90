"""What the keys open about the certificates chosen on a page: export, import, move, edit, diff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmtui.bindings import KEYS
from kmtui.model import Certificate, Version
from kmtui.screens.request_keys import LOCKED, NOT_SET_UP

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.screens.page import Page

ABOUT_ONE_OR_MANY = frozenset({"export", "move", "edit"})
"""Keys that need a certificate to be about."""


def form_reason(
    core: Core, key: str, chosen: Sequence[str], certificate: Certificate | None
) -> str:
    """Why one of these keys can do nothing now; empty when it can, and for other keys.

    `certificate` is the one under the cursor or on the screen, where there is one.
    """
    if key not in ABOUT_ONE_OR_MANY:
        return ""
    word = KEYS[key].word
    if not chosen:
        return f"{word}: there is no certificate here"
    if key == "export" and core.access.read_only:
        return f"{word}: this is read-only mode"
    if key == "export" and core.access.locked:
        return f"{word}: {LOCKED if core.access.initialised else NOT_SET_UP}"
    if key == "edit" and len(chosen) > 1:
        return f"{word}: one at a time; esc takes the marks away"
    if len(chosen) == 1 and certificate is not None:
        if not certificate.version_count:
            return f"{word}: {certificate.name} has no version yet"
        if key != "export" and certificate.archived_at is not None:
            return f"{word}: {certificate.name} is deleted; u brings it back"
    return ""


def diff_reason(version: Version | None, versions: int) -> str:
    """Why there is nothing to lay beside the version under the cursor; empty when there is."""
    if version is None:
        return "diff: tab goes to the versions, there it works"
    return "diff: there is no other version yet" if versions < 2 else ""


class CertificateForms:
    """Opens the forms for one page. What they start goes on when the page is left."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def import_files(self) -> None:
        """Certificates of others."""
        from kmtui.screens.import_form import ImportForm

        self._page.app.push_screen(ImportForm())

    async def export(
        self, ids: Sequence[str], hidden: int = 0, *, version: int | None = None
    ) -> None:
        """Files of these certificates; `hidden` of them the filter does not show."""
        from kmtui.screens.export_form import ExportForm

        certificates = [await self._page.core.certificates.get(each) for each in ids]
        self._page.lead_to(ExportForm(certificates, version=version, hidden=hidden))

    async def move(self, ids: Sequence[str], hidden: int = 0) -> None:
        """Another account for these certificates; `hidden` of them the filter does not show."""
        from kmtui.screens.moving import MoveScreen

        self._page.lead_to(MoveScreen(ids, hidden=hidden))

    def edit(self, certificate_id: str) -> None:
        """The certificate with other names, another key, account, profile or chain."""
        from kmtui.screens.reissue import ReissueForm

        self._page.app.push_screen(ReissueForm(certificate_id))

    def compare(self, version: Version) -> None:
        """A version beside the one before it; the first one beside the one after."""
        from kmtui.screens.diff import DiffScreen

        self._page.app.push_screen(DiffScreen(version.certificate_id, version.number))
