"""The gate: who may change things. An administrator is whoever unlocked the vault."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kmtui.core.errors import ReadOnly, VaultLocked
from kmtui.core.events import Bus, VaultChanged
from kmtui.core.keyfiles import create_key_file
from kmtui.core.vault import Vault
from kmtui.model import VaultSlot


class Access:
    """The vault's door and the read-only switch; key derivation runs in a thread."""

    def __init__(self, vault: Vault, bus: Bus, *, read_only: bool, initialised: bool) -> None:
        self._vault = vault
        self._bus = bus
        self.read_only = read_only
        self.initialised = initialised
        """Whether the vault was ever set up."""

    @property
    def locked(self) -> bool:
        """Whether secrets can be neither sealed nor opened now."""
        return self._vault.is_locked

    @property
    def mode(self) -> str:
        """`RO`, `LOCKED` or `RW`."""
        return "RO" if self.read_only else "LOCKED" if self.locked else "RW"

    def require_change(self) -> None:
        """Let changes pass. Raises ReadOnly, VaultLocked."""
        if self.read_only:
            raise ReadOnly("this is read-only mode: nothing can be changed")
        if self.locked:
            raise VaultLocked(
                "the vault is locked: browsing works, changes need it open"
                if self.initialised
                else "the vault is not set up yet",
                hint="unlock it with its passphrase or key file"
                if self.initialised
                else "set it up first: kmtui vault init, or L on the screen",
            )

    async def initialise_with_passphrase(self, passphrase: bytes) -> None:
        """Set the vault up and unlock it. Raises Refused when it exists, InvalidInput."""
        self._require_writable()
        await asyncio.to_thread(self._vault.init_with_passphrase, passphrase)
        self.initialised = True
        self._bus.publish(VaultChanged(""))

    async def initialise_with_key_file(self, path: Path) -> None:
        """Set the vault up under a key file, made when it is missing, and unlock it."""
        self._require_writable()
        if not await asyncio.to_thread(path.exists):
            await asyncio.to_thread(create_key_file, path)
        await asyncio.to_thread(self._vault.init_with_key_file, path)
        self.initialised = True
        self._bus.publish(VaultChanged(""))

    async def unlock_with_passphrase(self, passphrase: bytes) -> None:
        """Raises WrongKey, TamperedSecret, VaultError."""
        await asyncio.to_thread(self._vault.unlock_with_passphrase, passphrase)
        self._bus.publish(VaultChanged(""))

    async def unlock_with_key_file(self, path: Path) -> None:
        """Raises WrongKey, TamperedSecret, VaultError."""
        await asyncio.to_thread(self._vault.unlock_with_key_file, path)
        self._bus.publish(VaultChanged(""))

    def lock(self) -> None:
        """Forget the data key; what runs already goes on as far as it can without secrets."""
        self._vault.lock()
        self._bus.publish(VaultChanged(""))

    async def change_passphrase(self, old: bytes, new: bytes) -> None:
        """Raises WrongKey, TamperedSecret, InvalidInput."""
        self._require_writable()
        await asyncio.to_thread(self._vault.change_passphrase, old, new)
        self._bus.publish(VaultChanged(""))

    async def add_key_file(self, path: Path) -> int:
        """Add a key file, made when it is missing; return the slot's id. Raises VaultLocked."""
        self.require_change()
        if not await asyncio.to_thread(path.exists):
            await asyncio.to_thread(create_key_file, path)
        slot = await asyncio.to_thread(self._vault.add_key_file, path)
        self._bus.publish(VaultChanged(""))
        return slot

    async def remove_slot(self, slot_id: int) -> None:
        """Raises VaultLocked, NotFound, Refused for the last slot."""
        self.require_change()
        await asyncio.to_thread(self._vault.remove_slot, slot_id)
        self._bus.publish(VaultChanged(""))

    async def slots(self) -> tuple[VaultSlot, ...]:
        """The ways of opening the vault."""
        return await asyncio.to_thread(self._vault.slots)

    def _require_writable(self) -> None:
        if self.read_only:
            raise ReadOnly("this is read-only mode: nothing can be changed")
