"""Forms about one account: its e-mail address, and the file its key is written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmtui.model import Account
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.formpage import FormPage
from kmtui.widgets.fields import FieldSpec

FORMATS = ("pem", "jwk")


class EmailForm(FormPage):
    """Another e-mail address for an account, told to its CA (RFC 8555 section 7.3.2)."""

    WHAT = "change e-mail"

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self.title_line.show_crumbs("Accounts", account.name, "E-mail")

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="email",
                label="E-mail",
                help="Where the CA writes; empty takes the address away, where the CA allows it.",
            )
        ]

    async def ready(self) -> None:
        self.form.set_values({"email": self._account.email or ""})
        self.about.show(
            [
                ("Account", (self._account.name, "strong")),
                ("CA", self._account.ca),
                ("Until now", self._account.email or ("none", "muted")),
            ]
        )

    async def send(self) -> str:
        account = await self.core.accounts.update(self._account.id, email=self.form.text("email"))
        return f"e-mail address of {account.name}: {account.email or 'none'}"


class ExportKeyForm(FormPage):
    """Where the private key of an account goes, in the clear."""

    WHAT = "export key"

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self.title_line.show_crumbs("Accounts", account.name, "Export key")

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="out",
                label="File",
                required=True,
                placeholder="path of a new file",
                help="On the machine that kmtui runs on; made with mode 0600.",
            ),
            FieldSpec(
                name="format",
                label="Format",
                kind="choice",
                choices=FORMATS,
                help="PEM is what most clients take; JWK is certbot's private_key.json.",
            ),
            FieldSpec(
                name="replace",
                label="Replace",
                kind="check",
                placeholder="a file that is there already",
            ),
        ]

    async def ready(self) -> None:
        self.about.show(
            [
                ("Account", (self._account.name, "strong")),
                ("CA", self._account.ca),
                ("Key", f"{self._account.key_type} {self._account.key_thumbprint}"),
                ("", ""),
                ("Careful", ("the file is not encrypted: who has it has the account.", "warn")),
                (CONTINUED, "A on the list of accounts brings the account back with it."),
            ]
        )

    async def send(self) -> str:
        path = path_of(self.form.text("out"))
        account = await self.core.accounts.export_key(
            self._account.id,
            path,
            format=self.form.text("format"),
            replace=bool(self.form.values["replace"]),
        )
        return f"the key of {account.name} is in {path}, not encrypted"


def path_of(text: str) -> Path:
    """The path that was typed, ``~`` being the home of whoever runs kmtui."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # the home of nobody known: a name like any other
        return path
