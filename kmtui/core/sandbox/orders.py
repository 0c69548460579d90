"""Orders, authorizations and challenges of the practice CA (RFC 8555 sections 7.1.3 to 7.1.5)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from kmtui.core.sandbox.problems import Rejection, combined
from kmtui.core.sandbox.state import Account

LIFETIME = timedelta(days=7)
MAX_NAMES = 100
NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


@dataclass(eq=False)
class Challenge:
    """One way to prove control of a name."""

    id: str
    url: str
    type: str
    token: str
    authorization: Authorization
    status: str = "pending"
    validated: datetime | None = None
    error: dict[str, Any] | None = None

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.authorization.account

    def settle(self, rejection: Rejection | None) -> None:
        """End the validation: the authorization goes the same way (RFC 8555 section 7.1.6)."""
        self.status = "invalid" if rejection else "valid"
        self.error = rejection.document() if rejection else None
        self.validated = None if rejection else datetime.now(UTC)
        if self.authorization.status == "pending":
            self.authorization.status = self.status

    def document(self) -> dict[str, Any]:
        """The challenge object (RFC 8555 section 7.1.5)."""
        return _present(
            type=self.type,
            url=self.url,
            token=self.token,
            status=self.status,
            validated=timestamp(self.validated) if self.validated else None,
            error=self.error,
        )


@dataclass(eq=False)
class Authorization:
    """The right of an account to get certificates for one name."""

    id: str
    url: str
    order: Order
    name: str
    wildcard: bool
    status: str = "pending"
    challenges: list[Challenge] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.order.account

    def document(self) -> dict[str, Any]:
        """The authorization object; once settled, only the challenge that settled it is shown."""
        ended = [challenge for challenge in self.challenges if challenge.status == self.status]
        shown = self.challenges if self.status == "pending" else ended
        return _present(
            identifier={"type": "dns", "value": self.name},
            status=self.status,
            expires=timestamp(self.order.expires),
            wildcard=self.wildcard or None,
            challenges=[challenge.document() for challenge in shown],
        )


@dataclass(eq=False)
class Order:
    """One wish for a certificate; its status follows from its authorizations."""

    id: str
    url: str
    account: Account
    names: tuple[str, ...]
    profile: str
    replaces: str | None
    expires: datetime = field(default_factory=lambda: datetime.now(UTC) + LIFETIME)
    authorizations: list[Authorization] = field(default_factory=list)
    processing: bool = False
    certificate: x509.Certificate | None = None
    certificate_url: str | None = None

    @property
    def status(self) -> str:
        """The order's status (RFC 8555 section 7.1.6)."""
        if self.certificate:
            return "valid"
        if self.processing:
            return "processing"
        statuses = {authorization.status for authorization in self.authorizations}
        if statuses == {"valid"}:
            return "ready"
        return "pending" if statuses <= {"pending", "valid"} else "invalid"

    def document(self) -> dict[str, Any]:
        """The order object (RFC 8555 section 7.1.3)."""
        errors = [c.error for a in self.authorizations for c in a.challenges if c.error]
        return _present(
            status=self.status,
            expires=timestamp(self.expires),
            identifiers=[{"type": "dns", "value": name} for name in self.names],
            profile=self.profile,
            replaces=self.replaces,
            authorizations=[authorization.url for authorization in self.authorizations],
            finalize=self.url + "/finalize",
            certificate=self.certificate_url,
            error=errors[0] if errors else None,
        )


def new_order(
    base: str, account: Account, names: Sequence[str], profile: str, replaces: str | None
) -> Order:
    """An order with an authorization for each name and its challenges, all pending."""
    order_id = secrets.token_hex(8)
    order = Order(order_id, f"{base}/order/{order_id}", account, tuple(names), profile, replaces)
    for name in names:
        wildcard = name.startswith("*.")
        authz_id = secrets.token_hex(8)
        authorization = Authorization(
            authz_id, f"{base}/authorization/{authz_id}", order, name.removeprefix("*."), wildcard
        )
        order.authorizations.append(authorization)
        for challenge_type in ("dns-01",) if wildcard else ("http-01", "dns-01"):
            challenge_id, token = secrets.token_hex(8), secrets.token_urlsafe(32)
            url = f"{base}/challenge/{challenge_id}"
            challenge = Challenge(challenge_id, url, challenge_type, token, authorization)
            authorization.challenges.append(challenge)
    return order


def ordered_names(identifiers: object, zones: Iterable[str]) -> list[str]:
    """The names asked for, lower case and each once; raises Rejection, with a subproblem per name.

    Whatever is called `blocked` in a zone, or is below it, is refused by policy.
    """
    if not isinstance(identifiers, list) or not 1 <= len(identifiers) <= MAX_NAMES:
        raise Rejection("malformed", f"identifiers is a list of 1 to {MAX_NAMES} identifiers")
    blocked = tuple(f".blocked.{zone}" for zone in zones)
    refused: dict[str, Rejection] = {}
    names: dict[str, None] = {}
    for identifier in identifiers:
        if not isinstance(identifier, dict) or not isinstance(identifier.get("value"), str):
            raise Rejection("malformed", "An identifier is an object with type and value")
        name = identifier["value"].lower()
        if identifier.get("type") != "dns":
            refused[name] = Rejection("unsupportedIdentifier", "Only DNS names are certified here")
        elif len(name) > 253 or not NAME.fullmatch(name):
            refused[name] = Rejection("malformed", f"Not a DNS name: {name}")
        elif f".{name.removeprefix('*.')}".endswith(blocked):
            refused[name] = Rejection("rejectedIdentifier", f"Policy forbids to certify {name}")
        names[name] = None
    if refused:
        raise combined(refused)
    return list(names)


def timestamp(moment: datetime) -> str:
    """The time as RFC 3339 text, in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
