"""The vault: seals secrets under one random data key that its slots keep.

Locked from the start; unlocked it holds the data key in memory until `lock`. Python cannot promise
to wipe memory: only the end of the process does.

Methods that take a passphrase derive a key, which takes up to a second: call them in a thread. What
a new passphrase's derivation costs is measured on this machine unless the caller says so.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

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
from kmtui.core.sealing import DataKey
from kmtui.core.slots import (
    KEY_BYTES,
    KEY_FILE,
    KIND_WORDS,
    MAX_SLOTS,
    PASSPHRASE,
    RESTORE,
    USUAL,
    Argon2Cost,
    Header,
    Slot,
    SlotStore,
    calibrate,
    header_mac,
    unwrap,
    wrap,
)
from kmtui.model import VaultSlot


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
        self._opened: DataKey | None = None

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
        place = opened.place(table, column, row_id, kind, context)
        return opened.seal(value, place, self._random)

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
        place = opened.place(table, column, row_id, kind, context)
        return opened.open(blob, place, f"the {kind} in {table} {row_id}")

    def mac(self, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA-256 under a key for that purpose (``row``, ``audit``). Raises VaultLocked."""
        return self._need().mac(purpose, message)

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
        _check_mac(header, opened.octets)
        kept = tuple(slot for slot in header.slots if slot.id != slot_id)
        if len(kept) == len(header.slots):
            raise NotFound(f"the vault has no slot {slot_id}")
        if not kept:
            raise Refused(
                "this is the only way of opening the vault",
                hint="add a passphrase or a key file first",
            )
        self._save(header, kept, opened.octets)

    def _init(self, kind: str, secret: bytes, cost: Argon2Cost | None = None) -> None:
        header = self._store.load()
        if header.slots or header.mac:
            raise Refused("the vault is set up already", hint="kmtui vault passwd changes it")
        data_key = self._random(KEY_BYTES)
        self._put(header, (), data_key, kind, secret, cost)
        self._opened = DataKey(data_key, header.database_id)

    def _unlock(self, kind: str, secret: bytes) -> None:
        header = self._header()
        data_key, _ = _try_slots(header, kind, secret)
        self._opened = DataKey(data_key, header.database_id)

    def _add(self, kind: str, secret: bytes, cost: Argon2Cost | None = None) -> int:
        opened = self._need()
        header = self._header()
        _check_mac(header, opened.octets)
        return self._put(header, header.slots, opened.octets, kind, secret, cost)

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
            raise TamperedSecret("the vault has more slots than kmtui ever writes", hint=RESTORE)
        return header

    def _need(self) -> DataKey:
        opened = self._opened
        if opened is None:
            raise VaultLocked(
                "the vault is locked", hint="unlock it with its passphrase or key file"
            )
        return opened


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
        raise WrongKey(f"wrong {KIND_WORDS[kind]}")
    raise WrongKey(f"the vault does not open with a {KIND_WORDS[kind]}")


def _check_mac(header: Header, data_key: bytes) -> None:
    expected = header_mac(data_key, header.database_id, header.slots)
    if not hmac.compare_digest(expected, header.mac):
        raise TamperedSecret("the vault's slots were changed from outside", hint=RESTORE)
