"""Requests: checked, created with key and signing request, started, retried, cancelled."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from kmtui.core import authorities, keys
from kmtui.core.accounts import Accounts
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, KmtuiError, NotFound, Refused
from kmtui.core.events import CertificateChanged, RequestChanged
from kmtui.core.issuance import COME_BACK, Issuance
from kmtui.core.jobs import Jobs
from kmtui.core.names import normalise_names
from kmtui.core.planning import proof
from kmtui.core.problems import counted
from kmtui.db import certificates, challenges, cleanup, request_log, requests
from kmtui.model import (
    Account,
    Authority,
    Certificate,
    Challenge,
    CheckLine,
    KeyType,
    ListQuery,
    LogLine,
    Request,
    RequestKind,
    RequestSpec,
    RequestStatus,
    SaveMode,
)


class Requests:
    """Attempts to get a version, each with its own key."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        solvers: Solvers,
        jobs: Jobs,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._solvers = solvers
        self._jobs = jobs
        self._issuance = Issuance(context, cas, accounts, solvers)

    async def page(self, query: ListQuery) -> list[Request]:
        """One page of the list, newest first by default."""
        return await self._context.db.read(lambda session: requests.page(session, query))

    async def count(self, query: ListQuery) -> int:
        """How many requests the query matches."""
        return await self._context.db.read(lambda session: requests.count(session, query))

    async def get(self, word: str) -> Request:
        """The request of that id or number. Raises NotFound."""
        found = await self._context.db.read(lambda session: requests.get(session, word))
        if found is None:
            raise NotFound(f"no request {word}", hint="kmtui request list shows them")
        return found

    async def challenges(self, word: str) -> list[Challenge]:
        """The challenges of a request, in the order of its names."""
        request = await self.get(word)
        rows = await self._context.db.read(lambda session: challenges.of(session, request.id))
        place = {name: position for position, name in enumerate(request.names)}
        return sorted(rows, key=lambda row: place.get(row.identifier, len(place)))

    async def log(self, word: str) -> list[LogLine]:
        """The log of a request, oldest first."""
        request = await self.get(word)
        return await self._context.db.read(lambda session: request_log.of(session, request.id))

    async def leftovers(self) -> int:
        """How many published records and files wait to be removed."""
        return await self._context.db.read(cleanup.count_pending)

    def is_running(self, request_id: str) -> bool:
        """Whether this process works on the request now."""
        return self._jobs.is_running(_job(request_id))

    async def check(self, spec: RequestSpec) -> list[CheckLine]:
        """What can be told before sending: every complaint and every name's way. Advisory."""
        lines: list[CheckLine] = []
        try:
            spec = replace(spec, names=normalise_names(spec.names))
            lines.append(CheckLine(True, counted(len(spec.names), "name")))
            account, authority = await self._account(spec)
            lines.append(CheckLine(True, f"account {account.name} at {authority.title}"))
            _check_abilities(spec, authority)
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

    async def create(
        self, spec: RequestSpec, *, kind: RequestKind = RequestKind.ISSUE, start: bool = True
    ) -> Request:
        """Commit the request with its key and signing request, then start it.

        Raises InvalidInput naming the field, NotFound, Refused, VaultLocked.
        """
        self._context.access.require_change()
        spec = await self._checked(spec)
        request = await self._commit(spec, kind)
        if start:
            self._start(request)
        return request

    async def draft(self, spec: RequestSpec) -> Request:
        """Keep a form as it is, to be sent later."""
        self._context.access.require_change()
        request = self._row(spec, RequestKind.ISSUE, RequestStatus.DRAFT, account=None)
        number = await self._context.db.write(lambda session: requests.insert(session, request))
        self._context.bus.publish(RequestChanged(request.id))
        return replace(request, number=number)

    async def drop(self, word: str) -> None:
        """Remove a draft."""
        self._context.access.require_change()
        request = await self.get(word)
        if request.status != RequestStatus.DRAFT:
            raise Refused(f"request {request.number} is {request.status}: only drafts are dropped")
        await self._context.db.write(lambda session: requests.delete(session, request.id))
        self._context.bus.publish(RequestChanged(request.id))

    async def retry(self, word: str) -> Request:
        """Try again: a failed request gets a new attempt, a cut-off one goes on where it stood."""
        self._context.access.require_change()
        request = await self.get(word)
        status = RequestStatus(request.status)
        if status == RequestStatus.DRAFT:
            sent = await self.create(request.spec)
            await self.drop(request.id)
            return sent
        if status.active:
            if not self.is_running(request.id):
                await self._accounts.signer(await self._accounts.get(request.account_id or ""))
                self._start(request)
            return request
        if status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
            raise Refused(
                f"request {request.number} ended well: version {request.version} was issued",
                hint="renew the certificate for a new version",
            )
        spec = await self._checked(request.spec)
        again = await self._commit(
            spec, RequestKind(request.kind), certificate_id=request.certificate_id, of=request
        )
        self._start(again)
        return again

    async def cancel(self, word: str) -> Request:
        """Stop a request that is under way and remove what it published."""
        self._context.access.require_change()
        request = await self.get(word)
        if not RequestStatus(request.status).active:
            raise Refused(f"request {request.number} is {request.status}: nothing to cancel")
        return await self._stop(
            request, RequestStatus.CANCELLED, "cancelled", finished_at=self._context.clock()
        )

    async def park(self, word: str) -> Request:
        """Set a request aside that the CA or a name server keeps waiting; `retry` takes it up."""
        self._context.access.require_change()
        request = await self.get(word)
        status = RequestStatus(request.status)
        if not status.active or status == RequestStatus.PARKED:
            return request
        not_before = self._context.clock() + COME_BACK
        return await self._stop(
            request, RequestStatus.PARKED, f"set aside while {request.step}", not_before=not_before
        )

    async def _stop(
        self, request: Request, status: RequestStatus, step: str, **fields: Any
    ) -> Request:
        # The job first: it would else write one more step over the new status.
        await self._jobs.cancel(_job(request.id))
        if not RequestStatus((await self.get(request.id)).status).active:
            return await self.get(request.id)

        def store(session: Session) -> None:
            requests.update(session, request.id, status=status, step=step, **fields)
            request_log.append(
                session, request.id, at=self._context.clock(), level="warn", text=step
            )
            self._context.record(
                session, f"request {status}", "request", request.id, f"#{request.number}"
            )

        await self._context.db.write(store)
        await self._issuance.clean_up(request.id)
        self._context.bus.publish(RequestChanged(request.id))
        return await self.get(request.id)

    async def wait(self, word: str, *, seconds: float | None = None) -> Request:
        """Wait until this process has done what it can; the request as it is then."""
        request = await self.get(word)
        await self._jobs.wait(_job(request.id), seconds=seconds)
        return await self.get(request.id)

    def _start(self, request: Request) -> None:
        self._jobs.start(_job(request.id), lambda: self._issuance.obtain(request.id))

    async def _account(self, spec: RequestSpec) -> tuple[Account, Authority]:
        if not spec.account:
            raise InvalidInput("a request needs an account", field="account")
        account = await self._accounts.get(spec.account)
        authority = await self._cas.get(account.ca)
        authorities.refuse_if_retired(authority)
        if account.status != "valid":
            raise Refused(f"account {account.name} is {account.status} at {authority.title}")
        return account, authority

    async def _checked(self, spec: RequestSpec) -> RequestSpec:
        """The spec with canonical names; raises for the first thing that cannot work."""
        spec = replace(spec, names=normalise_names(spec.names))
        account, authority = await self._account(spec)
        _check_abilities(spec, authority)
        means = await self._solvers.means()
        for name in spec.names:
            proof(name, spec.choices, means)
        return replace(spec, account=account.id)

    async def _commit(
        self,
        spec: RequestSpec,
        kind: RequestKind,
        *,
        certificate_id: str | None = None,
        of: Request | None = None,
    ) -> Request:
        """Request, certificate, key and signing request in one transaction, before any order."""
        key = None
        if spec.csr_pem:
            csr = keys.check_csr(spec.csr_pem, names=spec.names)
        else:
            key = await asyncio.to_thread(keys.generate, KeyType(spec.key_type))
            csr = keys.csr(spec.names, key)
        account = await self._accounts.get(spec.account)
        request = self._row(spec, kind, RequestStatus.QUEUED, account=account)

        def store(session: Session) -> Request:
            certificate = (
                certificates.get(session, certificate_id)
                if certificate_id
                else self._certificate(session, spec, account)
            )
            row = replace(
                request,
                certificate_id=certificate.id,
                certificate=certificate.name,
                retry_of=of.id if of else None,
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
            request_log.append(
                session,
                request.id,
                at=request.created_at,
                level="info",
                text=f"{kind} {', '.join(spec.names)} with {account.name}",
            )
            certificates.refresh(session, certificate.id)
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
        return row

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


def _check_abilities(spec: RequestSpec, authority: Authority) -> None:
    """What the catalogue knows that the CA would refuse anyway."""
    if spec.key_type not in set(KeyType):
        raise InvalidInput(f"no key type is called {spec.key_type}", field="key-type")
    if authority.key_types and spec.key_type not in authority.key_types:
        raise InvalidInput(
            f"{authority.title} takes {', '.join(authority.key_types)} keys, not {spec.key_type}",
            field="key-type",
        )
    if spec.auto_save not in set(SaveMode):
        raise InvalidInput("save is ask or always", field="save")
    if authority.max_names and len(spec.names) > authority.max_names:
        raise InvalidInput(
            f"{authority.title} takes at most {authority.max_names} names in one certificate,"
            f" not {len(spec.names)}",
            field="names",
        )
    if authority.wildcard is False and any(name.startswith("*.") for name in spec.names):
        raise InvalidInput(f"{authority.title} issues no wildcards", field="names")


def _job(request_id: str) -> str:
    return f"request:{request_id}"
