"""Certificates of others become certificates here: every version in order, nothing reissued."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.certificates import KEY_KIND
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.imports.found import FoundCertificate, FoundVersion
from kmtui.core.imports.outcome import Fate, Imported
from kmtui.db import certificates, versions
from kmtui.model import Account, Certificate, KeyType, ListQuery, SaveMode, Version

WHY = "imported"
"""What the history says of such a version, in place of the kind of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What storing one certificate comes to, as the inventory is now."""

    found: FoundCertificate
    names: tuple[str, ...]
    into: Certificate | None
    """The certificate that the versions belong to; None for a new one."""
    fresh: tuple[FoundVersion, ...]
    """Those that are not here, the first to begin first."""
    unlocked: tuple[tuple[Version, FoundVersion], ...]
    """Those that are here without the key that was found now."""
    takes_over: FoundVersion | None
    """The one among the fresh that is the current version from now on."""

    def told(self, account: Account | None, *, label: str = "", id: str | None = None) -> Imported:
        """The plan for an operator, or what it came to."""
        fate = Fate.NEW if self.into is None else Fate.JOINED
        return Imported(
            kind="certificate",
            name=self.into.name if self.into else label or self.found.wish,
            where=self.found.in_use.where,
            fate=fate if self.fresh or self.unlocked else Fate.KNOWN,
            id=self.into.id if self.into else id,
            names=self.names,
            versions=len(self.fresh),
            keyless=sum(version.key_pem is None for version in self.fresh),
            keys=len(self.unlocked),
            not_after=self.found.in_use.facts.not_after,
            account=account.name if account else None,
            ca=account.ca if account else None,
        )


def plan(
    context: Context, session: Session, found: FoundCertificate, taken: Collection[str]
) -> Plan:
    """What is to be done about one certificate; nothing is written.

    `taken` are certificates that other labels of the same import go to: what another client keeps
    apart stays apart. Raises InvalidInput for names that no certificate here can have.
    """
    names = found.names()
    stored = {
        version.facts.sha256: versions.by_sha256(session, version.facts.sha256)
        for version in found.versions
    }
    fresh = tuple(each for each in found.versions if stored[each.facts.sha256] is None)
    into = _holding(session, [here for here in stored.values() if here])
    unlocked = tuple(
        (here, each)
        for each in found.versions
        if (here := stored[each.facts.sha256])
        and into is not None
        and here.certificate_id == into.id
        and each.key_pem
        and not here.has_key
    )
    if into is not None and into.archived_at is not None and (fresh or unlocked):
        raise Refused(
            f"{into.name} is deleted here", hint=f"bring it back: kmtui cert undelete {into.name}"
        )
    into = into or _same(context, session, found, names, taken)
    return Plan(
        found=found,
        names=names,
        into=into,
        fresh=fresh,
        unlocked=unlocked,
        takes_over=_takes_over(session, into, found, fresh),
    )


def _holding(session: Session, stored: list[Version]) -> Certificate | None:
    """The certificate that versions are of already, the last one's; not one whose keys were
    destroyed for good.
    """
    for version in reversed(stored):
        certificate = certificates.get(session, version.certificate_id)
        if certificate.purged_at is None:
            return certificate
    return None


def check_keys(plan: Plan) -> None:
    """Whether the numbers of the keys make keys: 50 ms and more each, so call it in a thread.

    Raises InvalidInput that names the file.
    """
    for version in (*plan.fresh, *(found for _, found in plan.unlocked)):
        if version.key_pem is not None:
            try:
                keys.load_private_key(version.key_pem.reveal())
            except InvalidInput as error:
                raise InvalidInput(
                    f"{version.where}: its private key is no key: {error.message}", field="path"
                ) from error


def store(context: Context, session: Session, plan: Plan, account: Account | None) -> Imported:
    """Store a plan in the caller's transaction."""
    now = context.clock()
    certificate = plan.into or _new(context, session, plan, account)
    if account and certificate.account_id is None:
        certificates.update(session, certificate.id, account_id=account.id)
    if plan.takes_over and set(plan.names) != set(certificate.names):
        certificates.update(session, certificate.id, names=plan.names)
    for found in plan.fresh:
        version = found.facts.version(
            certificate_id=certificate.id,
            certificate=certificate.name,
            request_id=None,
            why=WHY,
            chain_pem=found.chain_pem,
            # When it was issued is not in it: CAs set the beginning up to an hour before.
            issued_at=found.facts.not_before,
        )
        secret = _seal_key(context, session, version, found)
        versions.insert(session, version, key_secret_id=secret)
        if found is plan.takes_over:
            versions.mark_saved(session, version.id, now)
        else:
            versions.mark_past(session, version.id, now)
    for here, found in plan.unlocked:
        _seal_key(context, session, here, found)
    told = plan.told(account, label=certificate.name, id=certificate.id)
    context.record(
        session, "import", "certificate", certificate.id, certificate.name, detail=_detail(told)
    )
    return told


def _seal_key(
    context: Context, session: Session, version: Version, found: FoundVersion
) -> str | None:
    """The version's own key; None when it came without one."""
    if found.key_pem is None:
        return None
    return context.secrets.seal(
        session,
        owner_table=versions.OWNER,
        owner_id=version.id,
        kind=KEY_KIND,
        value=found.key_pem.reveal(),
    )


def _same(
    context: Context,
    session: Session,
    found: FoundCertificate,
    names: tuple[str, ...],
    taken: Collection[str],
) -> Certificate | None:
    """The live certificate for exactly these names; of several, one with the same kind of key."""
    query = ListQuery(
        now=context.clock(), text=f"name:{names[0]}", sort="created", descending=False, limit=1000
    )
    same = [
        each
        for each in certificates.page(session, query)
        if set(each.names) == set(names) and not (found.label and each.id in taken)
    ]
    family = found.in_use.facts.key_type[:2]
    alike = [each for each in same if each.key_type[:2] == family]
    return next(iter(alike or same), None)


def _takes_over(
    session: Session,
    into: Certificate | None,
    found: FoundCertificate,
    fresh: tuple[FoundVersion, ...],
) -> FoundVersion | None:
    """The version in use there, unless what is in use here began later, or would lose its key."""
    candidate = found.in_use
    if candidate not in fresh:
        return None
    number = into and (into.current_version or into.unsaved_version)
    here = versions.get(session, into.id, number) if into and number else None
    if here is None:
        return candidate
    if here.not_before >= candidate.facts.not_before:
        return None
    return None if here.has_key and candidate.key_pem is None else candidate


def _new(context: Context, session: Session, plan: Plan, account: Account | None) -> Certificate:
    in_use, now = plan.found.in_use.facts, context.clock()
    certificate = Certificate(
        id=str(uuid.uuid4()),
        name=certificates.free_label(session, plan.found.wish),
        names=plan.names,
        account_id=account.id if account else None,
        account=account.name if account else None,
        ca=account.ca if account else None,
        # What a renewal asks for: like the last one, where such keys are made here.
        key_type=in_use.key_type if in_use.key_type in tuple(KeyType) else KeyType.EC256,
        profile=None,
        # What expired long ago, or was given up there, is history and not to be renewed.
        auto_renew=plan.found.renewed and in_use.not_after > now,
        auto_save=SaveMode.ASK,
        created_at=now,
    )
    certificates.insert(session, certificate)
    return certificate


def _detail(told: Imported) -> str:
    came = f"{told.versions} versions" if told.versions != 1 else "1 version"
    parts = [came] if told.versions else []
    if told.keyless:
        parts.append(f"{told.keyless} without the private key")
    if told.keys:
        parts.append(f"the private key of {told.keys} that had none")
    return f"{', '.join(parts)}, from {told.where}"
