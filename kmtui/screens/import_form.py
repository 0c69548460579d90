"""Import: where certificates of others lie. What would come is shown before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmtui.core.errors import InvalidInput
from kmtui.screens.account_forms import path_of
from kmtui.screens.formpage import FormPage
from kmtui.screens.here import with_keys
from kmtui.screens.import_preview import ImportPreview
from kmtui.text import Secret
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

if TYPE_CHECKING:
    from kmtui.core.imports.found import Found
    from kmtui.core.imports.outcome import Imported

PASSWORD = "password-file"  # noqa: S105 - a field's name
PLACES: tuple[Fact, ...] = (
    ("certbot", "/etc/letsencrypt, with its accounts"),
    ("lego", "its directory .lego, with its accounts"),
    ("acme.sh", "~/.acme.sh, with its accounts"),
    ("others", "PEM, DER, PKCS #7 and PKCS #12 files, or a directory of them"),
)
PROMISES: tuple[Fact, ...] = (
    ("", ""),
    ("", "ctrl+s looks, and shows what would come before anything is stored."),
    ("", "Nothing is reissued and no CA is asked. What is here already stays as it is."),
    ("", ("The other client goes on renewing until it is told not to.", "warn")),
)


class ImportForm(FormPage):
    """Files, directories and servers; ctrl+s looks, and shows what would come."""

    CRUMBS = ("Certificates", "Import")
    WHAT = "import"
    AUTO_FOCUS = "Form TextArea"

    def __init__(self) -> None:
        super().__init__()
        self._found: Found | None = None
        self._foreseen: Sequence[Imported] = ()

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="path",
                label="Where",
                kind="lines",
                lines=3,
                required=True,
                help="Files and directories on this machine, one a line.",
            ),
            FieldSpec(
                name="live",
                label="Servers",
                kind="check",
                placeholder="each line is HOST:PORT: what it shows comes",
                help="A TLS connection is made to each; keys do not come along.",
            ),
            FieldSpec(
                name=PASSWORD,
                label="Password",
                secret=True,
                help="Of PKCS #12 files and encrypted keys; used once, not kept.",
            ),
        ]

    async def ready(self) -> None:
        self.about.show([*PLACES, *PROMISES])

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "live":
            self.form.show_field(PASSWORD, not event.value)

    async def send(self) -> str:
        self.about.show([*PLACES, *PROMISES])  # instead of what was refused the last time
        lines = [line.strip() for line in self.form.text("path").splitlines() if line.strip()]
        live = bool(self.form.values["live"])
        typed = self.form.typed(PASSWORD)
        password = Secret(typed.encode()) if typed and not live else None
        places = lines if live else [_place(line) for line in lines]
        self._found = await self.core.imports.look(places, live=live, password=password)
        self._foreseen = await self.core.imports.foresee(self._found)
        return ""

    def show_refusal(self, error: InvalidInput) -> None:
        """What stands in the way is often longer than a line beside its field."""
        self.say("")
        self.form.show_error(error.field, error.message)
        hint = "type its password there" if error.field == PASSWORD else with_keys(error.hint)
        told: list[Fact] = [("", (error.message, "bad")), *([("", hint)] if hint else [])]
        self.about.show([*told, ("", ""), *PLACES])

    def _leave(self, said: str) -> None:
        """On to what would come; from there esc leads back to what was typed."""
        if self._found is None:
            return
        self.say("")
        preview = ImportPreview(self._found, self._foreseen)

        def answered(_: None) -> None:
            if preview.adopted:
                super(ImportForm, self)._leave(preview.said)

        self.app.push_screen(preview, answered)

    def _left_before(self, said: str) -> None:
        """Nobody waits for what would come any more; nothing was stored."""


def _place(line: str) -> str:
    """A path with ``~`` resolved; an address stays as it is."""
    return line if line.startswith("https://") else str(path_of(line))
