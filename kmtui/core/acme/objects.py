"""The resources of a CA as it describes them: read tolerantly, the raw object kept (section 7.1).

Status, identifier type and challenge type are plain strings: a CA may use words of its own or of
a later standard, and nothing here depends on knowing them all. Section numbers are RFC 8555's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from kmtui.core.acme.fields import Fields
from kmtui.core.acme.problems import parse_problem, violation
from kmtui.model import Problem

Raw = Mapping[str, Any]
# RFC 8555 section 8.1 asks for base64url. A token becomes a file name, so nothing else may pass.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What a CA says about itself in its directory (section 7.1.1); all of it optional."""

    terms_of_service: str | None = None
    website: str | None = None
    caa_identities: tuple[str, ...] = ()
    external_account_required: bool = False
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Description, or a link to one, by profile name (draft-ietf-acme-profiles)."""
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Self:
        """Read `meta`. Raises ProtocolViolation."""
        fields = Fields(raw, "directory")
        profiles = Fields(fields.object("profiles") or {}, "list of profiles")
        return cls(
            terms_of_service=fields.text("termsOfService"),
            website=fields.text("website"),
            caa_identities=fields.texts("caaIdentities"),
            external_account_required=fields.flag("externalAccountRequired") or False,
            profiles={name: profiles.text(name) or "" for name in list(profiles.raw)[:100]},
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The URLs of a CA's services (section 7.1.1); None for what it does not offer."""

    url: str
    new_nonce: str
    new_account: str
    new_order: str
    new_authz: str | None = None
    revoke_cert: str | None = None
    key_change: str | None = None
    renewal_info: str | None = None
    """RFC 9773."""
    meta: Meta = field(default_factory=Meta)
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, *, url: str) -> Self:
        """Read a directory. Raises ProtocolViolation, also without the three necessary URLs."""
        fields = Fields(raw, "directory", where=url)
        return cls(
            url=url,
            new_nonce=fields.required("newNonce"),
            new_account=fields.required("newAccount"),
            new_order=fields.required("newOrder"),
            new_authz=fields.text("newAuthz"),
            revoke_cert=fields.text("revokeCert"),
            key_change=fields.text("keyChange"),
            renewal_info=fields.text("renewalInfo"),
            meta=Meta.parse(fields.object("meta") or {}),
            raw=raw,
        )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every URL the directory asks us to call."""
        urls = (
            self.new_nonce,
            self.new_account,
            self.new_order,
            self.new_authz,
            self.revoke_cert,
            self.key_change,
            self.renewal_info,
        )
        return tuple(url for url in urls if url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A registration at the CA (section 7.1.2)."""

    url: str
    status: str
    contact: tuple[str, ...] = ()
    terms_of_service_agreed: bool | None = None
    orders: str | None = None
    created: bool = False
    """Whether this very request registered it; else the key had an account already."""
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, *, url: str, created: bool = False) -> Self:
        """Read an account; a missing status is `valid`, for some CAs send an empty object."""
        fields = Fields(raw, "account", where=url)
        return cls(
            url=url,
            status=fields.text("status") or "valid",
            contact=fields.texts("contact"),
            terms_of_service_agreed=fields.flag("termsOfServiceAgreed"),
            orders=fields.text("orders"),
            created=created,
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name: type `dns` or `ip` (RFC 8738), value in lower case."""

    type: str
    value: str

    @classmethod
    def of(cls, name: str) -> Self:
        """The identifier for a DNS name (A-label form, maybe with ``*.``) or an IP address."""
        try:
            # RFC 8738 section 3: the canonical textual form.
            return cls("ip", str(ipaddress.ip_address(name)))
        except ValueError:
            return cls("dns", name.lower())

    @classmethod
    def parse(cls, raw: Raw, *, where: str = "") -> Self:
        """Read an identifier of any type. Raises ProtocolViolation."""
        fields = Fields(raw, "identifier", where=where)
        type_, value = fields.required("type"), fields.required("value")
        return cls(type_, cls.of(value).value if type_ in ("dns", "ip") else value)

    def document(self) -> dict[str, str]:
        """The JSON form."""
        return {"type": self.type, "value": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request for a certificate at the CA (section 7.1.3)."""

    url: str
    status: str
    identifiers: tuple[Identifier, ...] = ()
    authorizations: tuple[str, ...] = ()
    """URLs, in no particular order."""
    finalize: str | None = None
    certificate: str | None = None
    expires: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    profile: str | None = None
    replaces: str | None = None
    error: Problem | None = None
    retry_after: float | None = None
    """Seconds, from the reply that brought this order."""
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, *, url: str, retry_after: float | None = None) -> Self:
        """Read an order. Raises ProtocolViolation."""
        fields = Fields(raw, "order", where=url)
        return cls(
            url=url,
            status=fields.required("status"),
            identifiers=tuple(
                Identifier.parse(each, where=url) for each in fields.objects("identifiers")
            ),
            # Each is worked on once, however often the CA lists it.
            authorizations=tuple(dict.fromkeys(fields.texts("authorizations"))),
            finalize=fields.text("finalize"),
            certificate=fields.text("certificate"),
            expires=fields.time("expires"),
            not_before=fields.time("notBefore"),
            not_after=fields.time("notAfter"),
            profile=fields.text("profile"),
            replaces=fields.text("replaces"),
            error=_error(fields, where=url),
            retry_after=retry_after,
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way of proving control over a name (section 7.1.5)."""

    url: str
    type: str
    status: str
    """`pending` when the CA leaves it out: nothing has happened yet."""
    error: Problem | None = None
    validated: datetime | None = None
    retry_after: float | None = None
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, *, url: str = "", retry_after: float | None = None) -> Self:
        """Read a challenge of any type; `url` serves when the object has none."""
        fields = Fields(raw, "challenge", where=url)
        own_url = fields.text("url") or url
        return cls(
            url=own_url,
            type=fields.text("type") or "",
            status=fields.text("status") or "pending",
            error=_error(fields, where=own_url, in_challenge=True),
            validated=fields.time("validated"),
            retry_after=retry_after,
            raw=raw,
        )

    @property
    def token(self) -> str:
        """The token exactly as sent. Raises ProtocolViolation when there is no usable one."""
        token = self.raw.get("token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise violation(
                f"the CA's {self.type or 'challenge'} has no token that is safe to publish",
                detail=str(token)[:200],
                where=self.url,
            )
        return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A CA's belief that an account controls a name, or the way there (section 7.1.4)."""

    url: str
    status: str
    identifier: Identifier
    wildcard: bool = False
    challenges: tuple[Challenge, ...] = ()
    expires: datetime | None = None
    retry_after: float | None = None
    raw: Raw = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, *, url: str, retry_after: float | None = None) -> Self:
        """Read an authorization. Raises ProtocolViolation."""
        fields = Fields(raw, "authorization", where=url)
        return cls(
            url=url,
            status=fields.required("status"),
            identifier=Identifier.parse(fields.object("identifier") or {}, where=url),
            wildcard=fields.flag("wildcard") or False,
            challenges=tuple(Challenge.parse(each) for each in fields.objects("challenges")),
            expires=fields.time("expires"),
            retry_after=retry_after,
            raw=raw,
        )

    @property
    def name(self) -> str:
        """The name as ordered: with ``*.`` for a wildcard (section 7.1.4: sent without it)."""
        value = self.identifier.value
        return f"*.{value}" if self.wildcard and not value.startswith("*.") else value

    def challenge(self, type_: str) -> Challenge | None:
        """The offered challenge of that type, if any."""
        return next((each for each in self.challenges if each.type == type_), None)

    @property
    def error(self) -> Problem | None:
        """What the CA found wrong: the first challenge that failed, if any says why."""
        return next((each.error for each in self.challenges if each.error), None)


def _error(fields: Fields, *, where: str, in_challenge: bool = False) -> Problem | None:
    # RFC 7807 documents are read tolerantly: an `error` that is no object is no error.
    raw = fields.raw.get("error")
    if not isinstance(raw, dict) or not raw:
        return None
    return parse_problem(raw, where=where, in_challenge=in_challenge)
