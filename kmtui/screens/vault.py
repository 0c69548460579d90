"""The vault's door (key L): set up at the first run, then unlock, then lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.core.errors import InvalidInput, VaultError
from kmtui.screens.formpage import FormPage
from kmtui.screens.messages import Changed
from kmtui.status import when
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

WAYS = (("passphrase", "passphrase"), ("key-file", "key file"))
PASSPHRASE, AGAIN, KEY_FILE = "passphrase", "again", "key_file"

ABOUT: dict[str, list[Fact]] = {
    "new": [
        ("", "Private keys and credentials are stored encrypted in the vault."),
        ("", "A passphrase is asked for at each start; a key file opens it unattended."),
        ("", ("Nobody can open it without: keep a copy in a safe place.", "warn")),
    ],
    "locked": [("", "Browsing works; changes and requests need the vault open.")],
    "open": [
        ("", ("The vault is open.", "good")),
        ("", "L or ctrl+s locks it: keys and credentials are forgotten until it is opened again."),
        ("", "A request that runs now may fail where it needs them."),
    ],
}
"""What to know in each state."""


class VaultScreen(FormPage):
    """One form whose fields follow the vault's state: not set up, locked, open."""

    CRUMBS = ("Vault",)
    WHAT = "vault"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("lock", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._state = ""

    def fields(self) -> Sequence[FieldSpec]:
        return ()

    def reason_against(self, key: str) -> str:
        """Opening works in read-only mode too; setting up does not."""
        if key == "send":
            setting_up = self.workbench.access == "RO" and self._state == "new"
            return "set up: this is read-only mode" if setting_up else ""
        return super().reason_against(key)

    async def ready(self) -> None:
        access = self.core.access
        state = "new" if not access.initialised else "locked" if access.locked else "open"
        if state != self._state:
            self._state = state
            await self._show_state()

    async def changed(self, message: Changed) -> None:
        """Another process or a timer may have set it up or locked it."""
        await self.ready()

    async def _show_state(self) -> None:
        slots = await self.core.access.slots() if self._state != "new" else ()
        opened_by: list[Fact] = [
            ("Opened by", f"{slot.kind.replace('-', ' ')} of {when(slot.created_at)}")
            for slot in slots
        ]
        self.about.show([*ABOUT[self._state], *opened_by])
        self.form.display = self._state != "open"
        if self._state == "open":
            await self.form.set_fields(())
            self.about.focus()
            return
        kinds = {slot.kind for slot in slots}
        ways = tuple(way for way in WAYS if way[0] in kinds or not kinds)
        await self.form.set_fields(_fields(ways, new=self._state == "new"))
        self._show_way(ways[0][0])
        self.form.focus_field(PASSPHRASE if ways[0][0] == "passphrase" else KEY_FILE)

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "way":
            self._show_way(str(event.value))

    def _show_way(self, way: str) -> None:
        self.form.show_field(PASSPHRASE, way == "passphrase")
        self.form.show_field(KEY_FILE, way == "key-file")
        if self._state == "new":
            self.form.show_field(AGAIN, way == "passphrase")

    # Doing

    async def send(self) -> str:
        if self._state == "open":
            self.core.access.lock()
            return "the vault is locked"
        by_file = self.form.text("way") == "key-file"
        field = KEY_FILE if by_file else PASSPHRASE
        try:
            await (self._by_key_file() if by_file else self._by_passphrase())
        except VaultError as error:  # wrong, or not readable: said where it was typed
            raise InvalidInput(error.message, field=field, hint=error.hint) from error
        return "the vault is open"

    def _by_key_file(self) -> Awaitable[None]:
        access, path = self.core.access, Path(self.form.text(KEY_FILE)).expanduser()
        do: Callable[[Path], Awaitable[None]] = (
            access.initialise_with_key_file if self._state == "new" else access.unlock_with_key_file
        )
        return do(path)

    def _by_passphrase(self) -> Awaitable[None]:
        access, typed = self.core.access, self.form.typed(PASSPHRASE)
        if self._state != "new":
            return access.unlock_with_passphrase(typed.encode())
        if typed != self.form.typed(AGAIN):
            raise InvalidInput("the two passphrases differ", field=AGAIN)
        return access.initialise_with_passphrase(typed.encode())

    def action_lock(self) -> None:
        if self._state == "open":
            self.action_send()


def _fields(ways: tuple[tuple[str, str], ...], *, new: bool) -> list[FieldSpec]:
    phrase = FieldSpec(name=PASSPHRASE, label="Passphrase", required=True, secret=True)
    again = FieldSpec(name=AGAIN, label="Once more", required=True, secret=True)
    file = FieldSpec(
        name=KEY_FILE,
        label="Key file",
        required=True,
        help="Path; made when it is missing, readable by you alone." if new else "Path.",
    )
    way = FieldSpec(
        name="way", label="Open with", kind="choice", choices=ways, help="Left and right choose."
    )
    return [way, phrase, *([again] if new else []), file]
