"""Rows of the model as the JSON objects of the command contract.

Times are ISO 8601 UTC with ``Z``, serials and fingerprints lower-case hex. Fields are a public
interface: added, never renamed. No object holds a key or a secret, because no row does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kmtui.model import (
    Account,
    Activity,
    Authority,
    Certificate,
    Challenge,
    CheckLine,
    CleanupEntry,
    Contact,
    DnsAccount,
    EndServer,
    LogLine,
    Mapping,
    Problem,
    Request,
    Retirement,
    VaultSlot,
    Verdict,
    Version,
)
from kmtui.status import certificate_status, days_left, renewal_due_at, version_status

Document = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """``2026-10-01T07:12:40Z``; null for no time."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat("T", "seconds")[:19] + "Z"


def authority(row: Authority, contact: Contact | None = None) -> Document:
    """A CA, and when it answered last."""
    return {
        "name": row.name,
        "title": row.title,
        "directory_url": row.directory_url,
        "state": row.state,
        "overrides": row.overrides,
        "test": row.test,
        "eab": row.eab,
        "email_required": row.email_required,
        "single_account": row.single_account,
        "max_names": row.max_names,
        "lifetime_days": row.lifetime_days,
        "wildcard": row.wildcard,
        "ip": row.ip,
        "challenge_types": list(row.challenge_types),
        "key_types": list(row.key_types),
        "profiles": [profile.name for profile in row.profiles],
        "limits": list(row.limits),
        "notes": list(row.notes),
        "proxy": row.proxy,
        "ca_bundle": row.ca_bundle,
        "retired": None if row.retired is None else _retirement(row.retired),
        "answers": contact_word(row, contact),
        "answered_at": moment(contact.answered_at) if contact else None,
        "failing_since": moment(contact.failing_since) if contact else None,
        "failure": contact.error or None if contact else None,
    }


def contact_word(row: Authority, contact: Contact | None) -> str:
    """`ok`, `failing`, `silent`, `never`; `retired` of one that ended its service."""
    return "retired" if row.retired else contact.word if contact else "never"


def account(row: Account) -> Document:
    """An ACME account."""
    return {
        "id": row.id,
        "name": row.name,
        "ca": row.ca,
        "directory_url": row.directory_url,
        "account_url": row.account_url,
        "status": row.status,
        "email": row.email,
        "key_type": row.key_type,
        "key_thumbprint": row.key_thumbprint,
        "created_at": moment(row.created_at),
        "terms_url": row.terms_url,
        "terms_agreed_at": moment(row.terms_agreed_at),
        "certificates": row.certificates,
        "key_changing": row.key_changing,
    }


def dns_account(row: DnsAccount) -> Document:
    """A DNS account; of its secrets only the names."""
    return {
        "id": row.id,
        "name": row.name,
        "provider": row.provider,
        "settings": dict(row.settings),
        "secrets": list(row.secret_names),
        "zones": list(row.zones),
        "created_at": moment(row.created_at),
        "last_test": _last_test(row),
        "used_by": row.used_by,
    }


def server(row: EndServer) -> Document:
    """An end server; of its secrets only the names."""
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "settings": dict(row.settings),
        "secrets": list(row.secret_names),
        "created_at": moment(row.created_at),
        "last_test": _last_test(row),
        "used_by": row.mapped,
    }


def mapping(row: Mapping) -> Document:
    """A name pattern and where it leads."""
    return {
        "id": row.id,
        "pattern": row.pattern,
        "challenge": row.challenge_type,
        "dns_account": row.dns_account,
        "server": row.server,
        "alias": row.alias,
        "webroot": row.webroot,
        "created_at": moment(row.created_at),
    }


def certificate(row: Certificate, now: datetime) -> Document:
    """A certificate as it stands at `now`."""
    return {
        "id": row.id,
        "name": row.name,
        "names": list(row.names),
        "account": row.account,
        "ca": row.ca,
        "status": str(certificate_status(row, now)),
        "current_version": row.current_version,
        "unsaved_version": row.unsaved_version,
        "versions": row.version_count,
        "not_before": moment(row.not_before),
        "not_after": moment(row.not_after),
        "days_left": None if row.not_after is None else days_left(row.not_after, now),
        "key_type": row.key_type,
        "profile": row.profile,
        "issuer": row.issuer,
        "auto_renew": row.auto_renew,
        "auto_save": row.auto_save,
        "reuse_key": row.reuse_key,
        "chain": row.preferred_chain,
        "profile_mode": "required" if row.profile_required else "preferred",
        "renew_at": moment(_renew_at(row)),
        "last_request": _last_request(row),
        "archived": row.archived_at is not None,
        "archived_at": moment(row.archived_at),
        "purged_at": moment(row.purged_at),
        "created_at": moment(row.created_at),
    }


def verdict(row: Verdict) -> Document:
    """Whether a certificate is renewed unattended now, and why, or why not."""
    return {
        "id": row.certificate_id,
        "name": row.certificate,
        "due": row.due,
        "why": row.why,
        "at": moment(row.at),
        "blocked": row.blocked,
        "next_try_at": moment(row.next_try_at),
        "failures": row.failures,
        "last_failure": row.last_failure,
        "proposal": row.proposal,
        "window": row.window and [moment(edge) for edge in row.window],
        "explanation_url": row.explanation_url,
    }


def version(row: Version, now: datetime, *, with_chain: bool = False) -> Document:
    """An issued certificate as it stands at `now`; the chain only where one is shown."""
    document: Document = {
        "id": row.id,
        "certificate": row.certificate,
        "number": row.number,
        "serial": row.serial,
        "issuer": row.issuer,
        "subject": row.subject,
        "names": list(row.names),
        "not_before": moment(row.not_before),
        "not_after": moment(row.not_after),
        "key_type": row.key_type,
        "sha256": row.sha256,
        "spki_sha256": row.spki_sha256,
        "status": str(version_status(row, now)),
        "why": row.why,
        "has_key": row.has_key,
        "issued_at": moment(row.issued_at),
        "saved_at": moment(row.saved_at),
        "replaced_at": moment(row.replaced_at),
        "revoked_at": moment(row.revoked_at),
        "revocation_reason": row.revocation_reason,
        "deleted": row.deleted,
    }
    if with_chain:
        document["chain_pem"] = row.chain_pem
    return document


def request(row: Request, challenges: Sequence[Challenge] | None = None) -> Document:
    """A request; with its challenges where one is shown."""
    document: Document = {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "certificate": row.certificate,
        "names": list(row.names),
        "account": row.account,
        "status": row.status,
        "step": row.step,
        "created_at": moment(row.created_at),
        "finished_at": moment(row.finished_at),
        "not_before": moment(row.not_before),
        "order_url": row.order_url,
        "version": row.version,
        "replaces": row.replaces,
        "error": None if row.problem is None else problem(row.problem),
    }
    if challenges is not None:
        document["challenges"] = [challenge(each) for each in challenges]
    return document


def challenge(row: Challenge) -> Document:
    """One name's challenge and who sees its answer."""
    return {
        "identifier": row.identifier,
        "type": row.type,
        "status": row.status,
        "fqdn": row.fqdn,
        "value": row.value,
        "detail": row.detail,
        "via": row.via,
        "servers": [
            {
                "name": sight.name,
                "address": sight.address,
                "seen": sight.seen,
                "detail": sight.detail,
            }
            for sight in row.servers
        ],
    }


def problem(row: Problem) -> Document:
    """Why a request failed: the CA's problem document and our words on it."""
    return {
        "type": row.type,
        "detail": row.detail,
        "what": row.what,
        "hint": row.hint,
        "http_status": row.http_status,
        "retry_after": row.retry_after,
        "instance": row.instance,
        "subproblems": [
            {"identifier": sub.identifier, "type": sub.type, "detail": sub.detail}
            for sub in row.subproblems
        ],
    }


def leftover(row: CleanupEntry) -> Document:
    """A challenge answer that is still published, or may be."""
    return {
        "request_id": row.request_id,
        "type": row.kind,
        "name": row.name,
        "value": row.value,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": moment(row.created_at),
        "next_attempt_at": moment(row.next_attempt_at),
        "error": row.last_error,
    }


def log_line(row: LogLine) -> Document:
    """One line of a request's log."""
    return {"at": moment(row.at), "level": row.level, "text": row.text}


def activity(row: Activity) -> Document:
    """One line of the audit trail."""
    return {
        "id": row.id,
        "at": moment(row.at),
        "actor": row.actor,
        "origin": row.origin,
        "action": row.action,
        "object": {"type": row.object_type, "id": row.object_id, "name": row.object_name},
        "outcome": row.outcome,
        "detail": row.detail,
    }


def slot(row: VaultSlot) -> Document:
    """One way of opening the vault."""
    return {"id": row.id, "kind": row.kind, "created_at": moment(row.created_at)}


def check_line(row: CheckLine) -> Document:
    """One line of a test; `ok` is null for advice."""
    return {"ok": row.ok, "text": row.text}


def _retirement(row: Retirement) -> Document:
    return {
        "no_new_accounts": row.no_new_accounts.isoformat(),
        "last_orders": row.last_orders.isoformat(),
        "last_issuance": row.last_issuance.isoformat(),
        "endpoint_off": row.endpoint_off,
        "alternatives": list(row.alternatives),
    }


def _last_test(row: DnsAccount | EndServer) -> Document | None:
    if row.last_test_at is None:
        return None
    return {
        "at": moment(row.last_test_at),
        "ok": row.last_test_ok,
        "detail": row.last_test_detail,
    }


def _renew_at(row: Certificate) -> datetime | None:
    if row.not_after is None or row.current_version is None:
        return None
    return renewal_due_at(row.not_before, row.not_after, row.renew_at)


def _last_request(row: Certificate) -> Document | None:
    if row.last_request_id is None:
        return None
    return {
        "id": row.last_request_id,
        "number": row.last_request_number,
        "kind": row.last_request_kind,
        "status": row.last_request_status,
        "at": moment(row.last_request_at),
        "error": row.last_request_error,
    }
