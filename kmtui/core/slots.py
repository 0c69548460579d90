"""Vault slots: each wraps the same data key under a passphrase or a key file.

A slot's parameters are bound into its wrapping and all slots together into the header MAC, so a
writer of the database can neither change nor exchange them unseen. Key derivation parameters are
checked against a floor and a ceiling before any work: a doctored row can neither weaken the
derivation nor keep the machine busy for hours.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kmtui.core.errors import TamperedSecret, WrongKey

PASSPHRASE = "passphrase"  # noqa: S105 - a kind of slot, not a passphrase
KEY_FILE = "key-file"
KIND_WORDS = {PASSPHRASE: "passphrase", KEY_FILE: "key file"}
RESTORE = "the database was changed from outside: restore a backup"
"""The hint of every TamperedSecret."""

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
MAX_SLOTS = 16
"""More are refused: opening tries each one, and each costs a key derivation."""

MIB = 1024
"""Argon2 counts memory in KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Cost:
    """What one guess at a passphrase costs (RFC 9106 section 3.1)."""

    memory_kib: int
    iterations: int
    lanes: int = 4

    @property
    def work(self) -> int:
        """Grows in step with the time one derivation takes."""
        return self.memory_kib * self.iterations

    @property
    def allowed(self) -> bool:
        """Whether it lies between the floor and the ceiling."""
        return (
            19 * MIB <= self.memory_kib <= 1024 * MIB
            and 2 <= self.iterations <= 10
            and 1 <= self.lanes <= 16
        )


CHEAPEST = Argon2Cost(memory_kib=19 * MIB, iterations=2, lanes=1)
"""The floor."""
USUAL = Argon2Cost(memory_kib=64 * MIB, iterations=3)
_PATIENCE = 0.7
"""Seconds an unlock may take: the next machine may be half as fast, or busy."""
_LADDER = (
    CHEAPEST,
    Argon2Cost(memory_kib=32 * MIB, iterations=3),
    USUAL,
    Argon2Cost(memory_kib=64 * MIB, iterations=6),
    Argon2Cost(memory_kib=128 * MIB, iterations=5),
    Argon2Cost(memory_kib=128 * MIB, iterations=10),
    Argon2Cost(memory_kib=256 * MIB, iterations=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One wrapping of the data key, as stored."""

    id: int
    kind: str
    """`passphrase` or `key-file`."""
    parameters: Mapping[str, Any]
    """JSON values: `salt` (hex); for a passphrase also `memory_kib`, `iterations`, `lanes`."""
    wrapped: bytes = field(repr=False)
    """nonce | ciphertext | tag (AES-256-GCM)."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Everything stored to open one database's vault; no slots and no MAC before `init`."""

    database_id: str
    slots: tuple[Slot, ...] = ()
    mac: bytes = b""


class SlotStore(Protocol):
    """Where the header is kept."""

    def load(self) -> Header:
        """The header as it is now."""

    def save(self, header: Header, *, replacing: Header) -> None:
        """Store all slots and the MAC in one transaction.

        MUST raise Refused, with nothing changed, when the stored MAC is no longer that of
        `replacing`: somebody else changed the slots in between.
        """


def calibrate(measure: Callable[[Argon2Cost], float] | None = None) -> Argon2Cost:
    """The dearest cost whose derivation takes at most about 0.7 s on this machine.

    One trial derivation is made (a fraction of a second); `measure` returns its seconds.
    """
    seconds = (measure or _seconds)(USUAL)
    affordable = [cost for cost in _LADDER if seconds * cost.work / USUAL.work <= _PATIENCE]
    return max(affordable, key=lambda cost: cost.work, default=CHEAPEST)


def wrap(
    data_key: bytes,
    secret: bytes,
    *,
    id: int,
    kind: str,
    database_id: str,
    created_at: datetime,
    random: Callable[[int], bytes],
    cost: Argon2Cost = USUAL,
) -> Slot:
    """A new slot that opens with `secret` (a passphrase, or the key file's 32 bytes)."""
    parameters: dict[str, Any] = {"salt": random(SALT_BYTES).hex()}
    if kind == PASSPHRASE:
        parameters |= {
            "memory_kib": cost.memory_kib,
            "iterations": cost.iterations,
            "lanes": cost.lanes,
        }
    nonce = random(NONCE_BYTES)
    wrapping_key = _derive(kind, parameters, secret)
    sealed = AESGCM(wrapping_key).encrypt(nonce, data_key, _binding(kind, parameters, database_id))
    return Slot(
        id=id, kind=kind, parameters=parameters, wrapped=nonce + sealed, created_at=created_at
    )


def unwrap(slot: Slot, secret: bytes, *, database_id: str) -> bytes:
    """The data key. Raises WrongKey, or TamperedSecret for parameters no honest slot has."""
    nonce, sealed = slot.wrapped[:NONCE_BYTES], slot.wrapped[NONCE_BYTES:]
    if len(sealed) != KEY_BYTES + 16:
        raise TamperedSecret(f"vault slot {slot.id} is damaged", hint=RESTORE)
    wrapping_key = _derive(slot.kind, slot.parameters, secret)
    try:
        return AESGCM(wrapping_key).decrypt(
            nonce, sealed, _binding(slot.kind, slot.parameters, database_id)
        )
    except InvalidTag:
        raise WrongKey(
            f"vault slot {slot.id} does not open with this {KIND_WORDS[slot.kind]}"
        ) from None


def header_mac(data_key: bytes, database_id: str, slots: tuple[Slot, ...]) -> bytes:
    """HMAC-SHA-256 over every slot and the database's id.

    It also commits to the data key, which AES-GCM alone does not: one wrapped value cannot be made
    to open to two different keys.
    """
    text = json.dumps(
        [
            database_id,
            [
                [
                    slot.id,
                    slot.kind,
                    dict(slot.parameters),
                    slot.wrapped.hex(),
                    slot.created_at.astimezone(UTC).isoformat(timespec="seconds"),
                ]
                for slot in sorted(slots, key=lambda slot: slot.id)
            ],
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hmac.digest(subkey(data_key, "hdr"), text.encode(), "sha256")


def subkey(key: bytes, purpose: str, salt: bytes | None = None) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA-256, RFC 5869)."""
    info = f"kmtui v1 {purpose}".encode()
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=salt, info=info).derive(key)


def _derive(kind: str, parameters: Mapping[str, Any], secret: bytes) -> bytes:
    """The wrapping key. Raises TamperedSecret, before any work, for parameters out of line."""
    try:
        salt = bytes.fromhex(parameters["salt"])
        if len(salt) != SALT_BYTES:
            raise ValueError(f"salt of {len(salt)} octets")
        if kind == KEY_FILE:
            return subkey(secret, "slot", salt)
        if kind != PASSPHRASE:
            raise ValueError(f"kind {kind!r}")
        cost = Argon2Cost(**{name: _whole(parameters[name]) for name in _COST_NAMES})
        if not cost.allowed:
            raise ValueError(f"cost {cost}")
    except (KeyError, TypeError, ValueError) as error:
        raise TamperedSecret(
            f"a vault slot has key derivation parameters that kmtui never writes: {error}",
            hint=RESTORE,
        ) from error
    return _argon2id(cost, salt, secret)


_COST_NAMES = ("memory_kib", "iterations", "lanes")


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _argon2id(cost: Argon2Cost, salt: bytes, secret: bytes) -> bytes:
    return Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(secret)


def _seconds(cost: Argon2Cost) -> float:
    started = time.perf_counter()
    _argon2id(cost, bytes(SALT_BYTES), b"how long does this take?")
    return time.perf_counter() - started


def _binding(kind: str, parameters: Mapping[str, Any], database_id: str) -> bytes:
    text = json.dumps([database_id, kind, dict(parameters)], sort_keys=True, separators=(",", ":"))
    return b"kmtui\0v1\0slot\0" + text.encode()
