"""Revoking: a version is declared invalid at its CA, at once and for good (RFC 8555 section 7.6).

Signed by the account that got the version, or by the version's own key where the account is gone. A
key given up as compromised is blocked before the CA hears of it: whatever becomes of the
revocation, no certificate is asked for with that key again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core.accounts import Accounts
from kmtui.core.authorities import refuse_if_retired
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.certificates import Certificates
from kmtui.core.context import Context
from kmtui.core.deployment.queue import Deployments
from kmtui.core.errors import KmtuiError, Refused
from kmtui.core.events import CertificateChanged
from kmtui.core.renewal import Renewal
from kmtui.core.revocation_signers import Signers, Way, signed
from kmtui.core.successors import Outcome
from kmtui.core.together import whole
from kmtui.db import blocked_keys, targets, versions
from kmtui.model import (
    RequestStatus,
    RevocationReason,
    RevocationSigner,
    Version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A version that the CA has revoked."""

    version: Version
    """As it is stored now."""
    by: str
    """Whose key signed: ``account main`` or ``certificate key``; empty when nobody was asked."""
    already: bool
    """Whether it was revoked before this was asked for."""
    same_key: tuple[Version, ...] = ()
    """Other versions with the key that was given up, still valid: each is to be revoked, too."""


class Revocation:
    """Takes versions out of force."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        certificates_: Certificates,
        renewal: Renewal,
        deployments: Deployments,
    ) -> None:
        self._context = context
        self._cas = cas
        self._certificates = certificates_
        self._signers = Signers(context, cas, accounts, certificates_)
        self._renewal = renewal
        self._deployments = deployments

    async def revoke(
        self,
        word: str,
        *,
        reason: RevocationReason,
        number: int | None = None,
        by: RevocationSigner | None = None,
        ca: str | None = None,
    ) -> Revoked:
        """Revoke a version, the current one unless `number` says; final.

        Without `by` the account signs, and the certificate's key where the account is gone. `ca`
        is asked where nothing here tells which CA issued it. One that is revoked already is no
        error. Raises NotFound, Ambiguous, InvalidInput, Refused, VaultLocked, AcmeError.
        """
        self._context.access.require_change()
        version = await self._version(word, number)
        if version.revoked_at is not None and not _worse(version, reason):
            return Revoked(version=version, by="", already=True)
        self._refuse_expired(version)
        authority = await self._signers.authority(version, ca)
        refuse_if_retired(authority)
        await self._cas.require_sealed(authority.name)
        ways = await self._signers.ways(version, reason, authority, by)
        await self._intend(version, reason)
        way, news = await whole(self._carry_out(version, reason, ways))
        return Revoked(
            version=await self._certificates.version(version.certificate_id, version.number),
            by=way.by,
            already=not news,
            same_key=await self._same_key(version, reason),
        )

    async def renew_first(
        self,
        word: str,
        *,
        reason: RevocationReason,
        number: int | None = None,
        force: bool = False,
    ) -> tuple[Version, Outcome]:
        """Start a successor of the version that is to be revoked; `Renewal.wait` waits for it.

        What was compromised is blocked at once, so that the successor has another key. Then comes
        `in_force`, then `revoke` with that version's number. Raises as `revoke`.
        """
        self._context.access.require_change()
        version = await self._version(word, number)
        self._refuse_expired(version)
        certificate = await self._certificates.get(version.certificate_id)
        if certificate.current_version != version.number:
            raise Refused(
                f"version {version.number} of {version.certificate} is not the current one",
                hint="revoke it as it is: nothing has to be renewed before",
            )
        if reason == RevocationReason.KEY_COMPROMISE:
            await self._context.db.write(lambda session: self._block(session, version))
        (outcome,) = await self._renewal.renew([version.certificate_id], force=force)
        return version, outcome

    async def in_force(self, outcome: Outcome) -> Version:
        """The successor, once it is saved and every target of the certificate has it.

        Raises Refused, or what its request failed with, and the former version stays as it is.
        """
        request, name = outcome.request, outcome.certificate.name
        kept = f"nothing of {name} was revoked"
        if request is None:
            raise outcome.error or Refused(f"{name} was not renewed: {kept}")
        if request.status == RequestStatus.AVAILABLE:
            await self._certificates.save(outcome.certificate.id, request.version)
        elif request.status != RequestStatus.SAVED:
            raise Refused(
                f"the renewal of {name} is {request.status}: {kept}",
                hint=f"kmtui request show {request.number} tells why",
                problem=request.problem,
            )
        await self._deployments.settled()
        wanted = await self._context.db.read(
            lambda session: targets.of_certificate(session, outcome.certificate.id)
        )
        if lagging := [each.name for each in wanted if each.version != request.version]:
            raise Refused(
                f"version {request.version} of {name} is saved, and not at its targets yet:"
                f" {', '.join(lagging)}; {kept}",
                hint=f"kmtui cert deploy {name}, then revoke the former version by --version",
            )
        return await self._certificates.version(outcome.certificate.id, request.version or 0)

    async def _version(self, word: str, number: int | None) -> Version:
        certificate = await self._certificates.get(word)
        wanted = number or certificate.current_version or certificate.unsaved_version
        if wanted is None:
            raise Refused(f"{certificate.name} has no version that could be revoked")
        return await self._certificates.version(certificate.id, wanted)

    def _refuse_expired(self, version: Version) -> None:
        if version.not_after < self._context.clock():
            raise Refused(
                f"version {version.number} of {version.certificate} expired on"
                f" {version.not_after:%Y-%m-%d}: nobody trusts it any more",
                hint="CAs do not revoke what has expired",
            )

    async def _carry_out(
        self, version: Version, reason: RevocationReason, ways: Sequence[Way]
    ) -> tuple[Way, bool]:
        """Tell the CA and keep what it said: who it listened to, and whether it was news to it."""
        try:
            way, news = await signed(ways)
        except KmtuiError as error:
            said = f"{reason}: {error.message}"
            await self._context.db.write(lambda s: self._put(s, version, "failed", said))
            raise
        now = self._context.clock()
        how = f"{reason}, signed by {way.by}{'' if news else '; the CA had it revoked already'}"

        def store(session: Session) -> None:
            versions.mark_revoked(session, version.id, now, reason)
            self._put(session, version, "ok", how)

        await self._context.db.write(store)
        self._context.bus.publish(CertificateChanged(version.certificate_id))
        return way, news

    async def _intend(self, version: Version, reason: RevocationReason) -> None:
        def store(session: Session) -> None:
            if reason == RevocationReason.KEY_COMPROMISE:
                self._block(session, version)
            self._put(session, version, "started", reason)

        await self._context.db.write(store)

    def _block(self, session: Session, version: Version) -> None:
        """Give a version's key up, for good."""
        now = self._context.clock()
        if blocked_keys.block(
            session, version.spki_sha256, at=now, certificate=version.certificate
        ):
            self._context.record(
                session,
                "block key",
                "certificate",
                version.certificate_id,
                version.certificate,
                detail=f"version {version.number}, key {version.spki_sha256}",
            )

    def _put(self, session: Session, version: Version, outcome: str, detail: str) -> None:
        self._context.record(
            session,
            "revoke",
            "certificate",
            version.certificate_id,
            version.certificate,
            outcome,
            f"version {version.number}, serial {version.serial}: {detail}",
        )

    async def _same_key(self, version: Version, reason: RevocationReason) -> tuple[Version, ...]:
        if reason != RevocationReason.KEY_COMPROMISE:
            return ()
        now = self._context.clock()
        found = await self._context.db.read(
            lambda session: versions.with_key(session, version.spki_sha256)
        )
        return tuple(
            each
            for each in found
            if each.id != version.id and each.revoked_at is None and each.not_after >= now
        )


def _worse(version: Version, reason: RevocationReason) -> bool:
    """Whether a revoked version turned out to be compromised: the CA is told that, too."""
    compromised = RevocationReason.KEY_COMPROMISE
    return reason == compromised and version.revocation_reason != compromised
