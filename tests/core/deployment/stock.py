"""Certificates with versions and keys to deploy, put into an inventory without a CA."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.deployment.bundle import Bundle, bundle
from kmtui.core.inspection import chain_pem, facts
from kmtui.db import certificates, requests, versions
from kmtui.model import Certificate, Version
from tests.core.issuer import chain_of_issuers
from tests.db import samples

_ROOT, _INTERMEDIATE = chain_of_issuers()


async def certificate(core: Core, name: str = "www.example.org") -> Certificate:
    """A certificate without versions."""
    row = samples.certificate(name, created_at=core.context.clock())
    await core.context.db.write(lambda session: certificates.insert(session, row))
    return row


async def version(
    core: Core,
    of: Certificate,
    *,
    saved: bool = True,
    lasts: timedelta = timedelta(days=90),
    with_key: bool = True,
) -> Version:
    """The next version, with a key of its own; saved, so that it is wanted everywhere."""
    now = core.context.clock()
    key = keys.generate("ec256")
    leaf = _INTERMEDIATE.issue(
        of.names,
        key,
        begins=now - timedelta(hours=1),
        lasts=lasts,
        serial=int(now.timestamp() * 1e6),
    )
    request = samples.request(*of.names, certificate_id=of.id, status="saved")

    def store(session: Session) -> Version:
        requests.insert(session, request)
        secret = core.context.secrets.seal(
            session,
            owner_table="request",
            owner_id=request.id,
            kind="certificate-key",
            value=keys.to_pem(key),
        )
        row = facts(leaf).version(
            certificate_id=of.id,
            certificate=of.name,
            request_id=request.id,
            why="issue",
            chain_pem=chain_pem([leaf, _INTERMEDIATE.certificate]),
            issued_at=now,
        )
        stored = versions.insert(session, row, key_secret_id=secret if with_key else None)
        if saved:
            versions.mark_saved(session, stored.id, now)
        return stored

    return await core.context.db.write(store)


async def files(core: Core, of: Certificate, number: int) -> Bundle:
    """A version as it is put on servers."""
    found = await core.certificates.version(of.id, number)
    return bundle(found, await core.certificates.private_key_pem(found))
