"""What the keys do to one account, in the list of accounts and on its sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.core.problems import counted
from kmtui.model import ACCOUNT_KEYS, Account, Authority
from kmtui.screens.account_forms import EmailForm, ExportKeyForm, path_of
from kmtui.screens.confirm import Answers, Confirm, StrongConfirm
from kmtui.screens.page import Page
from kmtui.screens.request_keys import LOCKED
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec

if TYPE_CHECKING:
    from kmtui.core.terms import Asked

NAMED = 6
"""Certificates named in a question."""

_ONLY_VALID = frozenset({"edit", "roll_key", "deactivate", "agree"})
"""Keys that ask the CA for something that it refuses to any other account."""


def against_account(
    key: str, account: Account, ca: Authority | None, *, locked: bool, read_only: bool
) -> str:
    """Why a key can do nothing to this account of `ca` now; empty when it can."""
    word = KEYS[key].word if key in KEYS else ""
    if key == "export" and (locked or read_only):
        return f"{word}: {'this is read-only mode' if read_only else LOCKED}"
    if key in _ONLY_VALID and account.status != "valid":
        return f"{word}: this account is {account.status}"
    if key == "roll_key" and ca is not None and ca.key_rollover is False:
        return f"{word}: {ca.title} does not let an account change its key"
    return ""


class AccountActs(Page):
    """A page on which one account is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            *("edit", "export", "test", "roll_key", "delete", "deactivate", "agree"), show=False
        )
    ]

    # What a subclass gives

    @property
    def account(self) -> Account | None:
        """The account that the keys are about."""
        raise NotImplementedError

    def gone(self) -> None:
        """The account was deleted."""

    # The keys

    def action_edit(self) -> None:
        if (account := self.account) is not None:
            self.app.push_screen(EmailForm(account))

    def action_export(self) -> None:
        if (account := self.account) is not None:
            self.app.push_screen(ExportKeyForm(account))

    def action_roll_key(self) -> None:
        if (account := self.account) is None:
            return

        async def roll(answers: Answers) -> None:
            rolled = await self.core.accounts.roll_key(
                account.id, key_type=str(answers["key-type"])
            )
            self._tell(f"{account.name} has a new key: {rolled.key_thumbprint}")

        usual = account.key_type if account.key_type in ACCOUNT_KEYS else ACCOUNT_KEYS[0]
        key_type = FieldSpec(
            name="key-type", label="New key", kind="choice", choices=ACCOUNT_KEYS, default=usual
        )
        said: list[Fact] = [
            ("", "The account gets a new key at its CA. Its URL and its certificates stay."),
            ("", "Copies of the old key, exported files too, are worth nothing afterwards."),
        ]
        panel = StrongConfirm(
            f"ROLL THE KEY of {account.name}",
            said,
            expected=account.name,
            verb="roll the key",
            fields=[key_type],
            otherwise="leave it",
        )
        self._ask(panel, lambda answers: self.start(roll(answers), f"roll key {account.name}"))

    def action_delete(self) -> None:
        if (account := self.account) is not None:
            self.start(self._ask_to_delete(account), f"delete {account.name}")

    async def _ask_to_delete(self, account: Account) -> None:
        renewing = await self.core.accounts.renewing(account.id)
        fields = [
            FieldSpec(
                name="key-out",
                label="Keep key in",
                placeholder="path of a new file",
                help="Its key is all that brings the account back: A, add.",
            ),
            FieldSpec(
                name="discard",
                label="Or not",
                kind="check",
                placeholder="give the key up: it never comes back",
            ),
        ]
        said: list[Fact] = [
            ("", f"It goes from kmtui. At {account.ca} it lives on, its certificates stay valid.")
        ]
        if renewing:
            said += [("", ""), *_named(renewing)]
            fields.append(
                FieldSpec(
                    name="force",
                    label="Although",
                    kind="check",
                    placeholder=f"{counted(len(renewing), 'certificate')} will renew no more",
                )
            )

        def missing(answers: Answers) -> str:
            if bool(answers["key-out"]) == bool(answers["discard"]):
                return "say where its key goes, or that it is given up"
            return "" if answers.get("force", True) else "certificates renew with it"

        async def delete(answers: Answers) -> None:
            path = str(answers["key-out"])
            await self.core.accounts.delete(
                account.id,
                key_out=path_of(path) if path else None,
                discard_key=bool(answers["discard"]),
                force=bool(renewing),
            )
            if self.is_open:
                self.gone()
            self._tell(f"{account.name} deleted" + (f", its key is in {path}" if path else ""))

        panel = StrongConfirm(
            f"DELETE {account.name}",
            said,
            expected=account.name,
            verb="delete",
            fields=fields,
            missing=missing,
        )
        self._ask(panel, lambda answers: self.start(delete(answers), f"delete {account.name}"))

    def action_deactivate(self) -> None:
        if (account := self.account) is not None:
            self.start(self._ask_to_deactivate(account), f"deactivate {account.name}")

    async def _ask_to_deactivate(self, account: Account) -> None:
        renewing = await self.core.accounts.renewing(account.id)

        async def deactivate() -> None:
            await self.core.accounts.deactivate(account.id)
            self._tell(f"{account.name} is deactivated at {account.ca}, for ever")

        said: list[Fact] = [
            ("", f"{account.ca} never accepts it again: neither the account nor its key."),
            ("", "There is no undo. Certificates stay valid until they expire."),
            ("", ""),
            *_named(renewing),
        ]
        panel = StrongConfirm(
            f"DEACTIVATE {account.name}", said, expected=account.name, verb="deactivate"
        )
        self._ask(panel, lambda _: self.start(deactivate(), f"deactivate {account.name}"))

    def action_agree(self) -> None:
        if (account := self.account) is not None:
            self.say("asking the CA for its terms…", "working")
            self.start(self._ask_to_agree(account), f"terms of {account.name}")

    async def _ask_to_agree(self, account: Account) -> None:
        asked = await self.core.terms.asked(account.id)

        async def agree() -> None:
            agreed = await self.core.terms.agree(account.id, asked.url)
            going = counted(len(agreed.requests), "request")
            self._tell(f"agreed; {going} under way again" if agreed.requests else "agreed")
            for request, error in agreed.refused:
                self.workbench.note_error(f"request #{request.number}", error)

        def answered(yes: bool | None) -> None:
            if yes:
                self.start(agree(), f"agree to the terms of {account.name}")

        self.say("")
        panel = Confirm(
            f"TERMS OF SERVICE for {account.name}",
            _terms_facts(asked),
            "I read them and agree",
            otherwise="not now",
        )
        self.lead_to(panel, answered)

    # Its own doings

    def _ask(self, panel: StrongConfirm, on_yes: Callable[[Answers], None]) -> None:
        def answered(answers: Answers | None) -> None:
            if answers is not None:
                on_yes(answers)

        self.lead_to(panel, answered)

    def _tell(self, text: str) -> None:
        self.tell(text, "good")


def _named(renewing: Sequence[str]) -> list[Fact]:
    """The first of the certificates that renew with it, and how many more there are."""
    if not renewing:
        return [("Renewing", ("nothing renews with it", "muted"))]
    more = [f"and {len(renewing) - NAMED} more"] if len(renewing) > NAMED else []
    return [("Renewing", (", ".join([*renewing[:NAMED], *more]) + ": no more then", "warn"))]


def _terms_facts(asked: Asked) -> list[Fact]:
    same = asked.url == asked.agreed
    facts: list[Fact] = [("Terms", (asked.url, "strong"))]
    facts += [("Visit too", (link, "warn")) for link in asked.links]
    if same:
        facts.append(("Before", ("these were agreed to already", "muted")))
    elif asked.agreed:
        facts.append(("Before", (asked.agreed, "muted")))
    waiting = counted(len(asked.requests), "request")
    if asked.requests:
        facts.append(("Waiting", f"{waiting}, taken up as soon as you agree"))
    return facts
