"""Downloading and revoking certificates (RFC 8555 sections 7.4.2 and 7.6)."""

from __future__ import annotations

from typing import Any

from kmtui.core.acme.chain import Chain, parse_chain
from kmtui.core.acme.jws import PrivateKey, Signer, b64url
from kmtui.core.acme.session import Session
from kmtui.core.errors import AcmeError

PEM_CHAIN = "application/pem-certificate-chain"
MOST_ALTERNATES = 10


class CertificateRequests(Session):
    """What one can ask a CA about certificates."""

    async def certificate(self, signer: Signer, url: str) -> Chain:
        """The chain at a certificate URL, or at one of a chain's `alternate_urls`."""
        reply = await self._post(signer, url, None, repeatable=True, accept=PEM_CHAIN)
        # A bad link to another chain is no reason to lose the certificate itself.
        links = dict.fromkeys(reply.links.get("alternate", []))
        others = [link for link in links if link != url and self._policy.allows(link)]
        return parse_chain(reply.body, where=url, alternate_urls=others[:MOST_ALTERNATES])

    async def revoke(self, signer: Signer, cert_der: bytes, reason: int | None = None) -> bool:
        """Revoke as the account that got it, or one authorized for all its names (section 7.6).

        `reason` is a CRLReason code (RFC 5280 section 5.3.1). A certificate that is revoked
        already counts as success, and gives False. Raises AcmeError, e.g. `badRevocationReason`.
        """
        payload: dict[str, Any] = {"certificate": b64url(cert_der)}
        if reason is not None:
            payload["reason"] = reason
        try:
            await self._at(
                lambda directory: directory.revoke_cert,
                "revocation",
                lambda url: self._post(signer, url, payload, repeatable=True),
            )
        except AcmeError as error:
            if error.problem is None or error.problem.short_type != "alreadyRevoked":
                raise
            return False
        return True

    async def revoke_with_certificate_key(
        self, cert_key: PrivateKey, cert_der: bytes, reason: int | None = None
    ) -> bool:
        """As `revoke`, by the certificate's own private key, without an account (section 7.6)."""
        return await self.revoke(Signer(cert_key), cert_der, reason)
