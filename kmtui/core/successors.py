"""Requests for a successor: the version before it says what is asked for, and is told to the CA."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError, Refused, VaultError
from kmtui.core.requests import Requests
from kmtui.core.together import together
from kmtui.core.windows import Windows
from kmtui.db import requests, versions
from kmtui.model import Certificate, Request, RequestKind, RequestSpec, RequestStatus

AT_ONCE = 16
"""Requests made at a time, each with a new key; the issuance has gates of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one certificate: its request, or why there is none."""

    certificate: Certificate
    request: Request | None = None
    error: KmtuiError | None = None


class Successors:
    """Makes the requests for the next versions of certificates: as the last one, or changed."""

    def __init__(self, context: Context, requests_: Requests, windows: Windows) -> None:
        self._context = context
        self._requests = requests_
        self._windows = windows

    async def start(
        self,
        wanted: Sequence[Certificate],
        *,
        kind: RequestKind = RequestKind.RENEW,
        changes: Mapping[str, Any] | None = None,
        force: bool = False,
        start: bool = True,
    ) -> list[Outcome]:
        """Start a successor of each; what stands in the way of one is its outcome and is recorded.

        `changes` are fields of the specification that differ from last time. Without `start` the
        requests are left queued for whoever looks next. Raises VaultLocked and ReadOnly, which
        stand in the way of all.
        """
        self._context.access.require_change()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(certificate: Certificate) -> Outcome:
            async with gate:
                try:
                    spec, origin = await self.planned(certificate, changes or {})
                    request = await self._create(certificate, kind, spec, origin, force, start)
                except VaultError:
                    raise
                except KmtuiError as error:
                    await self.refused(certificate, kind, error)
                    return Outcome(certificate=certificate, error=error)
            return Outcome(certificate=certificate, request=request)

        return await together(one(certificate) for certificate in wanted)

    async def planned(
        self, certificate: Certificate, changes: Mapping[str, Any]
    ) -> tuple[RequestSpec, Request | None]:
        """What would be asked for, and the request that got the version before, where it is known.

        Raises Refused for a certificate that cannot have a successor.
        """
        if certificate.archived_at is not None:
            raise Refused(
                f"{certificate.name} is deleted", hint=f"kmtui cert undelete {certificate.name}"
            )
        if not (changes.get("account") or certificate.account_id):
            raise Refused(
                f"{certificate.name} has no account",
                hint=f"kmtui cert set {certificate.name} --account A",
            )
        newest = _newest(certificate)
        if not newest:
            raise Refused(
                f"{certificate.name} has no version yet",
                hint="kmtui request list shows its requests; retry the last one",
            )
        origin, held = await self._context.db.read(lambda s: _origin(s, certificate, newest))
        spec = replace(_spec(certificate, origin), **changes)
        if spec.csr_pem and "csr_pem" not in changes and held:
            # Its key was imported since.
            spec = replace(spec, csr_pem=None)
        if spec.csr_pem and "csr_pem" not in changes and not spec.reuse_key:
            raise Refused(
                f"{certificate.name} came with a signing request of its own: its key is not here",
                hint=own_csr_hint(certificate),
            )
        return spec, origin

    async def refused(self, certificate: Certificate, kind: RequestKind, error: KmtuiError) -> None:
        """Keep in the trail why a certificate got no request."""

        def store(session: Session) -> None:
            self._context.record(
                session,
                f"request {kind}",
                "certificate",
                certificate.id,
                certificate.name,
                "failed",
                error.message,
            )

        await self._context.db.write(store)

    async def _create(
        self,
        certificate: Certificate,
        kind: RequestKind,
        spec: RequestSpec,
        origin: Request | None,
        force: bool,
        start: bool,
    ) -> Request:
        replaces = None
        if origin and _same(origin, spec):
            replaces = await self._windows.name_of(certificate, _newest(certificate))
        return await self._requests.create(
            spec,
            kind=kind,
            start=start,
            certificate_id=certificate.id,
            replaces=replaces,
            # Versions are numbered without a gap: a higher number was issued since.
            after_version=certificate.version_count,
            forced=force,
        )


def own_csr_hint(certificate: Certificate) -> str:
    """What an operator may do about a certificate whose key is kept elsewhere."""
    return (
        f"make a new signing request: kmtui cert reissue {certificate.name} --csr FILE;"
        f" or send the same one again: kmtui cert set {certificate.name} --reuse-key on"
    )


def _newest(certificate: Certificate) -> int:
    """The version that is followed: the one that waits to be saved, else the current one."""
    return max(certificate.current_version or 0, certificate.unsaved_version or 0)


def _origin(session: Session, certificate: Certificate, number: int) -> tuple[Request | None, bool]:
    """The request that got a version, or else the last that got any; and whether the version's key
    is kept here."""
    version = versions.get(session, certificate.id, number)
    held = version is not None and version.has_key
    found = requests.get(session, version.request_id) if version and version.request_id else None
    if found is not None:
        return found, held
    earlier = requests.of_certificate(session, certificate.id)
    issued = (RequestStatus.AVAILABLE, RequestStatus.SAVED)
    return next((request for request in earlier if request.status in issued), None), held


def _spec(certificate: Certificate, origin: Request | None) -> RequestSpec:
    """What is asked for: as last time, with what was set at the certificate since."""
    spec = origin.spec if origin else RequestSpec(names=certificate.names, account="")
    return replace(
        spec,
        names=certificate.names,
        account=certificate.account_id or "",
        key_type=certificate.key_type,
        profile=certificate.profile,
        label=None,
        auto_save=certificate.auto_save,
        reuse_key=certificate.reuse_key,
        preferred_chain=certificate.preferred_chain,
        profile_required=certificate.profile_required,
    )


def _same(origin: Request, spec: RequestSpec) -> bool:
    """RFC 9773 section 5: only a clear predecessor is named, same account and same names."""
    return origin.account_id == spec.account and set(origin.names) == set(spec.names)
