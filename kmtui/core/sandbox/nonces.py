"""Anti-replay nonces: each is good for one request (RFC 8555 section 6.5)."""

from __future__ import annotations

import random
import secrets

from kmtui.core.sandbox.problems import Rejection

KEPT = 1000
"""Nonces that wait for use; the oldest go first, like those of a CA that was restarted."""


class Nonces:
    """The nonces that may still be used; `rejection` is the share refused for no reason."""

    def __init__(self, rejection: float = 0.0) -> None:
        self._fresh: dict[str, None] = {}
        self._rejection = rejection

    def issue(self) -> str:
        """A new nonce."""
        while len(self._fresh) >= KEPT:
            del self._fresh[next(iter(self._fresh))]
        nonce = secrets.token_urlsafe(16)
        self._fresh[nonce] = None
        return nonce

    def use(self, nonce: object) -> None:
        """Take the nonce out of use; Rejection badNonce when it is unknown or was used."""
        known = isinstance(nonce, str) and nonce in self._fresh
        if known:
            del self._fresh[str(nonce)]
        if not known or random.random() < self._rejection:
            raise Rejection("badNonce", "This nonce is unknown or was used before")
