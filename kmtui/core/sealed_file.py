"""A file sealed as a whole: opened by a passphrase or a key file of its own, cut nowhere unseen.

Form: a line that says what it is, a line of JSON with the slot that wraps the file's key (as a
vault's slot does), then pieces of 64 KiB, each AES-256-GCM under a nonce that counts them and marks
the last one. So a piece that is changed, moved or missing does not open, nor does a file that ends
too early. The first two lines are associated data of every piece.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmtui.core.errors import InvalidInput, TamperedSecret, WrongKey
from kmtui.core.keyfiles import read_key_file
from kmtui.core.slots import (
    KEY_BYTES,
    KEY_FILE,
    KIND_WORDS,
    NONCE_BYTES,
    PASSPHRASE,
    Argon2Cost,
    Slot,
    calibrate,
    subkey,
    unwrap,
    wrap,
)

MAGIC = b"kmtui sealed backup 1\n"
PIECE = 64 * 1024
"""Octets of content in a piece; the last one has fewer, or none."""
BEGINNING = "the backup's beginning is damaged"
ANOTHER = "take another copy of it, or an older backup"
_TAG = 16
_LONGEST_HEADER = 4096


@dataclass(frozen=True, slots=True)
class SealingKey:
    """What opens a sealed file."""

    kind: str
    """`passphrase` or `key-file`."""
    secret: bytes = field(repr=False)

    @classmethod
    def of_passphrase(cls, passphrase: bytes) -> SealingKey:
        """Raises InvalidInput for an empty one."""
        if not passphrase:
            raise InvalidInput("an empty passphrase protects nothing", field="seal-passphrase-file")
        return cls(PASSPHRASE, passphrase)

    @classmethod
    def of_key_file(cls, path: Path) -> SealingKey:
        """Raises VaultError, WrongKey for a file that is no key file, or that others may read."""
        return cls(KEY_FILE, read_key_file(path))


def seal(
    source: BinaryIO,
    target: BinaryIO,
    key: SealingKey,
    *,
    at: datetime,
    cost: Argon2Cost | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> None:
    """Write `source` to `target`, sealed. Blocks: derives a key, and reads it all."""
    file_key, file_id = random(KEY_BYTES), str(uuid.uuid4())
    slot = wrap(
        file_key,
        key.secret,
        id=1,
        kind=key.kind,
        database_id=file_id,
        created_at=at.replace(microsecond=0),
        random=random,
        cost=cost or calibrate(),
    )
    header = {
        "file": file_id,
        "created_at": slot.created_at.isoformat(),
        "kind": slot.kind,
        "parameters": dict(slot.parameters),
        "wrapped": slot.wrapped.hex(),
    }
    beginning = MAGIC + json.dumps(header, sort_keys=True).encode() + b"\n"
    target.write(beginning)
    pieces = _Pieces(file_key, beginning)
    piece = source.read(PIECE)
    while len(piece) == PIECE:
        following = source.read(PIECE)
        target.write(pieces.seal(piece, last=False))
        piece = following
    target.write(pieces.seal(piece, last=True))


def unseal(source: BinaryIO, target: BinaryIO, key: SealingKey) -> None:
    """Write what is sealed in `source` to `target`: not to be believed before this returns.

    Raises WrongKey, TamperedSecret (changed, cut, or not such a file at all). Blocks.
    """
    slot, file_id, beginning = _header(source)
    if slot.kind != key.kind:
        raise WrongKey(
            f"the backup is sealed with a {KIND_WORDS[slot.kind]}",
            hint=f"give that {KIND_WORDS[slot.kind]}",
        )
    try:
        file_key = unwrap(slot, key.secret, database_id=file_id)
    except WrongKey:
        raise WrongKey(
            f"the backup does not open with this {KIND_WORDS[key.kind]}",
            hint="it is the backup's own, given when it was made; the vault's is another",
        ) from None
    except TamperedSecret as error:
        raise TamperedSecret(BEGINNING, hint=ANOTHER) from error
    pieces = _Pieces(file_key, beginning)
    piece = source.read(PIECE + _TAG)
    while True:
        following = source.read(PIECE + _TAG) if len(piece) == PIECE + _TAG else b""
        target.write(pieces.open(piece, last=not following))
        if not following:
            return
        piece = following


class _Pieces:
    """The pieces of one file, in their order."""

    def __init__(self, file_key: bytes, beginning: bytes) -> None:
        self._cipher = AESGCM(subkey(file_key, "backup"))
        self._beginning = hashlib.sha256(beginning).digest()
        self._count = 0

    def seal(self, piece: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last), piece, self._beginning)

    def open(self, piece: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(last), piece, self._beginning)
        except (InvalidTag, ValueError):
            what = "the backup was cut off, or changed" if last else "the backup was changed"
            raise TamperedSecret(what, hint=ANOTHER) from None

    def _nonce(self, last: bool) -> bytes:
        number = self._count.to_bytes(NONCE_BYTES - 1, "big")
        self._count += 1
        return number + (b"\x01" if last else b"\x00")


def _header(source: BinaryIO) -> tuple[Slot, str, bytes]:
    """The slot, the file's id, and the two lines they stand in."""
    magic = source.read(len(MAGIC))
    line = source.readline(_LONGEST_HEADER) if magic == MAGIC else b""
    try:
        header = json.loads(line)
        created_at = datetime.fromisoformat(header["created_at"])
        slot = Slot(
            id=1,
            kind=str(header["kind"]),
            parameters=dict(header["parameters"]),
            wrapped=bytes.fromhex(header["wrapped"]),
            created_at=created_at,
        )
        file_id = str(header["file"])
        if slot.kind not in KIND_WORDS:
            raise ValueError(slot.kind)
    except (ValueError, TypeError, KeyError) as error:
        raise TamperedSecret(BEGINNING, hint=ANOTHER) from error
    return slot, file_id, magic + line
