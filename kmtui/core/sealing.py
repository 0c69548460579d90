"""Sealed values: encrypted for one place in one database.

Form: version (1 octet) | key id (4) | nonce (12) | ciphertext | tag (16), AES-256-GCM. Version, key
id and nonce are associated data, and so is the place – database, table, column, row, kind and a
context – so a value moved anywhere else does not open.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmtui.core.errors import TamperedSecret
from kmtui.core.slots import NONCE_BYTES, RESTORE, subkey

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_PREFIX = len(_VERSION) + _KEY_ID_BYTES + NONCE_BYTES
_TAG_BYTES = 16


class DataKey:
    """One database's data key at work. It never shows the key."""

    def __init__(self, octets: bytes, database_id: str) -> None:
        self.octets = octets
        self.database_id = database_id
        self._cipher = AESGCM(subkey(octets, "seal"))
        self._key_id = hashlib.sha256(subkey(octets, "id")).digest()[:_KEY_ID_BYTES]

    def __repr__(self) -> str:
        return f"<DataKey {self._key_id.hex()}>"

    def seal(self, value: bytes, place: bytes, random: Callable[[int], bytes]) -> bytes:
        """`value` encrypted for `place`."""
        nonce = random(NONCE_BYTES)
        prefix = _VERSION + self._key_id + nonce
        return prefix + self._cipher.encrypt(nonce, value, prefix + place)

    def open(self, blob: bytes, place: bytes, what: str) -> bytes:
        """The value sealed for `place`; `what` names it in an error. Raises TamperedSecret."""
        if len(blob) < _PREFIX + _TAG_BYTES or blob[:1] != _VERSION:
            raise TamperedSecret(f"{what} is not a sealed value", hint=RESTORE)
        if blob[1 : 1 + _KEY_ID_BYTES] != self._key_id:
            raise TamperedSecret(f"{what} was sealed under another vault's key", hint=RESTORE)
        prefix, sealed = blob[:_PREFIX], blob[_PREFIX:]
        try:
            return self._cipher.decrypt(prefix[-NONCE_BYTES:], sealed, prefix + place)
        except InvalidTag:
            raise TamperedSecret(
                f"{what} was changed, or moved here from another row", hint=RESTORE
            ) from None

    def mac(self, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA-256 under a key for that purpose alone."""
        return hmac.digest(subkey(self.octets, f"mac {purpose}"), message, "sha256")

    def place(self, table: str, column: str, row_id: str, kind: str, context: bytes) -> bytes:
        """One place in this database, each part with its length before it: no two look alike."""
        parts = [part.encode() for part in (self.database_id, table, column, row_id, kind)]
        framed = (len(part).to_bytes(4, "big") + part for part in (*parts, context))
        return b"kmtui\0v1\0" + b"".join(framed)
