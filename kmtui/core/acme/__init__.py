"""The ACME protocol (RFC 8555) over httpx: requests, objects, problems; no storage, no screen."""

from kmtui.core.acme.advice import Action
from kmtui.core.acme.chain import Chain
from kmtui.core.acme.client import AcmeClient
from kmtui.core.acme.jws import (
    ExternalAccount,
    PrivateKey,
    Signer,
    dns_value,
    key_authorization,
    thumbprint,
)
from kmtui.core.acme.objects import (
    Account,
    Authorization,
    Challenge,
    Directory,
    Identifier,
    Meta,
    Order,
)
from kmtui.core.acme.polling import Pace
from kmtui.core.acme.problems import action_for, asks_for_agreement, tells_of_deactivation
from kmtui.core.acme.renewal import RenewalInfo, cert_id

__all__ = [
    "Account",
    "AcmeClient",
    "Action",
    "Authorization",
    "Chain",
    "Challenge",
    "Directory",
    "ExternalAccount",
    "Identifier",
    "Meta",
    "Order",
    "Pace",
    "PrivateKey",
    "RenewalInfo",
    "Signer",
    "action_for",
    "asks_for_agreement",
    "cert_id",
    "dns_value",
    "key_authorization",
    "tells_of_deactivation",
    "thumbprint",
]
