"""Requests come in: checked against what the CA takes, then committed with key and signing request.

Key and signing request are in the database before anything is sent, so that no certificate can
ever be issued for a key that is lost.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from sqlmodel import Session

from kmtui.core import abilities, authorities, keys, ledger
from kmtui.core.accounts import Accounts
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.certificates import private_key_pem
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, KmtuiError, NotFound, Refused
from kmtui.core.events import CertificateChanged, RequestChanged
from kmtui.core.names import normalise_names
from kmtui.core.planning import Proof, plan, proof
from kmtui.core.problems import counted
from kmtui.core.progress import Progress
from kmtui.db import accounts as account_rows
from kmtui.db import blocked_keys, certificates, request_log, requests, versions
from kmtui.model import (
    Account,
    Authority,
    Certificate,
    CheckLine,
    Request,
    RequestKind,
    RequestSpec,
    RequestStatus,
    Version,
)


class Intake:
    """Turns what an operator asks for into a request that can be worked on."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        solvers: Solvers,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._solvers = solvers

    async def check(self, spec: RequestSpec) -> list[CheckLine]:
        """What can be told before sending: every complaint and every name's way. Advisory."""
        lines: list[CheckLine] = []
        try:
            spec = replace(spec, names=normalise_names(spec.names))
            lines.append(CheckLine(True, counted(len(spec.names), "name")))
            account, authority = await self._account(spec)
            lines.append(CheckLine(True, f"account {account.name} at {authority.title}"))
            abilities.refuse(spec, authority)
            lines += await self._limits(spec, account, authority)
        except KmtuiError as error:
            lines.append(CheckLine(False, error.message))
            if error.hint:
                lines.append(CheckLine(None, error.hint))
            return lines
        means = await self._solvers.means()
        for name in spec.names:
            try:
                way = proof(name, spec.choices, means)
                lines.append(CheckLine(True, f"{name}: {way.type} through {way.via}"))
            except KmtuiError as error:
                lines.append(CheckLine(False, error.message))
                if error.hint:
                    lines.append(CheckLine(None, error.hint))
        return lines

    async def _limits(
        self, spec: RequestSpec, account: Account, authority: Authority
    ) -> list[CheckLine]:
        """The rate limits that are close, or used up."""
        now = self._context.clock()
        standings = await self._context.db.read(
            lambda session: ledger.standings(
                session,
                authority,
                account_id=account.id,
                names=spec.names,
                kind=RequestKind.ISSUE,
                now=now,
            )
        )
        ledger.refuse_over(standings)
        return [CheckLine(None, line) for line in ledger.warnings(standings)]

    async def _account(self, spec: RequestSpec) -> tuple[Account, Authority]:
        if not spec.account:
            raise InvalidInput("a request needs an account", field="account")
        account = await self._accounts.recent(spec.account)
        authority = await self._cas.recent(account.ca)
        authorities.refuse_if_retired(authority)
        if account.status != "valid":
            raise Refused(f"account {account.name} is {account.status} at {authority.title}")
        return account, authority

    async def checked(self, spec: RequestSpec) -> RequestSpec:
        """The spec with canonical names; raises for the first thing that cannot work."""
        spec = replace(spec, names=normalise_names(spec.names))
        account, _ = await self.planned(spec)
        return replace(spec, account=account.id)

    async def planned(self, spec: RequestSpec) -> tuple[Account, dict[str, Proof]]:
        """Who asks, and how each name will be proved; raises for the first that cannot work."""
        spec = replace(spec, names=normalise_names(spec.names))
        account, authority = await self._account(spec)
        abilities.refuse(spec, authority)
        return account, plan(spec, await self._solvers.means())

    async def commit(
        self,
        spec: RequestSpec,
        kind: RequestKind,
        *,
        start: bool,
        certificate_id: str | None = None,
        retry_of: Request | None = None,
        replaces: str | None = None,
        after_version: int | None = None,
        forced: bool = False,
    ) -> Progress:
        """Request, certificate, key and signing request in one transaction, before any order.

        With `start` this process claims the request at once. Raises Refused when a rate limit is
        used up (unless `forced`), or when the certificate has a version newer than `after_version`
        by now: somebody else was faster.
        """
        key, said = None, []
        if spec.csr_pem:
            csr = keys.check_csr(spec.csr_pem, names=spec.names)
        else:
            former, why = await self._former_key(spec, certificate_id)
            said += [("info" if former else "warn", why)] if why else []
            if former is None:
                key, csr = await asyncio.to_thread(keys.with_csr, spec.names, spec.key_type)
            else:
                key, csr = former, await asyncio.to_thread(keys.csr, spec.names, former)
        account, authority = await self._account(spec)
        request = self._row(spec, kind, RequestStatus.QUEUED, account=account)
        await ledger.prepare()

        def store(session: Session) -> Request:
            standings = ledger.standings(
                session,
                authority,
                account_id=account.id,
                names=spec.names,
                kind=kind,
                now=request.created_at,
            )
            blocked_keys.refuse(session, keys.csr_spki_sha256(csr))
            if not forced:
                ledger.refuse_over(standings)
            account_rows.refuse_changing_key(session, account)
            certificate = (
                certificates.get(session, certificate_id)
                if certificate_id
                else self._certificate(session, spec, account)
            )
            if certificate.archived_at is not None:
                raise Refused(
                    f"the certificate {certificate.name} is deleted",
                    hint=f"bring it back: kmtui cert undelete {certificate.name}; "
                    "or choose another label",
                )
            if after_version is not None:
                _refuse_newer(session, certificate, after_version)
            row = replace(
                request,
                certificate_id=certificate.id,
                certificate=certificate.name,
                retry_of=retry_of.id if retry_of else None,
                replaces=replaces,
                owner=self._context.owners.me if start else None,
                attempt=1 if start else 0,
            )
            number = requests.insert(session, row, csr=csr)
            if key is not None:
                self._context.secrets.seal(
                    session,
                    owner_table="request",
                    owner_id=request.id,
                    kind="certificate-key",
                    value=keys.to_pem(key),
                )
            asked = ("info", f"{kind} {', '.join(spec.names)} with {account.name}")
            warned = [("warn", line) for line in ledger.warnings(standings)]
            for level, text in (asked, *said, *warned):
                request_log.append(
                    session, request.id, at=request.created_at, level=level, text=text
                )
            self._context.record(
                session,
                f"request {kind}",
                "certificate",
                certificate.id,
                certificate.name,
                "started",
                f"#{number}",
            )
            return replace(row, number=number)

        row = await self._context.db.write(store)
        self._context.bus.publish(
            RequestChanged(row.id), CertificateChanged(row.certificate_id or "")
        )
        return Progress(self._context, row, csr)

    async def _former_key(
        self, spec: RequestSpec, certificate_id: str | None
    ) -> tuple[keys.PrivateKey | None, str]:
        """The key to keep where that is asked for and possible, and a line for the log."""
        if not spec.reuse_key or certificate_id is None:
            return None, ""

        def found(session: Session) -> Version | None:
            row = certificates.get(session, certificate_id)
            number = row.current_version or row.unsaved_version
            return versions.get(session, certificate_id, number) if number else None

        version = await self._context.db.read(found)
        if version is None:
            return None, ""
        if version.key_type != spec.key_type:
            return None, f"a new key: that of version {version.number} is {version.key_type}"
        spki = version.spki_sha256
        if await self._context.db.read(lambda s: blocked_keys.is_blocked(s, spki)):
            return None, f"a new key: that of version {version.number} was given up as compromised"
        try:
            pem = await private_key_pem(self._context.secrets, version)
        except NotFound:
            return None, f"a new key: that of version {version.number} is not kept here"
        key = await asyncio.to_thread(keys.load_private_key, pem)
        return key, f"with the key of version {version.number}"

    async def draft(self, spec: RequestSpec) -> Request:
        """Keep a form as it is; nothing is checked and no key is made."""
        request = self._row(spec, RequestKind.ISSUE, RequestStatus.DRAFT, account=None)
        number = await self._context.db.write(lambda session: requests.insert(session, request))
        self._context.bus.publish(RequestChanged(request.id))
        return replace(request, number=number)

    def _certificate(self, session: Session, spec: RequestSpec, account: Account) -> Certificate:
        """The certificate this request is for: the one of that label or those names, else new."""
        existing = certificates.same(session, label=spec.label, names=spec.names)
        if existing is not None:
            if spec.label and set(existing.names) != set(spec.names):
                raise InvalidInput(
                    f"the certificate {existing.name} is for {', '.join(existing.names)}",
                    field="name",
                    hint="choose another label",
                )
            return existing
        certificate = Certificate(
            id=str(uuid.uuid4()),
            name=spec.label or certificates.free_label(session, spec.names[0]),
            names=spec.names,
            account_id=account.id,
            account=account.name,
            ca=account.ca,
            key_type=spec.key_type,
            profile=spec.profile,
            auto_renew=True,
            auto_save=spec.auto_save,
            created_at=self._context.clock(),
            reuse_key=spec.reuse_key,
            preferred_chain=spec.preferred_chain,
            profile_required=spec.profile_required,
        )
        certificates.insert(session, certificate)
        return certificate

    def _row(
        self,
        spec: RequestSpec,
        kind: RequestKind,
        status: RequestStatus,
        *,
        account: Account | None,
    ) -> Request:
        return Request(
            id=str(uuid.uuid4()),
            number=0,
            kind=kind,
            certificate_id=None,
            certificate=spec.label,
            names=spec.names,
            account_id=account.id if account else None,
            account=account.name if account else spec.account,
            status=status,
            step="not sent yet" if status == RequestStatus.DRAFT else "queued",
            created_at=self._context.clock(),
            spec=spec,
        )


def _refuse_newer(session: Session, certificate: Certificate, number: int) -> None:
    newest = versions.newest_number(session, certificate.id)
    if newest > number:
        raise Refused(
            f"version {newest} of {certificate.name} was issued meanwhile",
            hint="look at it before asking for another one",
        )
