"""The form that asks for a certificate: checked while it is typed, kept as a draft when left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from kmtui.bindings import screen_bindings
from kmtui.core.errors import (
    InvalidInput,
    KmtuiError,
    NotFound,
    OverLimit,
    Unmapped,
    VaultLocked,
)
from kmtui.model import CheckLine, RequestSpec
from kmtui.screens.anyway import ask_against_dns, ask_anyway
from kmtui.screens.here import with_keys
from kmtui.screens.mappings import NewMappingScreen
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.screens.request_form import (
    FIELD_OF_ERROR,
    FIELDS,
    account_options,
    answerer_options,
    check_facts,
    outlook,
    spec_of,
    values_of,
)
from kmtui.screens.request_keys import vault_reason
from kmtui.widgets.details import Details
from kmtui.widgets.fields import Value
from kmtui.widgets.form import Form

PAUSE = 0.3
"""Seconds without a key before what was typed is checked."""


class NewRequestScreen(Page):
    """Filled from a specification when it corrects an earlier request; or from a draft."""

    CRUMBS = ("Requests", "new request")
    KEY_LINE: ClassVar[tuple[str, ...]] = ("send", "next_pane", "back")
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("form")]
    AUTO_FOCUS = "Form TextArea"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    NewRequestScreen #checks { height: auto; max-height: 6; }
    NewRequestScreen #outlook { display: none; width: 46; padding: 0 0 0 2; }
    NewRequestScreen.-wide #outlook { display: block; }
    NewRequestScreen.-wide #checks { max-height: 12; }
    """

    def __init__(self, spec: RequestSpec | None = None, draft: str | None = None) -> None:
        """`draft` is the id of the draft that `spec` came from: it is replaced."""
        super().__init__()
        self._before = spec
        self._draft = draft
        self._at_first: dict[str, Value] | None = None
        self._pause: Timer | None = None
        self._sending = self._keeping = False
        self._sent = ""
        """Id of the request that was sent, while something else lies on the form."""
        self._cannot_keep = False
        self._obstacles: tuple[RequestSpec, list[str]] | None = None
        """What a look at the DNS found that no CA could get past, and for what it looked."""
        self.form = Form(FIELDS)
        self.checks = Details(label_width=2, id="checks")
        self.outlook = Details(label_width=3, id="outlook")

    def body(self) -> ComposeResult:
        yield self.status_line
        with Horizontal():
            with Vertical():
                yield self.form
                yield self.checks
            yield self.outlook

    # Reading and showing

    def on_mount(self) -> None:
        for pane in (self.checks, self.outlook):
            pane.can_focus = False  # tab goes from field to field
        self._show_fields()

    async def ready(self) -> None:
        """Fill in what can be chosen; what was typed stays."""
        self.form.set_options("account", account_options(await self.core.accounts.all()))
        self.form.set_options("dns", answerer_options(await self.core.dns_accounts.all()))
        self.form.set_options("server", answerer_options(await self.core.end_servers.all()))
        if self._at_first is None:
            if self._before is not None:
                self.form.set_values(values_of(self._before, await self._account_name()))
            self._show_fields()
            self._at_first = self.form.values
            self._read_profiles()
        self._check_soon()

    async def changed(self, message: Changed) -> None:
        await self.ready()

    async def _account_name(self) -> str:
        """The account of the specification by its name, empty when it is no more."""
        assert self._before is not None
        try:
            return (await self.core.accounts.get(self._before.account)).name
        except NotFound:
            return ""

    def _show_fields(self) -> None:
        """Ask only for what the other fields make sense of."""
        challenge = self.form.text("challenge")
        self.form.show_field("dns", challenge == "dns-01")
        self.form.show_field("server", challenge == "http-01")

    def _read_profiles(self) -> None:
        self.form.show_field("profile", False)
        if account := self.form.text("account"):
            self.workbench.start(self._ask_profiles(account), self._no_profiles)

    async def _ask_profiles(self, account: str) -> None:
        """Offer the profiles of the account's CA; its directory knows more than the catalogue."""
        authority = await self.core.cas.get((await self.core.accounts.get(account)).ca)
        self._offer_profiles(account, [profile.name for profile in authority.profiles])
        directory = await self.core.cas.directory(authority.name)
        self._offer_profiles(account, list(directory.meta.profiles))

    def _no_profiles(self, error: KmtuiError) -> None:
        """Away from the CA the catalogue has to do."""
        if self.is_attached:
            self.say(f"profiles are not known for certain: {error.message}", "muted")

    def _offer_profiles(self, account: str, profiles: Sequence[str]) -> None:
        if not self.is_attached or self.form.text("account") != account:
            return
        asked = self._before.profile if self._before else None
        offered = list(dict.fromkeys([*profiles, *([asked] if asked else [])]))
        self.form.set_options("profile", (("", "the CA's own"), *offered), asked or "")
        self.form.show_field("profile", bool(offered))
        if self._at_first is not None:
            self._at_first |= {"profile": self.form.text("profile")} if offered else {}

    # The live check

    def on_form_changed(self, event: Form.Changed) -> None:
        self._cannot_keep = False
        if event.name == "challenge":
            self._show_fields()
        if event.name == "account" and self._at_first is not None:
            self._read_profiles()
        self._check_soon()

    def _check_soon(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._check)

    @property
    def spec(self) -> RequestSpec:
        """What was typed so far."""
        return spec_of(self.form.values, self._before)

    def _check(self) -> None:
        if self.workbench.core is None or not self.is_open:
            return
        spec = self.spec
        self.outlook.show(outlook(spec))
        if not self.form.text("account"):
            self._show_check(
                [CheckLine(False, "No valid account yet: esc, then 3 n registers one.")]
            )
        elif spec.names:
            self.start(self._run_check(spec), "check")
        else:
            self._show_check([])

    async def _run_check(self, spec: RequestSpec) -> None:
        lines = await self.core.requests.check(spec)
        if not self._still(spec):
            return
        self._show_check(lines)
        if any(line.ok is False for line in lines) or self.core.access.locked:
            return
        # What the DNS tells may take a while; nobody has to wait for it.
        found = await self.core.requests.advise(spec)
        if self._still(spec):
            self._obstacles = (spec, [line.text for line in found if line.ok is False])
            against = [line for line in found if line.ok is False]
            self._show_check([*against, *lines, *(line for line in found if line.ok is not False)])

    def _still(self, spec: RequestSpec) -> bool:
        """Whether that is still what was typed; else a newer check is on its way."""
        return self.is_attached and spec == self.spec

    def _show_check(self, lines: Sequence[CheckLine]) -> None:
        complaints = sum(line.ok is False for line in lines)
        if complaints:
            self.form.check([(f"{complaints} to correct", "bad")])
        else:
            self.form.check([("ready: ctrl+s sends", "good")] if lines else [])
        self.checks.show(check_facts(lines))

    # Keys

    def impossible(self, key: str) -> str:
        return vault_reason(self.core, key) if key == "send" else ""

    def action_send(self) -> None:
        """Send what was typed; what is wrong with it is said at its field."""
        if self._sending or self._sent or not self.form.complete():
            return
        looked_at, obstacles = self._obstacles or (None, [])
        if obstacles and looked_at == self.spec:
            ask_against_dns(self, obstacles, self._start_sending)
        else:
            self._start_sending()

    def _start_sending(self, *, forced: bool = False) -> None:
        if not self._sending:
            self._sending = True
            self.start(self._send(forced=forced), "send")

    async def _send(self, *, forced: bool) -> None:
        try:
            await self._create(forced=forced)
        finally:
            self._sending = False

    async def _create(self, *, forced: bool) -> None:
        spec = self.spec
        try:
            request = await self.core.requests.create(spec, forced=forced)
        except OverLimit as error:
            name = spec.label or spec.names[0]
            ask_anyway(self, [(name, str(error))], lambda: self._start_sending(forced=True))
            return
        except Unmapped as error:
            # Mapped once, it is proved so at every renewal; back here, ctrl+s sends the request.
            form = NewMappingScreen(pattern=error.name)
            if self.lead_to(form):
                form.say(f"map {error.name} first: esc goes back to the request", "warn")
            return
        except InvalidInput as error:
            field = FIELD_OF_ERROR.get(error.field, error.field)
            hint = f" ({with_keys(error.hint)})" if error.hint else ""
            self.form.show_error(field, f"{error.message}{hint}")
            return
        self._sent = request.id
        if self._draft is not None:
            await self.core.requests.drop(self._draft)
        if self.is_active:
            self._show_sent()

    def _show_sent(self) -> None:
        """On to the request, where the work is seen."""
        from kmtui.screens.request import RequestScreen

        self.app.switch_screen(RequestScreen(self._sent))

    def on_screen_resume(self) -> None:
        if self._sent and self.is_active:
            self._show_sent()

    def leave(self) -> None:
        """Leave the form; what was typed is kept as a draft."""
        typed = self.form.text("names") or self.form.text("label")
        sent = self._sending or self._sent
        if self._cannot_keep or sent or not typed or self.form.values == self._at_first:
            super().leave()
        elif not self._keeping:
            self._keeping = True
            self.start(self._keep(), "draft")

    async def _keep(self) -> None:
        try:
            draft = await self.core.requests.draft(self.spec)
        except VaultLocked:
            self._cannot_keep = True
            self.say("the vault is locked: no draft can be kept; esc again leaves", "warn")
            return
        finally:
            self._keeping = False
        if self._draft is not None:
            await self.core.requests.drop(self._draft)
        self.dismiss(None)
        if isinstance(below := self.app.screen, Page):
            below.say(f"kept as draft #{draft.number}; enter takes it up again")
