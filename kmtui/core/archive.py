"""Deleting certificates: they leave the everyday lists, then their keys are destroyed.

A deleted certificate is neither renewed nor deployed any more. It stays valid at its CA, and its
public history stays here for ever. For thirty days it can come back; then its private keys, its
targets and its hold on the label go (`purge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.deployment import proof
from kmtui.core.deployment.queue import Deployments
from kmtui.core.errors import InvalidInput, KmtuiError, Refused, StillServed
from kmtui.core.events import CertificateChanged
from kmtui.db import certificates, renewal, requests, secrets, targets, versions
from kmtui.model import ACTIVE_STATUSES, Certificate, Target, TargetState
from kmtui.model import KEPT as KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What became of one certificate."""

    certificate: Certificate
    """As it is stored now."""
    error: KmtuiError | None = None
    """Why it was left as it is."""


class Archive:
    """Takes certificates out of the everyday lists, back in, and away."""

    def __init__(self, context: Context, deployments: Deployments) -> None:
        self._context = context
        self._deployments = deployments

    async def delete(self, words: Sequence[str], *, force: bool = False) -> list[Deletion]:
        """Delete certificates; what stands in the way of one is its outcome.

        One that a target still serves is left alone, unless `force`. Raises NotFound and Ambiguous
        before anything is done, ReadOnly, VaultLocked.
        """
        self._context.access.require_change()
        return [await self._delete(row, force) for row in await self._named(words)]

    async def undelete(self, words: Sequence[str]) -> list[Deletion]:
        """Bring deleted certificates back, with their settings; raises as `delete`."""
        self._context.access.require_change()
        return [await self._undelete(row) for row in await self._named(words)]

    async def last_deleted(self) -> Certificate | None:
        """The certificate that was deleted last and can come back; None where there is none."""
        return await self._context.db.read(certificates.last_archived)

    async def purge(self, label: str) -> Certificate:
        """Destroy the keys of a deleted certificate now; `label` is its label, exactly.

        Final: without its keys no version of it can be put anywhere again. Raises NotFound, and
        InvalidInput for a certificate that was meant in another way; Refused unless it is deleted.
        """
        self._context.access.require_change()
        (row,) = await self._named([label])
        if row.name != label:
            raise InvalidInput(
                f"{label!r} is not the label of a certificate",
                field="purge",
                hint=f"type the label exactly: {row.name}",
            )
        if row.archived_at is None:
            raise Refused(f"{label} is not deleted", hint=f"first: kmtui cert delete {label} --yes")
        if row.purged_at is not None:
            raise Refused(f"the keys of {label} were destroyed on {row.purged_at:%Y-%m-%d}")
        return await self._purge(row)

    async def purge_due(self) -> list[Certificate]:
        """Purge every certificate that was deleted thirty days ago or earlier; as they were."""
        self._context.access.require_change()
        before = self._context.clock() - KEPT
        due = await self._context.db.read(lambda session: certificates.to_purge(session, before))
        purged = []
        for row in due:
            try:
                await self._purge(row)
            except Refused:
                continue  # brought back since
            purged.append(row)
        return purged

    async def _named(self, words: Sequence[str]) -> list[Certificate]:
        """Each of them once, in the order given."""

        def found(session: Session) -> list[Certificate]:
            rows = (certificates.get(session, word) for word in words)
            return list({row.id: row for row in rows}.values())

        return await self._context.db.read(found)

    async def _delete(self, row: Certificate, force: bool) -> Deletion:
        try:
            if row.archived_at is not None:
                raise Refused(f"{row.name} is deleted already")
            if not force and (serving := await self._serving(row)):
                raise StillServed(
                    f"{row.name} is still served by {', '.join(each.name for each in serving)}",
                    hint=f"when that has ended: kmtui target delete {row.name} {serving[0].name}; "
                    "or --force: it is served until it expires, and not renewed there",
                )
            await self._context.db.write(lambda session: self._archive(session, row))
        except Refused as error:
            return Deletion(certificate=row, error=error)
        return await self._done(row)

    async def _serving(self, row: Certificate) -> list[Target]:
        """The targets that a version was put to, but for those seen to serve something else."""
        holding = [
            each
            for each in await self._context.db.read(lambda s: targets.of_certificate(s, row.id))
            if each.version is not None and each.state != TargetState.STALE
        ]
        if not holding:
            return []
        seen = {each.id: served for each, served in await self._deployments.verify(row.id)}
        return [
            each
            for each in holding
            if (served := seen.get(each.id)) is None or served.outcome != proof.STALE
        ]

    def _archive(self, session: Session, row: Certificate) -> None:
        now = certificates.get(session, row.id)
        if now.last_request_status in ACTIVE_STATUSES:
            raise Refused(
                f"request #{now.last_request_number} for {now.name} is under way",
                hint=f"wait for it, or stop it: kmtui request cancel {now.last_request_number}",
            )
        certificates.archive(session, row.id, self._context.clock())
        self._record(session, "delete", row, "it stays valid at its CA")

    async def _undelete(self, row: Certificate) -> Deletion:
        def store(session: Session) -> None:
            now = certificates.get(session, row.id)
            if now.archived_at is None:
                raise Refused(f"{now.name} is not deleted")
            if now.purged_at is not None:
                raise Refused(
                    f"the keys of {now.name} were destroyed on {now.purged_at:%Y-%m-%d}",
                    hint="ask for a new certificate with the same names; the history stays",
                )
            certificates.unarchive(session, row.id)
            self._record(session, "undelete", row, "")

        try:
            await self._context.db.write(store)
        except Refused as error:
            return Deletion(certificate=row, error=error)
        return await self._done(row)

    async def _purge(self, row: Certificate) -> Certificate:
        """Destroy what is secret about a certificate; what is public stays.

        Raises Refused for one that is not deleted any more, or was anew.
        """

        def store(session: Session) -> None:
            now = certificates.get(session, row.id)
            if (now.archived_at, now.purged_at) != (row.archived_at, None):
                raise Refused(
                    f"{row.name} was brought back meanwhile, or deleted anew",
                    hint=f"kmtui cert show {row.name} tells",
                )
            destroyed = 0
            for request in requests.of_certificate(session, row.id):
                destroyed += secrets.delete_for(session, "request", request.id)
            for version in versions.of_certificate(session, row.id):
                destroyed += secrets.delete_for(session, "version", version.id)
            for target in targets.of_certificate(session, row.id):
                targets.delete(session, target.id)
            renewal.drop(session, row.id)
            certificates.purge(session, row.id, self._context.clock())
            keys = "1 key" if destroyed == 1 else f"{destroyed} keys"
            self._record(session, "purge", row, f"{keys} destroyed; the history stays")

        await self._context.db.write(store)
        return (await self._done(row)).certificate

    async def _done(self, row: Certificate) -> Deletion:
        self._context.bus.publish(CertificateChanged(row.id))
        return Deletion(
            certificate=await self._context.db.read(lambda s: certificates.get(s, row.id))
        )

    def _record(self, session: Session, action: str, row: Certificate, detail: str) -> None:
        self._context.record(session, action, "certificate", row.id, row.name, detail=detail)
