"""Export: certificates as files for other programs, the key along with them or not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmtui.core.errors import InvalidInput
from kmtui.core.problems import counted
from kmtui.model import Certificate
from kmtui.screens.account_forms import path_of
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.export_words import FIELDS, WHAT, Place, key_fact, look_at, preset_path
from kmtui.screens.formpage import FormPage
from kmtui.screens.new_password import PasswordPanel
from kmtui.screens.page import Page
from kmtui.screens.results import Result, Results
from kmtui.text import Secret
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form

if TYPE_CHECKING:
    from kmtui.core.export import Exported, ExportWish
    from kmtui.core.formats.registry import Format

TITLE = "export"
LABEL_WIDTH = 12


class ExportForm(FormPage):
    """Asks for format, place and password; what comes of each is said on the page before."""

    WHAT = TITLE
    AUTO_FOCUS = "Form Choice"
    DEFAULT_CSS = """
    ExportForm.-narrow #about { max-height: 8; }
    """

    def __init__(
        self, certificates: Sequence[Certificate], *, version: int | None = None, hidden: int = 0
    ) -> None:
        """Of `version`, or of the current one each; `hidden` of them the filter does not show."""
        super().__init__()
        self.about = Details(id="about", label_width=LABEL_WIDTH)
        self._certificates = tuple(certificates)
        self._version = version
        self._hidden = hidden
        self._preset = ""
        self._stale = self._looking = False
        self._done: Sequence[Exported] = ()
        self._password: Secret[str] | None = None
        only = self._certificates[0]
        self._subject = (
            f"{only.name} v{version or only.current_version or only.unsaved_version}"
            if len(self._certificates) == 1
            else counted(len(self._certificates), "certificate")
        )
        self.title_line.show_crumbs("Certificates", self._subject, "Export")

    def fields(self) -> Sequence[FieldSpec]:
        return FIELDS

    # Showing

    async def ready(self) -> None:
        await self._fit()

    def on_resize(self) -> None:
        self._show_soon()

    async def on_form_changed(self, event: Form.Changed) -> None:
        if event.name in ("format", "part", "password"):
            await self._fit()
        else:
            self._show_soon()

    @property
    def _format(self) -> Format:
        from kmtui.core.formats.registry import format_named

        return format_named(self.form.text("format"))

    @property
    def _several(self) -> bool:
        return len(self._certificates) > 1

    @property
    def _part(self) -> str:
        return self.form.text("part") if self._format.parts else ""

    async def _fit(self) -> None:
        """Ask only for what the format makes sense of, and propose a place that fits it."""
        chosen = self._format
        whole, *parts = WHAT
        offered = [whole, *(each for each in parts if each[0] in chosen.parts)]
        self.form.set_options("part", tuple(offered), self.form.text("part"))
        self.form.show_field("part", bool(chosen.parts))
        self.form.show_field("with-key", bool(chosen.parts) and not self._part)
        way = self.form.text("password")
        self.form.show_field("password", chosen.sealed)
        self.form.show_field("typed", chosen.sealed and way == "typed")
        self.form.show_field("again", chosen.sealed and way == "typed")
        self.form.show_field("password-file", chosen.sealed and way == "file")
        before, self._preset = (
            self._preset,
            await asyncio.to_thread(preset_path, self._certificates, chosen, self._part),
        )
        if self.form.text("out") in ("", before):
            self.form.set_values({"out": self._preset})
        self._show_soon()

    def _show_soon(self) -> None:
        self._stale = True
        if self.workbench.core is not None and not self._looking:
            self._looking = True
            self.run_worker(self._look(), group="about")

    async def _look(self) -> None:
        """Beside the typing: the disk is asked what is there."""
        try:
            while self._stale:
                self._stale = False
                await self._show()
        finally:
            self._looking = False

    async def _show(self) -> None:
        chosen, place = self._format, await self._place()
        facts: list[Fact] = [("", (self._subject, "strong"))]
        if self._hidden:
            facts.append(("Hidden", (f"{self._hidden} of them by the filter", "warn")))
        facts += [(CONTINUED if at else "Writes", str(file)) for at, file in enumerate(place.files)]
        if place.there:
            facts.append(("There", (f"{place.there.name} exists already", "warn")))
        facts.append(key_fact(chosen, self._part, with_key=self._with_key))
        facts += self._password_facts()
        facts += self._format_facts(chosen)
        self.about.show(facts)

    def _format_facts(self, chosen: Format) -> list[Fact]:
        """When to choose the format; where there is room, of each."""
        from kmtui.core.formats.registry import FORMATS

        if not self.has_class("-wide"):
            return [(chosen.name, chosen.use)]
        facts: list[Fact] = [("", ""), ("", ("When to choose which", "strong"))]
        return facts + [
            (each.name, (each.use, "" if each is chosen else "muted")) for each in FORMATS.values()
        ]

    def _password_facts(self) -> list[Fact]:
        from kmtui.core.export import password_advice

        if not self._format.sealed or self.form.text("password") != "typed":
            return []
        typed = Secret(self.form.typed("typed"))
        advice = password_advice(typed) if typed else ""
        return [("Password", (advice, "warn"))] if advice else []

    @property
    def _with_key(self) -> bool:
        return bool(self.form.values.get("with-key"))

    async def _place(self) -> Place:
        """Where the files go that are asked for now."""
        names = self._format.names(self._part, with_key=self._with_key)
        return await asyncio.to_thread(look_at, self.form.text("out"), names, several=self._several)

    # Sending

    async def send(self) -> str:
        wish = await self._wish()
        self._done = await self.core.exports.export([each.id for each in self._certificates], wish)
        if not self._several and (error := self._done[0].error) is not None:
            raise error
        made = self.form.text("password") == "new" and any(not each.error for each in self._done)
        self._password = wish.password if made else None
        first = self._done[0]
        # Several are told by `Results`.
        return "" if self._several else f"{self._subject} is in {_where(first)}"

    async def _wish(self) -> ExportWish:
        """What was typed. Raises InvalidInput for what makes no sense, or would overwrite."""
        from kmtui.core.export import ExportWish

        replace, place = bool(self.form.values["replace"]), await self._place()
        if place.there and not replace:
            raise InvalidInput(
                f"{place.there.name} exists already",
                field="replace",
                hint="tick Replace to overwrite it, or name another place",
            )
        return ExportWish(
            format=self._format.name,
            out=place.out,
            directory=place.directory,
            version=self._version,
            with_key=self._with_key,
            part=self._part or None,
            password=await self._chosen_password() if self._format.sealed else None,
            replace=replace,
        )

    async def _chosen_password(self) -> Secret[str]:
        from kmtui.core.export import new_password

        way = self.form.text("password")
        if way == "typed":
            typed = self.form.typed("typed")
            if not typed:
                raise InvalidInput("is needed", field="typed")
            if typed != self.form.typed("again"):
                raise InvalidInput("not the same twice", field="again")
            return Secret(typed)
        if way == "file":
            return Secret(await asyncio.to_thread(_read_password, self.form.text("password-file")))
        return new_password()

    def _leave(self, said: str) -> None:
        """Back to the page before, where the outcome is shown."""
        super()._leave(said)
        self._show_outcome()

    def _left_before(self, said: str) -> None:
        super()._left_before(said)
        self._show_outcome()

    def _show_outcome(self) -> None:
        """A new password is shown once, wherever the operator is: nobody else has it. Then what
        became of each of several.
        """
        if self._password is None:
            self._list_results()
        else:
            panel = PasswordPanel(self._subject, self._password)
            self.app.push_screen(panel, lambda _: self._list_results())

    def _list_results(self) -> None:
        if not self._several:
            return
        page = next(each for each in reversed(self.app.screen_stack) if isinstance(each, Page))
        results = Results(TITLE, len(self._done))
        for each in self._done:
            results.add(_result(each))
        results.conclude(page)


def _result(done: Exported) -> Result:
    if done.error is not None:
        return Result.of_error(done.certificate.name, done.error)
    return Result(name=done.certificate.name, word="exported", why=_where(done))


def _where(done: Exported) -> str:
    """Its file, or the directory of its files."""
    return str(done.files[0] if len(done.files) == 1 else done.files[0].parent)


def _read_password(path: str) -> str:
    """The first line of a file. Blocks; raises InvalidInput."""
    try:
        password = path_of(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read it: {error}", field="password-file") from error
    if not password:
        raise InvalidInput("the file is empty", field="password-file")
    return password
