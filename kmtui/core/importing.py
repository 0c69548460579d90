"""Import: certificates, keys and accounts of others come into the inventory as they are.

Looking and storing are two steps, so that an operator can see what would come. Nothing is reissued
and no CA is asked; the places that are read stay as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import DatabaseError, InvalidInput, KmtuiError, VaultError
from kmtui.core.events import AccountChanged, CertificateChanged
from kmtui.core.imports import adopted_accounts, adopted_certificates
from kmtui.core.imports.found import Found, FoundAccount, FoundCertificate, Trouble
from kmtui.core.imports.live import read_live
from kmtui.core.imports.outcome import Fate, Imported
from kmtui.core.imports.places import read_places
from kmtui.core.imports.tree import FIELD
from kmtui.db import accounts
from kmtui.model import Account
from kmtui.text import Secret

ACTION = "import"
"""What the audit trail calls it."""


class Imports:
    """Reads places of others, and adopts what is there."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        self._context = context
        self._cas = cas

    async def look(
        self, places: Sequence[str], *, live: bool = False, password: Secret[bytes] | None = None
    ) -> Found:
        """What is in files and directories, and what servers show: ``https://…``, and with `live`
        every place, as ``HOST:PORT``.

        What cannot be read is among the troubles. Raises InvalidInput when nothing was found at
        all; with one place, what stands in its way.
        """
        servers = [place for place in places if live or place.startswith("https://")]
        paths = [Path(place) for place in places if place not in servers]
        found = await asyncio.to_thread(read_places, paths, password)
        for server in servers:
            try:
                found.certificates.extend(await read_live(server))
            except KmtuiError as error:
                found.troubles.append(Trouble(server, error))
        if not (found.certificates or found.accounts):
            if len(found.troubles) == 1:
                raise found.troubles[0].error
            if not found.troubles:
                raise InvalidInput(
                    f"no certificate was found in {', '.join(places)}",
                    field=FIELD,
                    hint="name PEM or PKCS #12 files, a directory of them, or the state directory "
                    "of certbot, lego or acme.sh",
                )
        return found

    async def foresee(self, found: Found) -> list[Imported]:
        """What `carry_out` would come to now; nothing is stored."""
        names, told = await self._planned_accounts(found.accounts)

        def planned(session: Session) -> list[Imported]:
            foreseen, taken = [], set[str]()
            for each in found.certificates:
                try:
                    plan = adopted_certificates.plan(self._context, session, each, taken)
                except KmtuiError as error:
                    foreseen.append(_failed(each, error))
                    continue
                if each.label and plan.into:
                    taken.add(plan.into.id)
                foreseen.append(plan.told(names.get(each.account)))
            return foreseen

        certificates = await self._context.db.read(planned)
        return [*told, *certificates, *_troubles(found)]

    async def carry_out(self, found: Found) -> list[Imported]:
        """Store what was found, each account and each certificate in a transaction of its own.

        What stands in the way of one is its outcome and on record. Raises VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        by_identity: dict[str, Account] = {}
        done = [await self._adopt_account(each, by_identity) for each in found.accounts]
        taken: set[str] = set()
        for certificate in found.certificates:
            account = by_identity.get(certificate.account)
            outcome = await self._adopt_certificate(certificate, account, taken)
            if certificate.label and outcome.id:
                taken.add(outcome.id)
            done.append(outcome)
        return [*done, *_troubles(found)]

    async def _planned_accounts(
        self, found: Sequence[FoundAccount]
    ) -> tuple[dict[str, Account], list[Imported]]:
        """The rows that accounts will have, by identity, and what is told of each."""
        authorities = await self._cas.all()
        known = await self._context.db.read(accounts.list_all)
        plans = list(adopted_accounts.plan(self._context, found, known, authorities))
        rows = {each.identity: row for each, row, _ in plans if row is not None}
        # Its id is made when it is stored.
        return rows, [
            replace(told, id=None) if told.fate == Fate.NEW else told for _, _, told in plans
        ]

    async def _adopt_account(
        self, found: FoundAccount, by_identity: dict[str, Account]
    ) -> Imported:
        authorities = await self._cas.all()

        def store(session: Session) -> tuple[Account | None, Imported]:
            known = accounts.list_all(session)
            ((_, row, told),) = adopted_accounts.plan(self._context, [found], known, authorities)
            if row is not None and told.fate == Fate.NEW:
                adopted_accounts.store(self._context, session, found, row)
            return row, told

        try:
            row, told = await self._context.db.write(store)
        except (VaultError, DatabaseError):
            raise
        except KmtuiError as error:
            row, told = None, adopted_accounts.failed(found, error)
        if row is None:
            await self._record_failure(told)
            return told
        by_identity[found.identity] = row
        self._context.bus.publish(AccountChanged(row.id))
        return told

    async def _adopt_certificate(
        self, found: FoundCertificate, account: Account | None, taken: set[str]
    ) -> Imported:
        def plan(session: Session) -> adopted_certificates.Plan:
            return adopted_certificates.plan(self._context, session, found, taken)

        def store(session: Session) -> Imported:
            # Planned anew: another process may have imported the same meanwhile.
            return adopted_certificates.store(self._context, session, plan(session), account)

        try:
            foreseen = await self._context.db.read(plan)
            if not (foreseen.fresh or foreseen.unlocked):
                return foreseen.told(account)
            await asyncio.to_thread(adopted_certificates.check_keys, foreseen)
            done = await self._context.db.write(store)
        except (VaultError, DatabaseError):
            raise
        except KmtuiError as error:
            failed = _failed(found, error)
            await self._record_failure(failed)
            return failed
        self._context.bus.publish(CertificateChanged(done.id or ""))
        return done

    async def _record_failure(self, failed: Imported) -> None:
        def store(session: Session) -> None:
            why = failed.error.message if failed.error else ""
            self._context.record(
                session, ACTION, failed.kind, None, failed.name, "failed", f"{failed.where}: {why}"
            )

        await self._context.db.write(store)


def _failed(found: FoundCertificate, error: KmtuiError) -> Imported:
    in_use = found.in_use
    name = found.label or next(iter(in_use.facts.names), in_use.facts.subject)
    return Imported(
        kind="certificate",
        name=name,
        where=in_use.where,
        fate=Fate.FAILED,
        names=in_use.facts.names,
        not_after=in_use.facts.not_after,
        error=error,
    )


def _troubles(found: Found) -> list[Imported]:
    return [
        Imported(
            kind="place",
            name=trouble.where,
            where=trouble.where,
            fate=Fate.FAILED,
            error=trouble.error,
        )
        for trouble in found.troubles
    ]
