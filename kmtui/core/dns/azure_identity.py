"""Whom an account signs in to Azure as: its settings and secrets, read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kmtui.core.dns.azure_cli import AzureCliSignIn
from kmtui.core.dns.azure_entra import CertificateSignIn, ClientSecretSignIn, Entra, WorkloadSignIn
from kmtui.core.dns.azure_login import SignIn
from kmtui.core.dns.azure_managed import ManagedIdentitySignIn, Platform
from kmtui.core.dns.azure_token import Cloud
from kmtui.core.dns.provider import Secrets
from kmtui.core.errors import InvalidInput

AUTO = "auto"

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FORMS = (
    ("tenant_id", re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*"), "a tenant ID or a tenant's domain"),
    ("client_id", _GUID, "a client ID, which looks like 00000000-0000-0000-0000-000000000000"),
    ("subscription_id", _GUID, "a subscription ID, as 00000000-0000-0000-0000-000000000000"),
    ("resource_group", re.compile(r"[\w().-]{1,90}"), "the name of a resource group"),
)
_SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})
_SECRET_OF = {"secret": "client_secret", "certificate": "certificate"}
"""The ways that need an application's own secret, and its field."""


def sign_ins(
    settings: Mapping[str, str],
    secrets: Secrets,
    entra: Entra,
    cloud: Cloud,
    environment: Mapping[str, str],
    platform: Platform,
) -> list[SignIn]:
    """The ways to sign in that the setting `auth` allows, in the order in which they are tried.

    Raises InvalidInput naming the field, also for an application whose secret is there and whose
    tenant or id is not.
    """
    _require_forms(settings)
    auth = settings.get("auth", AUTO)
    for way, field in _SECRET_OF.items():
        if auth == way or (auth == AUTO and secrets.get(field)):
            _require_application(settings, secrets, field)
    tenant, client = settings.get("tenant_id", ""), settings.get("client_id", "")
    subscription = settings.get("subscription_id", "")
    secret = _octets(secrets, "client_secret").decode("utf-8", "replace")
    password = _octets(secrets, "certificate_password")
    ways: dict[str, SignIn] = {
        "secret": ClientSecretSignIn(entra, tenant, client, secret),
        "certificate": CertificateSignIn(
            entra, tenant, client, _octets(secrets, "certificate"), password
        ),
        "workload": WorkloadSignIn(
            entra, tenant, client, environment, login_url=settings.get("login_url", "").rstrip("/")
        ),
        "managed": ManagedIdentitySignIn(cloud.resource, client, environment, platform),
        "cli": AzureCliSignIn(entra.api, cloud.resource, tenant, subscription, environment),
    }
    return list(ways.values()) if auth == AUTO else [ways[auth]]


def _require_forms(settings: Mapping[str, str]) -> None:
    for field, form, what in _FORMS:
        if field in settings and not form.fullmatch(settings[field]):
            raise InvalidInput(f"{settings[field]!r} is not {what}", field=field)
    if settings.get("tenant_id", "").lower() in _SHARED_TENANTS:
        raise InvalidInput(
            f"an application cannot sign in to {settings['tenant_id']!r}",
            field="tenant_id",
            hint="give the ID of the one tenant that the subscription belongs to",
        )


def _require_application(settings: Mapping[str, str], secrets: Secrets, field: str) -> None:
    for name in ("tenant_id", "client_id"):
        if name not in settings:
            raise InvalidInput(f"{field} needs {name} as well", field=name)
    if not secrets.get(field):
        raise InvalidInput(f"{field} is missing", field=field, hint="or choose another `auth`")


def _octets(secrets: Secrets, field: str) -> bytes:
    """A secret without the end of line that files have."""
    value = secrets.get(field, "")
    return (value if isinstance(value, bytes) else value.encode()).strip(b"\r\n")
