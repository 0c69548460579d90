"""Add account: the one that belongs to an exported key comes back. None is ever registered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmtui.core.errors import InvalidInput
from kmtui.model import Authority
from kmtui.screens.account_forms import path_of
from kmtui.screens.authority_words import ca_facts, ca_label, ca_refusal
from kmtui.screens.formpage import FormPage
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

KEY, KID, HMAC = "key", "eab-kid", "eab-hmac-file"
"""Fields named as the core names them in its errors."""

FILES: tuple[Fact, ...] = (
    ("Key files", "what e exports here, any PEM or JWK file, and of other clients:"),
    ("certbot", "accounts/…/private_key.json or regr.json"),
    ("lego", "accounts/…/account.json or keys/NAME.key"),
    ("acme.sh", "ca/…/account.key"),
)


class AddAccountScreen(FormPage):
    """Asks a CA for the account of a key (RFC 8555 section 7.3.1)."""

    CRUMBS = ("Accounts", "Add by key")
    WHAT = "add account"

    def __init__(self) -> None:
        super().__init__()
        self._cas: dict[str, Authority] = {}

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="name", label="Name", required=True, help="How it is called here; any word."
            ),
            FieldSpec(
                name="ca",
                label="CA",
                kind="choice",
                help="Where it is registered: staging and production are two.",
            ),
            FieldSpec(
                name=KEY,
                label="Key",
                required=True,
                secret=True,
                file=True,
                help="The path of a key file, or the key itself pasted.",
            ),
            FieldSpec(name=KID, label="EAB key id", help="As at the registration."),
            FieldSpec(
                name=HMAC,
                label="EAB HMAC key",
                secret=True,
                help="Base64url, from the CA; used once, not kept.",
            ),
        ]

    async def ready(self) -> None:
        self._cas = {ca.name: ca for ca in await self.core.cas.all()}
        self.form.set_options("ca", tuple((ca.name, ca_label(ca)) for ca in self._cas.values()))
        self._ca_chosen()

    @property
    def _ca(self) -> Authority:
        return self._cas[self.form.text("ca")]

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "ca":
            self._ca_chosen()

    def _ca_chosen(self) -> None:
        self._ask_for_binding(False)
        self.about.show([*ca_facts(self._ca), ("", ""), *FILES])

    def _ask_for_binding(self, shown: bool) -> None:
        """Few CAs want a binding to find an account: it is asked for when one does."""
        self.form.show_field(KID, shown)
        self.form.show_field(HMAC, shown)

    def show_refusal(self, error: InvalidInput) -> None:
        if error.field in (KID, HMAC):
            self._ask_for_binding(True)
        super().show_refusal(error)

    async def send(self) -> str:
        ca = self._ca
        if (refused := ca_refusal(ca)) is not None:
            raise InvalidInput(refused, field="ca")
        values = {name: str(value) for name, value in self.form.values.items()}
        account = await self.core.accounts.add(
            values["name"],
            ca=ca.name,
            key=_given(values[KEY]),
            eab_kid=values.get(KID) or None,
            eab_hmac=values.get(HMAC) or None,
        )
        self.made = account.id
        return f"{account.name} is back: {account.account_url}"


def _given(text: str) -> Path | str:
    """A key that was pasted, or the path of its file."""
    return text if text.startswith(("-----", "{")) else path_of(text)
