"""What Microsoft Entra ID and Azure Resource Manager say no with, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kmtui.core.dns.api import Api, Reply
from kmtui.core.errors import DnsProviderError

LONGEST_SAYING = 1000
"""Characters of a vendor's own words in a message of ours."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: the kind of error, what happened and what to do."""

    kind: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Saying:
    """An error body: a code and words. Both are the vendor's: untrusted, and never acted on alone.

    ARM sends ``{"error": {"code", "message"}}``, Azure DNS the same without ``error``, Entra ID and
    the metadata services ``{"error", "error_description"}`` (RFC 6749 section 5.2).
    """

    code: str = ""
    text: str = ""

    @classmethod
    def of(cls, reply: Reply) -> Saying:
        """What a reply says; empty for a page of HTML and the like."""
        return cls.read(reply.json())

    @classmethod
    def read(cls, body: object) -> Saying:
        """What a parsed body says."""
        if not isinstance(body, dict):
            return cls()
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        text = _word(inner, "message") or _word(inner, "error_description")
        code = _word(inner, "code") or _word(inner, "error")
        found = AADSTS.search(text)
        # One line: traces and timestamps follow.
        return cls(found[0] if found else code, text.partition("\n")[0].strip()[:LONGEST_SAYING])


AADSTS = re.compile(r"AADSTS\d+")


def _word(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


_NO_TENANT = Meaning(
    "auth",
    "there is no tenant {tenant} in this cloud",
    "copy the tenant ID from the portal (Microsoft Entra ID, Overview) to `tenant_id`; tenants of "
    "Azure Government and of Azure in China need `cloud`",
)
_OTHER_CLOUD = Meaning(
    "auth", "tenant {tenant} belongs to another Azure cloud", "set `cloud` to that of the tenant"
)
_NO_FEDERATION = Meaning(
    "auth",
    "no federated credential of application {client} fits the token of this workload",
    "compare issuer, subject and audience of the federated credential with the token's, letter by "
    "letter; a new one takes minutes",
)
_SIGN_IN_AGAIN = Meaning(
    "auth",
    "the sign-in of the Azure CLI is over",
    "run `az login` as the user who runs kmtui, or use a service principal or managed identity",
)
_POLICY = Meaning(
    "permission",
    "a Conditional Access policy keeps application {client} from signing in here",
    "ask the tenant's administrators to let it sign in from this network",
)

SIGN_IN = {
    "AADSTS7000215": Meaning(
        "auth",
        "the client secret of application {client} is wrong",
        "paste the secret's value, not its ID: the portal shows the value once, when it is created",
    ),
    "AADSTS7000222": Meaning(
        "auth",
        "the client secret of application {client} has expired",
        "create a new one (App registrations, Certificates & secrets) and set `client_secret`",
    ),
    "AADSTS700016": Meaning(
        "auth",
        "there is no application {client} in tenant {tenant}",
        "compare `client_id` and `tenant_id` with the app registration; an application ID is not "
        "an object ID, and another cloud needs `cloud`",
    ),
    "AADSTS7000229": Meaning(
        "auth",
        "application {client} has no service principal in tenant {tenant}",
        "create it: az ad sp create --id {client}",
    ),
    "AADSTS7000112": Meaning(
        "auth",
        "application {client} is disabled",
        "let it sign in again (Enterprise applications, Properties)",
    ),
    "AADSTS90002": _NO_TENANT,
    "AADSTS900023": _NO_TENANT,
    "AADSTS90038": _OTHER_CLOUD,
    "AADSTS900382": _OTHER_CLOUD,
    "AADSTS900432": _OTHER_CLOUD,
    "AADSTS500011": Meaning(
        "auth",
        "tenant {tenant} has no Azure Resource Manager of this cloud",
        "check `tenant_id` and `cloud`",
    ),
    "AADSTS700027": Meaning(
        "auth",
        "application {client} does not know the certificate, or it has expired",
        "upload it without its key (App registrations, Certificates & secrets); the test of this "
        "account shows its thumbprint",
    ),
    "AADSTS700024": Meaning(
        "clock_skew",
        "the signed request of this host is not within its time",
        "set the clock of this host by NTP; with a workload identity, see whether its token file "
        "is still renewed",
    ),
    "AADSTS700021": Meaning(
        "auth",
        "the signed request is not of application {client}",
        "check `client_id`",
    ),
    "AADSTS700023": Meaning(
        "auth", "the signed request is for another login host", "check `login_url` and `cloud`"
    ),
    "AADSTS70021": _NO_FEDERATION,
    "AADSTS700211": _NO_FEDERATION,
    "AADSTS700212": _NO_FEDERATION,
    "AADSTS700213": _NO_FEDERATION,
    "AADSTS7002138": _NO_FEDERATION,
    "AADSTS53003": _POLICY,
    "AADSTS530032": _POLICY,
    "AADSTS50076": _SIGN_IN_AGAIN,
    "AADSTS50078": _SIGN_IN_AGAIN,
    "AADSTS50173": _SIGN_IN_AGAIN,
    "AADSTS70043": _SIGN_IN_AGAIN,
    "AADSTS700082": _SIGN_IN_AGAIN,
}
"""Codes of Microsoft Entra ID, https://login.microsoftonline.com/error."""
SIGN_IN_OTHER = Meaning(
    "auth",
    "Microsoft Entra ID refuses the sign-in: {text}",
    "https://login.microsoftonline.com/error explains {code}",
)
SIGN_IN_PASSING = frozenset(
    {"AADSTS90006", "AADSTS90012", "AADSTS90024", "AADSTS90033", "AADSTS90055", "AADSTS90090"}
)
"""Overload and the like; the status is not always 5xx."""

_BAD_TOKEN = Meaning(
    "auth",
    "Azure does not accept the token that Microsoft Entra ID gave",
    "check `cloud`, and the clock of this host",
)
_NO_SUBSCRIPTION = Meaning(
    "zone_not_found",
    "Azure shows no subscription of that id ({text})",
    "check `subscription_id`, and whether the subscription belongs to this tenant and cloud",
)
_NO_ZONE = Meaning(
    "zone_not_found",
    "the zone is not there (any more): {place}",
    "check `zone_id`, `resource_group` and whether the zone was moved or deleted",
)

ARM = {
    "AuthorizationFailed": Meaning(
        "permission",
        "the identity may not do {action} at {scope}",
        "assign it the role DNS Zone Contributor there, or at the zone; new assignments take "
        "minutes",
    ),
    "InvalidAuthenticationToken": _BAD_TOKEN,
    "ExpiredAuthenticationToken": _BAD_TOKEN,
    "AuthenticationFailed": _BAD_TOKEN,
    "InvalidAuthenticationTokenAudience": Meaning(
        "auth", "the token is for another Azure cloud than {host}", "check `cloud` and `base_url`"
    ),
    "InvalidAuthenticationTokenTenant": Meaning(
        "auth",
        "the subscription belongs to another tenant than the one signed in to",
        "set `tenant_id` to the subscription's tenant; after a transfer this takes up to an hour",
    ),
    "SubscriptionNotFound": _NO_SUBSCRIPTION,
    "InvalidSubscriptionId": _NO_SUBSCRIPTION,
    "ResourceGroupNotFound": Meaning(
        "zone_not_found",
        "the resource group is not there ({text})",
        "check `resource_group` and `subscription_id`",
    ),
    "ParentResourceNotFound": _NO_ZONE,
    "ResourceNotFound": _NO_ZONE,
    "NotFound": _NO_ZONE,
    "ScopeLocked": Meaning(
        "permission",
        "a lock keeps {place} from being changed",
        "remove the lock; one that only forbids deleting is no obstacle with `keep_record=yes`",
    ),
    "RequestDisallowedByPolicy": Meaning(
        "permission",
        "an Azure policy forbids this: {text}",
        "ask who assigned the policy for an exemption of TXT record sets",
    ),
    "ReadOnlyDisabledSubscription": Meaning(
        "plan_restriction",
        "the subscription is disabled, so nothing in it can be changed",
        "its owner can reactivate it (Cost Management + Billing)",
    ),
    "MissingSubscriptionRegistration": Meaning(
        "plan_restriction",
        "the subscription is not registered for Azure DNS",
        "run: az provider register --namespace Microsoft.Network",
    ),
    "PreconditionFailed": Meaning(
        "conflict",
        "others keep changing {place}",
        "try again; see which programs write to this name",
    ),
    "Conflict": Meaning(
        "conflict",
        "Azure cannot hold TXT here: {text}",
        "when the name is an alias (CNAME), let the alias be followed or remove it",
    ),
    "TooManyRecords": Meaning(
        "quota",
        "the record set is full: {text}",
        "remove values that nobody needs at {place}; support can raise the limit",
    ),
}
"""Codes of Azure Resource Manager and of Azure DNS."""
_BY_STATUS = {
    401: _BAD_TOKEN,
    403: ARM["AuthorizationFailed"],
    404: _NO_ZONE,
    409: ARM["Conflict"],
    412: ARM["PreconditionFailed"],
}
_ARM_OTHER = Meaning(
    "invalid_request",
    "Azure says no: {text}",
    "the activity log of the zone in the portal may tell more",
)

_ACTION = re.compile(r"action '([^']+)'")
_SCOPE = re.compile(r"scope '([^']+)'")
# No code of its own: "BadRequest" with words about a length or number.
_TOO_MANY = re.compile(r"may not exceed|maximum number|limit .*exceeded", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs in: fills the placeholders of the first table."""

    tenant: str = ""
    client: str = ""

    @property
    def words(self) -> dict[str, str]:
        """Placeholder to text."""
        return {"tenant": self.tenant or "(none)", "client": self.client or "(none)"}


def sign_in_error(
    api: Api, said: Saying, identity: Identity, reply: Reply | None = None
) -> DnsProviderError:
    """Why no token was given."""
    meaning = SIGN_IN.get(said.code, SIGN_IN_OTHER)
    text = said.text or (f"HTTP {reply.status}" if reply else "no reason given")
    return _error(api, meaning, said, reply, identity.words | {"text": text})


def arm_error(api: Api, reply: Reply, place: str) -> DnsProviderError:
    """What Azure Resource Manager answered instead of carrying a call out."""
    said = Saying.of(reply)
    if not said.code and not said.text:
        return api.unreadable(reply)  # Something between has answered.
    meaning = ARM.get(said.code) or _BY_STATUS.get(reply.status, _ARM_OTHER)
    if meaning is _ARM_OTHER and _TOO_MANY.search(said.text):
        meaning = ARM["TooManyRecords"]
    action, scope = _ACTION.search(said.text), _SCOPE.search(said.text)
    words = {
        "action": action[1] if action else "this",
        "scope": scope[1] if scope else place,
        "place": place,
        "host": api.base_url,
        "text": said.text or f"HTTP {reply.status}",
    }
    return _error(api, meaning, said, reply, words)


def _error(
    api: Api, meaning: Meaning, said: Saying, reply: Reply | None, words: Mapping[str, str]
) -> DnsProviderError:
    words = {**words, "code": said.code or "the code"}
    return api.error(
        meaning.message.format(**words),
        kind=meaning.kind,
        hint=meaning.hint.format(**words),
        code=said.code,
        reply=reply,
    )
