"""What is set at a certificate, turned on and off from a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmtui.model import SaveMode

if TYPE_CHECKING:
    from kmtui.screens.page import Page


class Policy:
    """The switches of one certificate on one page."""

    def __init__(self, page: Page, certificate_id: str) -> None:
        self._page = page
        self._certificate_id = certificate_id

    async def toggle_auto_renew(self) -> None:
        """Renew it unattended, or not."""
        certificates = self._page.core.certificates
        wanted = not (await certificates.get(self._certificate_id)).auto_renew
        await certificates.set(self._certificate_id, auto_renew=wanted)
        if wanted:
            self._page.say("auto-renew on: kmtui renew --due renews it when it is due", "good")
        else:
            self._page.say("auto-renew off: nothing renews it any more; w switches it on", "warn")

    async def toggle_auto_save(self) -> None:
        """Save what is issued by itself, or ask."""
        certificates = self._page.core.certificates
        asks = (await certificates.get(self._certificate_id)).auto_save == SaveMode.ASK
        wanted = SaveMode.ALWAYS if asks else SaveMode.ASK
        await certificates.set(self._certificate_id, auto_save=wanted)
        then = "becomes current by itself" if asks else "waits until s saves it"
        self._page.say(f"auto-save {wanted}: a new version {then}", "good")
