"""Certificates and their versions: listed, shown, set, saved."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from sqlmodel import Session

from kmtui.core import saving
from kmtui.core.authorities import catalogue, refuse_if_retired
from kmtui.core.comparison import Difference, differences, side_by_side
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.events import CertificateChanged, RequestChanged
from kmtui.core.secrets import Secrets
from kmtui.db import accounts, authorities, requests, versions
from kmtui.db import certificates as rows
from kmtui.model import (
    Account,
    Certificate,
    ListQuery,
    Request,
    RequestStatus,
    SaveMode,
    Version,
)

KEY_KIND = "certificate-key"
"""What the private key of a request or a version is called among its secrets."""


class Certificates:
    """The inventory."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, query: ListQuery) -> list[Certificate]:
        """One page of the list, soonest to expire first by default."""
        return await self._context.db.read(lambda session: rows.page(session, query))

    async def count(self, query: ListQuery) -> int:
        """How many certificates the query matches."""
        return await self._context.db.read(lambda session: rows.count(session, query))

    async def counts(self) -> dict[str, int]:
        """How many are expired, expiring, due, failing, unsaved, and how many there are."""
        now = self._context.clock()
        return await self._context.db.read(lambda session: rows.counts(session, now))

    async def get(self, word: str) -> Certificate:
        """The certificate of that id, label, or name. Raises NotFound, Ambiguous."""
        return await self._context.db.read(lambda session: rows.get(session, word))

    async def history(self, word: str) -> list[Version]:
        """Every version ever issued, newest first; chains are left out."""
        certificate = await self.get(word)
        return await self._context.db.read(
            lambda session: versions.of_certificate(session, certificate.id)
        )

    async def versions(self, query: ListQuery) -> list[Version]:
        """One page of all versions of all certificates, the last issued first; without chains."""
        return await self._context.db.read(lambda session: versions.page(session, query))

    async def differences(self, word: str, one: int, other: int) -> list[Difference]:
        """What differs between two versions. Raises NotFound."""
        certificate = await self.get(word)
        first = await self.version(certificate.id, one)
        second = await self.version(certificate.id, other)
        return await asyncio.to_thread(differences, first, second)

    async def side_by_side(self, word: str, one: int, other: int) -> list[Difference]:
        """Every field of two versions, whether it differs or not. Raises as `differences`."""
        first, second = await self.version(word, one), await self.version(word, other)
        return await asyncio.to_thread(side_by_side, first, second)

    async def version(self, word: str, number: int) -> Version:
        """One version with its chain. Raises NotFound."""
        certificate = await self.get(word)
        found = await self._context.db.read(
            lambda session: versions.get(session, certificate.id, number)
        )
        if found is None:
            raise NotFound(f"{certificate.name} has no version {number}")
        return found

    async def private_key_pem(self, version: Version) -> bytes:
        """The version's private key, PKCS#8 PEM. Raises NotFound, VaultLocked."""
        return await private_key_pem(self._context.secrets, version)

    async def attempts(self, word: str) -> list[Request]:
        """Every request ever made for it, newest first."""
        certificate = await self.get(word)
        return await self._context.db.read(
            lambda session: requests.of_certificate(session, certificate.id)
        )

    async def set(
        self,
        word: str,
        *,
        name: str | None = None,
        account: str | None = None,
        auto_renew: bool | None = None,
        auto_save: str | None = None,
        reuse_key: bool | None = None,
        preferred_chain: str | None = None,
        profile: str | None = None,
        profile_required: bool | None = None,
    ) -> Certificate:
        """Change label, account or policy of a certificate; None leaves a thing as it is.

        An empty `preferred_chain` or `profile` takes it away. The next renewal goes by all of them.
        Raises NotFound, InvalidInput, Refused for an account that cannot be used.
        """
        self._context.access.require_change()
        certificate = await self.get(word)
        if auto_save is not None and auto_save not in {mode.value for mode in SaveMode}:
            raise InvalidInput("auto-save is ask or always", field="auto-save")
        if name is not None and not name.strip():
            raise InvalidInput("a label cannot be empty", field="name")
        given = {
            "name": name.strip() if name else None,
            "account_id": (await self._usable_account(account)).id if account else None,
            "auto_renew": auto_renew,
            "auto_save": auto_save,
            "reuse_key": reuse_key,
            "preferred_chain": preferred_chain,
            "profile": profile,
            "profile_required": profile_required,
        }
        fields = {
            key: value if value != "" else None for key, value in given.items() if value is not None
        }
        if not fields:
            raise InvalidInput("nothing to change", hint="kmtui cert set --help")

        def store(session: Session) -> None:
            rows.update(session, certificate.id, **fields)
            said = {**fields, "account_id": account} if account else fields
            detail = ", ".join(
                f"{key.removesuffix('_id')} {'none' if value is None else value}"
                for key, value in said.items()
            )
            self._context.record(
                session, "set", "certificate", certificate.id, certificate.name, detail=detail
            )

        await self._context.db.write(store)
        self._context.bus.publish(CertificateChanged(certificate.id))
        return await self.get(certificate.id)

    async def _usable_account(self, word: str) -> Account:
        account = await self._context.db.read(lambda session: accounts.get(session, word))
        if account is None:
            raise NotFound(f"no account {word!r}", hint="kmtui account list shows them")
        if account.status != "valid":
            raise Refused(f"account {account.name} is {account.status} at its CA")
        added = await self._context.db.read(lambda session: authorities.get(session, account.ca))
        if added is None and (known := catalogue().get(account.ca)):
            refuse_if_retired(known)
        return account

    async def save(self, word: str, number: int | None = None) -> Version:
        """Make an issued version the current one: the newest unsaved one unless `number` says.

        Raises NotFound, Refused when there is nothing to save.
        """
        self._context.access.require_change()
        certificate = await self.get(word)
        number = number or certificate.unsaved_version
        if number is None:
            raise Refused(f"{certificate.name} has no version that waits to be saved")
        version = await self.version(certificate.id, number)
        now = self._context.clock()

        def store(session: Session) -> None:
            _refuse_saving(versions.get(session, certificate.id, number) or version)
            saving.save(session, version, now)
            if version.request_id:
                requests.update(
                    session,
                    version.request_id,
                    status=RequestStatus.SAVED,
                    step=f"version {number} is saved",
                )
                rows.refresh(session, certificate.id)
            self._context.record(
                session,
                "save",
                "certificate",
                certificate.id,
                certificate.name,
                detail=f"version {number}",
            )

        await self._context.db.write(store)
        self._context.bus.publish(
            CertificateChanged(certificate.id), RequestChanged(version.request_id or "")
        )
        return await self.version(certificate.id, number)

    async def make_current(self, word: str, number: int) -> Version:
        """Make an earlier version that still is valid the current one again, at its targets, too.

        Raises NotFound, Refused for one that nobody should serve or that was never saved.
        """
        self._context.access.require_change()
        certificate = await self.get(word)
        version = await self.version(certificate.id, number)
        now = self._context.clock()

        def store(session: Session) -> None:
            _refuse_use(versions.get(session, certificate.id, number) or version, now)
            saving.make_current(session, version, now)
            self._context.record(
                session,
                "make current",
                "certificate",
                certificate.id,
                certificate.name,
                detail=f"version {number} in place of version {certificate.current_version}",
            )

        await self._context.db.write(store)
        self._context.bus.publish(CertificateChanged(certificate.id))
        return await self.version(certificate.id, number)


def _refuse_saving(version: Version) -> None:
    """Raise Refused for a version that does not wait to be saved, as it is in this transaction."""
    named = f"version {version.number} of {version.certificate}"
    if version.saved_at is not None:
        raise Refused(f"{named} is saved already")
    if version.revoked_at is not None:
        hint = f"get another one: kmtui cert renew {version.certificate}"
        raise Refused(f"{named} is revoked", hint=hint)


def _refuse_use(version: Version, now: datetime) -> None:
    """Raise Refused for a version that nobody should serve, that was never saved, or is in use."""
    named = f"version {version.number} of {version.certificate}"
    if version.saved_at is None:
        hint = f"kmtui cert save {version.certificate} --version {version.number}"
        raise Refused(f"{named} was never saved", hint=hint)
    if version.revoked_at is not None:
        raise Refused(f"{named} is revoked")
    if version.not_after < now:
        raise Refused(f"{named} expired on {version.not_after:%Y-%m-%d}")
    if version.replaced_at is None:
        raise Refused(f"{named} is the current one")


async def private_key_pem(secrets: Secrets, version: Version) -> bytes:
    """A version's private key, PKCS#8 PEM. Raises NotFound, VaultLocked.

    A key that was made here is its request's; one that was imported is the version's own.
    """
    for table, owner in (("request", version.request_id), (versions.OWNER, version.id)):
        with suppress(NotFound):
            return await secrets.open(owner_table=table, owner_id=owner or "", kind=KEY_KIND)
    raise NotFound(f"no private key is stored for version {version.number}")
