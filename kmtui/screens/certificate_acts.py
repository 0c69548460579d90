"""What the keys do to one certificate and to the chosen one of its versions."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.model import Certificate, Target, Version
from kmtui.screens.certificate_keys import certificate_reason, restoring_reason, revocation_reason
from kmtui.screens.deleting import Deleting
from kmtui.screens.page import Page
from kmtui.screens.policy import Policy
from kmtui.screens.renewing import Renewing
from kmtui.screens.revoking import Revoking
from kmtui.screens.saving import Saving


class CertificateActs(Page):
    """A page about one certificate. A subclass binds the keys, and gives `version` and `places`."""

    def __init__(self, certificate_id: str) -> None:
        super().__init__()
        self.certificate_id = certificate_id
        self.certificate: Certificate | None = None
        self.history: Sequence[Version] = ()
        """Both as they were read last."""
        self._policy = Policy(self, certificate_id)
        self._renewing = Renewing(self)
        self._saving = Saving(self)
        self._revoking = Revoking(self)
        self._deleting = Deleting(self)

    # What a subclass gives

    @property
    def version(self) -> Version | None:
        """The version that the keys are about."""
        raise NotImplementedError

    @property
    def places(self) -> Sequence[Target]:
        """All targets of the certificate."""
        raise NotImplementedError

    # Why not

    def against_act(self, key: str) -> str:
        """Why one of the keys below can do nothing now; empty when it can, and for other keys."""
        match key:
            case "save" if self._waiting is None:
                version = self.version
                return restoring_reason(version) if version else "save: every version is saved"
            case "revoke":
                return revocation_reason(self.version)
            case "undelete" if self.certificate is None or self.certificate.archived_at is None:
                return "undo delete: it is not deleted"
            case "renew" | "delete" if self.certificate is not None:
                return certificate_reason(key, self.certificate)
        return ""

    @property
    def current(self) -> int | None:
        """Number of the version in use."""
        return self.certificate.current_version if self.certificate else None

    @property
    def _waiting(self) -> int | None:
        """Number of the version that s saves: the chosen one if it waits, else the newest that
        does; none where the chosen one could be current again.
        """
        version = self.version
        if version is not None and not restoring_reason(version):
            return None
        if version is not None and version.saved_at is None and version.revoked_at is None:
            return version.number
        return self.certificate.unsaved_version if self.certificate else None

    # The keys

    def action_renew(self) -> None:
        self._renewing.renew([self.certificate_id])

    def action_auto_renew(self) -> None:
        self.start(self._policy.toggle_auto_renew(), "auto-renew")

    def action_auto_save(self) -> None:
        self.start(self._policy.toggle_auto_save(), "auto-save")

    def action_save(self) -> None:
        """Save what waits; make an earlier version current again."""
        if (number := self._waiting) is not None:
            self.start(self._save(number), "save")
        elif (version := self.version) is not None:
            current = next((each for each in self.history if each.number == self.current), None)
            self._saving.make_current(version, current, self.places)

    async def _save(self, number: int) -> None:
        version = await self.core.certificates.save(self.certificate_id, number)
        self.say(f"v{version.number} is current now", "good")

    def action_revoke(self) -> None:
        if self.version is not None:
            self.start(self._revoking.revoke_version(self.version), "revoke")

    def action_delete(self) -> None:
        self.start(self._deleting.delete([self.certificate_id]), "delete")

    def action_undelete(self) -> None:
        self.start(self._deleting.undelete([self.certificate_id]), "undo delete")
