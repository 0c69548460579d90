"""When the practice CA would like a certificate renewed: renewal information (RFC 9773)."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from kmtui.core.sandbox.problems import Rejection
from kmtui.core.sandbox.state import State

SHORT_LIVED = timedelta(days=10)
PATH = "/renewal-info/"
ASK_AGAIN = 600
"""Seconds until a client shall ask again; other CAs say six hours."""


def usual_window(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """A thirtieth of the life, from when a third of it is left; half of a short one."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    life = end - begin
    start = end - (life / 2 if life < SHORT_LIVED else life / 3)
    return start, start + life / 30


def information(state: State, cert_id: str) -> dict[str, Any]:
    """The RenewalInfo object (section 4.2) of an issued certificate; Rejection for others."""
    issued = state.issued.get(_serial(cert_id))
    if issued is None or issued.window is None:
        raise Rejection("malformed", "No certificate has that identifier", status=404)
    start, end = issued.window
    if issued.revocation_reason is not None:
        # Section 4.2: a window in the past asks for a renewal at once.
        now = datetime.now(UTC)
        start, end = _text(now - timedelta(hours=2)), _text(now - timedelta(hours=1))
    document: dict[str, Any] = {"suggestedWindow": {"start": start, "end": end}}
    if issued.explanation:
        document["explanationURL"] = issued.explanation
    return document


def stored(window: tuple[datetime, datetime]) -> tuple[str, str]:
    """A window as RFC 3339 times, which is how it is kept and told."""
    return _text(window[0]), _text(window[1])


def _serial(cert_id: str) -> str:
    """The serial number in an identifier of section 4.1, as `certificates.serial_hex` has it."""
    _, _, octets = cert_id.partition(".")
    try:
        return base64.urlsafe_b64decode(octets + "=" * (-len(octets) % 4)).hex().lstrip("0")
    except (binascii.Error, ValueError):
        return ""


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
