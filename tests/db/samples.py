"""Rows to fill an inventory with; each maker gives a complete row, a test says what matters."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, text

from kmtui.db import accounts, certificates, dns, mappings, requests, servers, targets, versions
from kmtui.db.database import Database
from kmtui.model import (
    Account,
    Certificate,
    Challenge,
    CleanupEntry,
    Deployment,
    DnsAccount,
    EndServer,
    ListQuery,
    Mapping,
    Request,
    RequestSpec,
    Target,
    Version,
)

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def new_id() -> str:
    return str(uuid.uuid4())


def query(text: str = "", **fields: Any) -> ListQuery:
    return ListQuery(**{"now": NOW, "text": text, **fields})


def account(name: str = "prod", **fields: Any) -> Account:
    row = {
        "id": new_id(),
        "name": name,
        "ca": "example-ca",
        "directory_url": "https://ca.example.test/directory",
        "account_url": f"https://ca.example.test/account/{new_id()}",
        "status": "valid",
        "email": "ops@example.org",
        "key_type": "ec256",
        "key_thumbprint": "0" * 43,
        "created_at": NOW,
    }
    return Account(**{**row, **fields})


def dns_account(name: str = "zone", **fields: Any) -> DnsAccount:
    row = {
        "id": new_id(),
        "name": name,
        "provider": "rfc2136",
        "settings": {"server": "ns1.example.test"},
        "secret_names": (),
        "zones": ("example.test",),
        "created_at": NOW,
    }
    return DnsAccount(**{**row, **fields})


def server(name: str = "web", **fields: Any) -> EndServer:
    row = {
        "id": new_id(),
        "name": name,
        "kind": "local",
        "settings": {"webroot": "/srv/www"},
        "secret_names": (),
        "created_at": NOW,
    }
    return EndServer(**{**row, **fields})


def mapping(pattern: str, **fields: Any) -> Mapping:
    row = {
        "id": new_id(),
        "pattern": pattern,
        "challenge_type": "dns-01",
        "dns_account_id": None,
        "dns_account": None,
        "server_id": None,
        "server": None,
        "alias": None,
        "webroot": None,
        "created_at": NOW,
    }
    return Mapping(**{**row, **fields})


def certificate(name: str = "www.example.org", **fields: Any) -> Certificate:
    row = {
        "id": new_id(),
        "name": name,
        "names": (name,),
        "account_id": None,
        "account": None,
        "ca": None,
        "key_type": "ec256",
        "profile": None,
        "auto_renew": True,
        "auto_save": "ask",
        "created_at": NOW,
    }
    return Certificate(**{**row, **fields})


def version(of: Certificate, **fields: Any) -> Version:
    """A version that was issued a day ago for 90 days."""
    row = {
        "id": new_id(),
        "certificate_id": of.id,
        "certificate": of.name,
        "request_id": None,
        "number": 0,
        "serial": "04ab",
        "issuer": "Example CA R1",
        "subject": of.name,
        "names": of.names,
        "not_before": NOW - DAY,
        "not_after": NOW + 89 * DAY,
        "key_type": "ec256",
        "sha256": hashlib.sha256(new_id().encode()).hexdigest(),
        "spki_sha256": "cd" * 32,
        "issued_at": NOW - DAY,
        "chain_pem": "-----BEGIN CERTIFICATE-----\n",
        "why": "issue",
    }
    return Version(**{**row, **fields})


def request(*names: str, **fields: Any) -> Request:
    names = names or ("www.example.org",)
    row = {
        "id": new_id(),
        "number": 0,
        "kind": "issue",
        "certificate_id": None,
        "certificate": None,
        "names": names,
        "account_id": None,
        "account": None,
        "status": "queued",
        "step": "queued",
        "created_at": NOW,
        "spec": RequestSpec(names=names, account="prod"),
    }
    return Request(**{**row, **fields})


def challenge(of: Request, identifier: str, **fields: Any) -> Challenge:
    row = {
        "id": new_id(),
        "request_id": of.id,
        "identifier": identifier,
        "wildcard": False,
        "type": "dns-01",
        "status": "pending",
        "fqdn": f"_acme-challenge.{identifier}",
        "value": "value",
        "detail": "",
        "servers": (),
        "via": "zone",
    }
    return Challenge(**{**row, **fields})


def entry(of: Request, **fields: Any) -> CleanupEntry:
    row: dict[str, Any] = {
        "id": new_id(),
        "request_id": of.id,
        "kind": "dns-01",
        "dns_account_id": None,
        "server_id": None,
        "name": "_acme-challenge.www.example.org",
        "value": "value",
        "handle": {},
        "state": "intended",
        "created_at": NOW,
    }
    return CleanupEntry(**{**row, **fields})


def target(of: Certificate, name: str = "web1", **fields: Any) -> Target:
    """A pair of files; on a hook unless `server_id` says where."""
    on_server = fields.get("server_id") is not None
    row = {
        "id": new_id(),
        "certificate_id": of.id,
        "certificate": of.name,
        "name": name,
        "server_id": None,
        "server": None,
        "directory": f"/etc/tls/{of.name}" if on_server else "",
        "layout": "pair" if on_server else "",
        "hook": "" if on_server else "/usr/local/bin/put",
        "owner": "",
        "mode": 0o640,
        "check_command": "",
        "reload_command": "",
        "verify": "",
        "adopt": False,
        "created_at": NOW,
    }
    return Target(**{**row, **fields})


def deployment(of: Target, **fields: Any) -> Deployment:
    row = {
        "id": 0,
        "target_id": of.id,
        "target": of.name,
        "certificate_id": of.certificate_id,
        "server": of.server or "",
        "version": 1,
        "outcome": "deployed",
        "started_at": NOW,
        "ended_at": NOW,
        "actor": "tester@here",
    }
    return Deployment(**{**row, **fields})


class Filled:
    """An inventory under hand: stores samples, each in a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def account(self, name: str = "prod", **fields: Any) -> Account:
        row = account(name, **fields)
        self.db.write_sync(lambda session: accounts.insert(session, row))
        return row

    def certificate(self, name: str = "www.example.org", **fields: Any) -> Certificate:
        row = certificate(name, **fields)
        self.db.write_sync(lambda session: certificates.insert(session, row))
        return row

    def version(self, of: Certificate, *, saved: bool = False, **fields: Any) -> Version:
        row = version(of, **fields)
        stored = self.db.write_sync(lambda s: versions.insert(s, row, key_secret_id=None))
        if saved:
            self.db.write_sync(lambda s: versions.mark_saved(s, row.id, NOW))
        return stored

    def server(self, name: str = "web", **fields: Any) -> EndServer:
        row = server(name, **fields)
        self.db.write_sync(lambda session: servers.insert(session, row))
        return row

    def dns_account(self, name: str = "zone", **fields: Any) -> DnsAccount:
        row = dns_account(name, **fields)
        self.db.write_sync(lambda session: dns.insert(session, row))
        return row

    def mapping(self, pattern: str, **fields: Any) -> Mapping:
        row = mapping(pattern, **fields)
        self.db.write_sync(lambda session: mappings.insert(session, row))
        return row

    def target(self, of: Certificate, name: str = "web1", **fields: Any) -> Target:
        row = target(of, name, **fields)
        self.db.write_sync(lambda session: targets.insert(session, row))
        return self.db.read_sync(lambda session: targets.get(session, row.id))

    def request(self, *names: str, **fields: Any) -> Request:
        row = request(*names, **fields)
        number = self.db.write_sync(lambda session: requests.insert(session, row))
        found = self.db.read_sync(lambda session: requests.get(session, str(number)))
        assert found is not None
        return found

    def now(self, of: Certificate) -> Certificate:
        """The certificate as it is stored now."""
        return self.db.read_sync(lambda session: certificates.get(session, of.id))


def pragma(db: Database, name: str, *, writer: bool = False) -> object:
    """What a pragma says to a reader, or to the writer."""

    def ask(session: Session) -> object:
        return session.exec(text(f"PRAGMA {name}")).one()[0]  # type: ignore[call-overload]

    return db.write_sync(ask) if writer else db.read_sync(ask)
