"""Edit and reissue: a certificate with other names, another key, account, profile or chain."""

from __future__ import annotations

from collections.abc import Sequence

from textual.timer import Timer

from kmtui.core.errors import InvalidInput, KmtuiError, OverLimit, Unmapped
from kmtui.core.names import split_names
from kmtui.core.reissue import Reissue
from kmtui.model import Certificate, CheckLine, KeyType, Request
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.formpage import FormPage
from kmtui.screens.here import with_keys
from kmtui.screens.mappings import NewMappingScreen
from kmtui.screens.request_form import FIELD_OF_ERROR, account_options
from kmtui.screens.request_form import check_facts as checked
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

PAUSE = 0.3
"""Seconds without a key before what was typed is looked at."""
STAYS = "The old version serves, unchanged, until the new one is saved."
FIELD_OF = {**FIELD_OF_ERROR, "domain": "names"}
"""Fields of the form by the core's word for them, where the two differ."""

FIELDS = (
    FieldSpec(
        name="names",
        label="Names",
        kind="lines",
        required=True,
        help="All of them from now on: one per line, or with spaces or commas between.",
    ),
    FieldSpec(
        name="account",
        label="Account",
        kind="choice",
        required=True,
        help="Who asks from now on; at another CA it is a move.",
    ),
    FieldSpec(
        name="key_type",
        label="Key type",
        kind="choice",
        choices=tuple(KeyType),
        help="Of this key and of those that renewals make.",
    ),
    FieldSpec(
        name="reuse_key",
        label="Reuse key",
        kind="check",
        placeholder="keep the key, now and at renewals; a new one is safer",
        help="Kept where the key type stays the same and the key was never given up.",
    ),
    FieldSpec(
        name="profile",
        label="Profile",
        kind="choice",
        choices=(("", "the CA's own"),),
        help="A kind of certificate that the CA offers.",
    ),
    FieldSpec(
        name="chain",
        label="Chain",
        placeholder="the CA's own",
        help="The chain to prefer, by the common name of its topmost issuer.",
    ),
)


class ReissueForm(FormPage):
    """Filled with what the certificate has; what differs is told as it is typed."""

    WHAT = "reissue"
    AUTO_FOCUS = "Form TextArea"

    def __init__(self, certificate_id: str) -> None:
        super().__init__()
        self.title_line.show_crumbs("Certificates", "…", "Edit and reissue")
        self.about = Details(id="about", label_width=11)
        self._certificate_id = certificate_id
        self._certificate: Certificate | None = None
        self._request: Request | None = None
        self._pause: Timer | None = None
        self._forced = False

    def fields(self) -> Sequence[FieldSpec]:
        return FIELDS

    # Filling in

    async def ready(self) -> None:
        if self._certificate is None:
            self.start(self._fill(), self.WHAT)

    async def _fill(self) -> None:
        row = await self.core.certificates.get(self._certificate_id)
        accounts = await self.core.accounts.all()
        if not self.is_attached:
            return
        self._certificate = row
        self.title_line.show_crumbs("Certificates", row.name, "Edit and reissue")
        self.form.set_options("account", account_options(accounts), row.account or "")
        self.form.set_values(
            {
                "names": "\n".join(row.names),
                "key_type": row.key_type,
                "reuse_key": row.reuse_key,
                "chain": row.preferred_chain or "",
            }
        )
        self._offer_profiles([])
        self._read_profiles()
        self._look_soon()

    def _read_profiles(self) -> None:
        if account := self.form.text("account"):
            self.workbench.start(self._ask_profiles(account), self._no_profiles)

    async def _ask_profiles(self, account: str) -> None:
        """What the catalogue knows at once, then what the CA's directory lists."""
        authority = await self.core.cas.get((await self.core.accounts.get(account)).ca)
        self._offer_profiles([profile.name for profile in authority.profiles])
        if authority.retired is None:
            directory = await self.core.cas.directory(authority.name)
            if self.is_attached and self.form.text("account") == account:
                self._offer_profiles(list(directory.meta.profiles))

    def _no_profiles(self, error: KmtuiError) -> None:
        if self.is_attached:
            self.say(f"profiles are not known for certain: {error.message}", "muted")

    def _offer_profiles(self, profiles: Sequence[str]) -> None:
        """These, and the one the certificate has; chosen stays what was."""
        if not self.is_attached or self._certificate is None:
            return
        has = self._certificate.profile
        offered = list(dict.fromkeys([*([has] if has else []), *profiles]))
        chosen = self.form.text("profile") or has or ""
        self.form.set_options("profile", (("", "the CA's own"), *offered), chosen)
        self.form.show_field("profile", bool(offered))

    # Telling what differs

    def on_form_changed(self, event: Form.Changed) -> None:
        self._forced = False
        if event.name == "account":
            self._read_profiles()
        self._look_soon()

    def _look_soon(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._look)

    def _look(self) -> None:
        if self._certificate is not None:
            self.run_worker(self._tell(dict(self.form.values)), group="look")

    async def _tell(self, values: dict[str, str | bool]) -> None:
        """What would differ, and what can be told before sending."""
        try:
            planned = await self._plan()
            lines = await self.core.requests.check(planned.spec)
        except InvalidInput as error:
            planned, lines = None, [CheckLine(False, error.message)]
            lines += [CheckLine(None, with_keys(error.hint))] if error.hint else []
        except KmtuiError as error:
            planned, lines = None, [CheckLine(False, str(error))]
        if not self.is_attached or values != self.form.values:
            return  # a newer look is on its way
        complaints = [line for line in lines if line.ok is False]
        self.form.check(
            [(f"{len(complaints)} to correct", "bad")]
            if complaints
            else [("ready: ctrl+s reissues", "good")]
        )
        wrong = checked(complaints)
        told = checked([line for line in lines if line.ok is not False])
        self.about.show([*wrong, *(difference_facts(planned) if planned else ()), *told])

    async def _plan(self) -> Reissue:
        """What was typed, held against what is."""
        text = {name: str(value) for name, value in self.form.values.items()}
        names = tuple(dict.fromkeys(split_names(text["names"])))
        if not names:
            raise InvalidInput("give at least one name", field="names")
        return await self.core.reissues.plan(
            self._certificate_id,
            names=names,
            key_type=text["key_type"],
            account=text["account"],
            profile=text.get("profile"),
            preferred_chain=text["chain"],
            reuse_key=bool(self.form.values["reuse_key"]),
        )

    # Sending

    async def send(self) -> str:
        planned = await self._plan()
        outcome = await self.core.reissues.start(planned, force=self._forced)
        if isinstance(outcome.error, OverLimit):
            self.say("")
            ask_anyway(self, [(planned.certificate.name, str(outcome.error))], self._send_anyway)
        elif outcome.error is not None:
            raise outcome.error
        else:
            self._request = outcome.request
            # The new version gets its plan as soon as it is there.
            self.start(self.core.renewal.wait([outcome]), self.WHAT)
        return ""

    def _send_anyway(self) -> None:
        self._forced = True
        self.action_send()

    def show_refusal(self, error: InvalidInput) -> None:
        if isinstance(error, Unmapped):
            self._map(error.name)
            return
        self.say("")
        hint = f" ({with_keys(error.hint)})" if error.hint else ""
        self.form.show_error(FIELD_OF.get(error.field, error.field), f"{error.message}{hint}")

    def _map(self, name: str) -> None:
        """Mapped once, it is proved so at every renewal; back here, ctrl+s sends."""
        form = NewMappingScreen(pattern=name)
        if self.lead_to(form):
            form.say(f"map {name} first: esc goes back to the form", "warn")

    def _leave(self, said: str) -> None:
        """On to the request, where the work is seen."""
        if self._request is not None:
            from kmtui.screens.request import RequestScreen

            self.app.switch_screen(RequestScreen(self._request.id))

    def _left_before(self, said: str) -> None:
        if self._request is not None:
            name = ", ".join(self._request.names[:1])
            self.tell(f"{name} is reissued by request #{self._request.number}", "working")


def difference_facts(planned: Reissue) -> list[Fact]:
    """What comes and goes, a word before each; then what stays meanwhile."""
    facts: list[Fact] = [("+ added", (name, "good")) for name in planned.added]
    facts += [("- removed", (name, "bad")) for name in planned.removed]
    kept = [name for name in planned.names if name not in planned.added]
    if kept:
        facts.append(("  kept", (", ".join(kept), "muted")))
    facts += [
        (what, (f"{old or 'none'} -> {new or 'none'}", "warn"))
        for what, old, new in planned.differing
    ]
    if not (planned.added or planned.removed or planned.differing):
        facts.append((CONTINUED, (planned.same, "muted")))
    return [*facts, ("", (STAYS, "strong"))]
