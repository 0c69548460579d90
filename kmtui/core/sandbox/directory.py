"""What the practice CA tells about itself: directory, profiles, terms (RFC 8555 section 7.1.1)."""

from __future__ import annotations

from typing import Any, NamedTuple

WELCOME = "The practice CA of kmtui. Trusted by nobody.\n"
TERMS = """kmtui sandbox: terms of service

This CA runs inside kmtui on this machine, for practice. No browser and no system trusts it.
Its certificates prove nothing. It forgets orders when it stops.
"""


class Profile(NamedTuple):
    """A kind of certificate to choose; `days` is its lifetime."""

    days: int
    description: str


PROFILES = {
    "classic": Profile(90, "90 days, the usual certificate"),
    "shortlived": Profile(6, "6 days, renewed every few days"),
    "buypass": Profile(180, "180 days, as Buypass Go SSL issued them"),
}
DEFAULT_PROFILE = "classic"


def document(base: str) -> dict[str, Any]:
    """The directory object of the CA at the URL `base`."""
    return {
        "newNonce": f"{base}/new-nonce",
        "newAccount": f"{base}/new-account",
        "newOrder": f"{base}/new-order",
        "revokeCert": f"{base}/revoke-certificate",
        "renewalInfo": f"{base}/renewal-info",
        "meta": {
            "termsOfService": f"{base}/terms",
            "website": f"{base}/",
            "externalAccountRequired": False,
            "profiles": {name: profile.description for name, profile in PROFILES.items()},
        },
    }
