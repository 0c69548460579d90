"""New registration: an account at a CA, with its terms and, where the CA asks, its EAB key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.timer import Timer

from kmtui.core.errors import InvalidInput, KmtuiError, Refused
from kmtui.model import ACCOUNT_KEYS, Account, Authority
from kmtui.screens.authority_words import accounts_at, ca_facts, ca_label, ca_refusal
from kmtui.screens.formpage import FormPage
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

if TYPE_CHECKING:
    from kmtui.core.acme import Directory

PAUSE = 0.5
"""Seconds without another choice before the CA chosen is asked for its directory."""

TERMS, KID, HMAC = "agree-tos", "eab-kid", "eab-hmac-file"
"""Fields that only some CAs ask for, named as the core names them in its errors."""


class NewAccountScreen(FormPage):
    """Registers an account (RFC 8555 section 7.3). The CA's directory decides what is asked."""

    CRUMBS = ("Accounts", "New registration")
    WHAT = "register"

    def __init__(self) -> None:
        super().__init__()
        self._cas: dict[str, Authority] = {}
        self._known: Sequence[Account] = ()
        self._directory: tuple[str, Directory] | None = None
        self._pause: Timer | None = None

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="name", label="Name", required=True, help="How it is called here; any word."
            ),
            FieldSpec(
                name="ca", label="CA", kind="choice", help="Left, right or a letter chooses."
            ),
            FieldSpec(name="email", label="E-mail", help="Where the CA writes; not every CA asks."),
            FieldSpec(
                name="key-type",
                label="Key type",
                kind="choice",
                choices=ACCOUNT_KEYS,
                help="Of the account's own key, not of its certificates.",
            ),
            FieldSpec(
                name=TERMS,
                label="Terms",
                kind="check",
                placeholder="I agree to the terms of service shown below",
                help="Space agrees.",
            ),
            FieldSpec(
                name=KID, label="EAB key id", required=True, help="The CA gives it to customers."
            ),
            FieldSpec(
                name=HMAC,
                label="EAB HMAC key",
                required=True,
                secret=True,
                help="Base64url, from the CA; used once, not kept.",
            ),
        ]

    async def ready(self) -> None:
        self._cas = {ca.name: ca for ca in await self.core.cas.all()}
        self._known = await self.core.accounts.all()
        self.form.set_options("ca", tuple((ca.name, ca_label(ca)) for ca in self._cas.values()))
        self._ca_chosen()

    # The CA and what it asks for

    @property
    def _ca(self) -> Authority:
        return self._cas[self.form.text("ca")]

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name == "ca":
            self._ca_chosen()

    def _ca_chosen(self) -> None:
        """Show what the catalogue knows at once, the directory after a pause."""
        self._directory = None
        self.form.set_values({TERMS: False})  # what was agreed to were another CA's terms
        self._show_ca()
        if self._pause is not None:
            self._pause.stop()
        if ca_refusal(self._ca) is None:
            self._pause = self.set_timer(PAUSE, self._look)

    def _look(self) -> None:
        self.start(self._read_directory(), "directory")

    async def _read_directory(self) -> None:
        """Fetch the directory of the CA chosen, and ask for what it asks for."""
        ca = self._ca
        try:
            directory = await self.core.cas.directory(ca.name)
        except KmtuiError as error:
            if self.is_attached and ca.name == self.form.text("ca"):
                self.about.show([*ca_facts(ca), ("Directory", (str(error), "bad"))])
            raise
        if self.is_attached and ca.name == self.form.text("ca"):
            self._directory = (ca.name, directory)
            self._show_ca()

    def _show_ca(self) -> None:
        ca = self._ca
        meta = self._directory[1].meta if self._directory else None
        terms = meta.terms_of_service if meta else None
        bound = meta.external_account_required if meta else ca.eab == "required"
        refused = ca_refusal(ca)
        self.form.show_field(TERMS, bool(terms))
        self.form.show_field(KID, bound and refused is None)
        self.form.show_field(HMAC, bound and refused is None)
        facts = ca_facts(ca, accounts_at(ca, self._known))
        if refused is None:
            waiting = "asking the CA…" if meta is None else "none"
            facts.insert(1, ("Terms", (terms, "strong") if terms else (waiting, "muted")))
        self.about.show(facts)

    async def send(self) -> str:
        ca = self._ca
        if (refused := ca_refusal(ca)) is not None:
            raise InvalidInput(refused, field="ca")
        if self._directory is None:
            await self._read_directory()  # nobody agrees to terms that were not shown
        values = {name: str(value) for name, value in self.form.values.items()}
        try:
            account = await self.core.accounts.register(
                values["name"],
                ca=ca.name,
                email=values["email"] or None,
                agree_tos=self.form.values.get(TERMS) is True,
                key_type=values["key-type"],
                eab_kid=values.get(KID) or None,
                eab_hmac=values.get(HMAC) or None,
            )
        except InvalidInput as error:
            if error.field != TERMS:
                raise
            raise InvalidInput("read the terms below, then space agrees", field=TERMS) from error
        except Refused as error:  # retired, or it allows one account
            hint = "esc goes back to it" if ca.single_account else error.hint
            raise InvalidInput(error.message, field="ca", hint=hint) from error
        self.made = account.id
        return f"{account.name} is registered at {ca.title}"
