"""The vault: seals secrets under one random data key that its slots keep.

Locked from the start; unlocked it holds the data key in memory until `lock`. Python cannot promise
to wipe memory: only the end of the process does.

Sealed value: version (1 octet) | key id (4) | nonce (12) | ciphertext | tag (16), AES-256-GCM. The
associated data names the database, table, column, row and kind, so a value moved to any other place
does not open.

Methods that take a passphrase derive a key, which takes up to a second: call them in a thread. What
a new passphrase's derivation costs is measured on this machine unless the caller says so.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmtui.core.clock import Clock, utc_now
from kmtui.core.errors import (
    InvalidInput,
    NotFound,
    Refused,
    TamperedSecret,
    VaultError,
    VaultLocked,
    WrongKey,
)
from kmtui.core.keyfiles import read_key_file
from kmtui.core.slots import (
    KEY_BYTES,
    KEY_FILE,
    MAX_SLOTS,
    NONCE_BYTES,
    PASSPHRASE,
    USUAL,
    Argon2Cost,
    Header,
    Slot,
    SlotStore,
    calibrate,
    header_mac,
    subkey,
    unwrap,
    wrap,
)
from kmtui.model import VaultSlot

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_PREFIX = len(_VERSION) + _KEY_ID_BYTES + NONCE_BYTES
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Opened:
    """What an unlocked vault holds."""

    database_id: str
    data_key: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)
    key_id: bytes

    @classmethod
    def of(cls, data_key: bytes, database_id: str) -> _Opened:
        sealing_key = subkey(data_key, "seal")
        key_id = hashlib.sha256(subkey(data_key, "id")).digest()[:_KEY_ID_BYTES]
        return cls(database_id, data_key, AESGCM(sealing_key), key_id)


class Vault:
    """One database's secrets behind one data key. Safe to use from several threads."""

    def __init__(
        self,
        store: SlotStore,
        *,
        clock: Clock = utc_now,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._opened: _Opened | None = None

    def __repr__(self) -> str:
        return f"<Vault {'locked' if self.is_locked else 'unlocked'}>"

    @property
    def is_locked(self) -> bool:
        """Whether secrets can be neither sealed nor opened."""
        return self._opened is None

    @property
    def exists(self) -> bool:
        """Whether the vault was ever set up."""
        return bool(self._store.load().slots)

    def slots(self) -> tuple[VaultSlot, ...]:
        """The ways of opening it, without key material."""
        return tuple(
            VaultSlot(
                id=slot.id, kind=slot.kind, created_at=slot.created_at, parameters=slot.parameters
            )
            for slot in self._store.load().slots
        )

    # --- setting up and opening -----------------------------------------------------------------

    def init_with_passphrase(self, passphrase: bytes, *, cost: Argon2Cost | None = None) -> None:
        """Set the vault up under a passphrase and unlock it. Raises Refused when it exists."""
        self._init(PASSPHRASE, _usable(passphrase), cost)

    def init_with_key_file(self, path: Path) -> None:
        """Set the vault up under a key file and unlock it.

        Raises Refused when it exists, VaultError when the file cannot be used.
        """
        self._init(KEY_FILE, read_key_file(path))

    def unlock_with_passphrase(self, passphrase: bytes) -> None:
        """Unlock. Raises WrongKey, TamperedSecret, VaultError (never set up)."""
        self._unlock(PASSPHRASE, passphrase)

    def unlock_with_key_file(self, path: Path) -> None:
        """Unlock with a key file or a systemd credential.

        Raises WrongKey, TamperedSecret, VaultError (never set up, or the file cannot be used).
        """
        self._unlock(KEY_FILE, read_key_file(path))

    def lock(self) -> None:
        """Forget the data key."""
        self._opened = None

    # --- sealed values --------------------------------------------------------------------------

    def seal(
        self,
        value: bytes,
        *,
        table: str,
        column: str,
        row_id: str,
        kind: str,
        context: bytes = b"",
    ) -> bytes:
        """`value` encrypted for one place. Raises VaultLocked."""
        opened = self._need()
        place = _place(opened.database_id, table, column, row_id, kind, context)
        nonce = self._random(NONCE_BYTES)
        prefix = _VERSION + opened.key_id + nonce
        return prefix + opened.cipher.encrypt(nonce, value, prefix + place)

    def open(
        self,
        blob: bytes,
        *,
        table: str,
        column: str,
        row_id: str,
        kind: str,
        context: bytes = b"",
    ) -> bytes:
        """The value sealed for exactly that place. Raises VaultLocked, TamperedSecret."""
        opened = self._need()
        place = _place(opened.database_id, table, column, row_id, kind, context)
        where = f"the {kind} in {table} {row_id}"
        if len(blob) < _PREFIX + _TAG_BYTES or blob[:1] != _VERSION:
            raise TamperedSecret(f"{where} is not a sealed value", hint=_RESTORE)
        if blob[1 : 1 + _KEY_ID_BYTES] != opened.key_id:
            raise TamperedSecret(f"{where} was sealed under another vault's key", hint=_RESTORE)
        prefix, sealed = blob[:_PREFIX], blob[_PREFIX:]
        try:
            return opened.cipher.decrypt(prefix[-NONCE_BYTES:], sealed, prefix + place)
        except InvalidTag:
            raise TamperedSecret(
                f"{where} was changed, or moved here from another row", hint=_RESTORE
            ) from None

    def mac(self, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA-256 under a key for that purpose (``row``, ``audit``). Raises VaultLocked."""
        return hmac.digest(subkey(self._need().data_key, f"mac {purpose}"), message, "sha256")

    # --- slots ----------------------------------------------------------------------------------

    def add_passphrase(self, passphrase: bytes, *, cost: Argon2Cost | None = None) -> int:
        """Add a slot; return its id. Raises VaultLocked, TamperedSecret, Refused (too many)."""
        return self._add(PASSPHRASE, _usable(passphrase), cost)

    def add_key_file(self, path: Path) -> int:
        """Add a slot; return its id. Raises VaultLocked, TamperedSecret, Refused, VaultError."""
        return self._add(KEY_FILE, read_key_file(path))

    def change_passphrase(self, old: bytes, new: bytes, *, cost: Argon2Cost | None = None) -> int:
        """Put a slot for `new` in the place of the one `old` opens; return its id.

        Works locked or unlocked and leaves it so. Backups made before still open with `old`.
        Raises WrongKey, TamperedSecret, VaultError.
        """
        header = self._header()
        data_key, slot = _try_slots(header, PASSPHRASE, old)
        kept = [other for other in header.slots if other.id != slot.id]
        return self._put(header, kept, data_key, PASSPHRASE, _usable(new), cost)

    def remove_slot(self, slot_id: int) -> None:
        """Remove a way of opening the vault.

        Raises VaultLocked, TamperedSecret, NotFound, Refused for the last one.
        """
        opened = self._need()
        header = self._header()
        _check_mac(header, opened.data_key)
        kept = tuple(slot for slot in header.slots if slot.id != slot_id)
        if len(kept) == len(header.slots):
            raise NotFound(f"the vault has no slot {slot_id}")
        if not kept:
            raise Refused(
                "this is the only way of opening the vault",
                hint="add a passphrase or a key file first",
            )
        self._save(header, kept, opened.data_key)

    def _init(self, kind: str, secret: bytes, cost: Argon2Cost | None = None) -> None:
        header = self._store.load()
        if header.slots or header.mac:
            raise Refused("the vault is set up already", hint="kmtui vault passwd changes it")
        data_key = self._random(KEY_BYTES)
        self._put(header, (), data_key, kind, secret, cost)
        self._opened = _Opened.of(data_key, header.database_id)

    def _unlock(self, kind: str, secret: bytes) -> None:
        header = self._header()
        data_key, _ = _try_slots(header, kind, secret)
        self._opened = _Opened.of(data_key, header.database_id)

    def _add(self, kind: str, secret: bytes, cost: Argon2Cost | None = None) -> int:
        opened = self._need()
        header = self._header()
        _check_mac(header, opened.data_key)
        return self._put(header, header.slots, opened.data_key, kind, secret, cost)

    def _put(
        self,
        header: Header,
        kept: Iterable[Slot],
        data_key: bytes,
        kind: str,
        secret: bytes,
        cost: Argon2Cost | None,
    ) -> int:
        """Store a new slot beside the kept ones, after proving that it opens; return its id."""
        kept = tuple(kept)
        if len(kept) >= MAX_SLOTS:
            raise Refused(f"the vault has {len(kept)} slots: remove one first")
        slot = wrap(
            data_key,
            secret,
            id=max((slot.id for slot in header.slots), default=0) + 1,
            kind=kind,
            database_id=header.database_id,
            created_at=self._clock().replace(microsecond=0),
            random=self._random,
            cost=cost or (calibrate() if kind == PASSPHRASE else USUAL),
        )
        if unwrap(slot, secret, database_id=header.database_id) != data_key:
            raise VaultError("the new slot does not open: nothing was changed")
        self._save(header, (*kept, slot), data_key)
        return slot.id

    def _save(self, header: Header, slots: tuple[Slot, ...], data_key: bytes) -> None:
        mac = header_mac(data_key, header.database_id, slots)
        self._store.save(
            Header(database_id=header.database_id, slots=slots, mac=mac), replacing=header
        )

    def _header(self) -> Header:
        header = self._store.load()
        if not header.slots:
            raise VaultError("the vault is not set up yet", hint="kmtui vault init")
        if len(header.slots) > MAX_SLOTS:
            raise TamperedSecret("the vault has more slots than kmtui ever writes", hint=_RESTORE)
        return header

    def _need(self) -> _Opened:
        opened = self._opened
        if opened is None:
            raise VaultLocked(
                "the vault is locked", hint="unlock it with its passphrase or key file"
            )
        return opened


_RESTORE = "the database was changed from outside: restore a backup"


def _usable(passphrase: bytes) -> bytes:
    if not passphrase:
        raise InvalidInput("an empty passphrase protects nothing", field="passphrase")
    return passphrase


def _try_slots(header: Header, kind: str, secret: bytes) -> tuple[bytes, Slot]:
    """The data key and the slot of that kind that gave it, with the header MAC checked."""
    for slot in header.slots:
        if slot.kind != kind:
            continue
        try:
            data_key = unwrap(slot, secret, database_id=header.database_id)
        except WrongKey:
            continue
        _check_mac(header, data_key)
        return data_key, slot
    if any(slot.kind == kind for slot in header.slots):
        raise WrongKey(f"wrong {_WORDS[kind]}")
    raise WrongKey(f"the vault does not open with a {_WORDS[kind]}")


_WORDS = {PASSPHRASE: "passphrase", KEY_FILE: "key file"}


def _check_mac(header: Header, data_key: bytes) -> None:
    expected = header_mac(data_key, header.database_id, header.slots)
    if not hmac.compare_digest(expected, header.mac):
        raise TamperedSecret("the vault's slots were changed from outside", hint=_RESTORE)


def _place(
    database_id: str, table: str, column: str, row_id: str, kind: str, context: bytes
) -> bytes:
    """Associated data: each part with its length before it, so that no two places look alike."""
    parts = [part.encode() for part in (database_id, table, column, row_id, kind)]
    framed = (len(part).to_bytes(4, "big") + part for part in (*parts, context))
    return b"kmtui\0v1\0" + b"".join(framed)
