"""The base of screens that show one thing as a sheet of facts, with a test on ``t``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.core.errors import KmtuiError
from kmtui.model import CheckLine, Field
from kmtui.model import Mapping as NameMapping
from kmtui.screens.checklines import CONTINUED, check_facts
from kmtui.screens.page import Page
from kmtui.screens.request_keys import vault_reason
from kmtui.widgets.details import Details, Fact


class DetailPage(Page):
    """Facts of the thing with one id. A subclass gives `facts` and `test`."""

    ROOT: ClassVar[str] = ""
    """First crumb of the trail."""
    LABEL_WIDTH: ClassVar[int] = 20
    """Room for the labels of a provider's fields."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", show=False)]

    def __init__(self, id: str, name: str, *, test: bool = False) -> None:
        """`test`: begin with a test."""
        super().__init__()
        self.title_line.show_crumbs(self.ROOT, name)
        self.details = Details(label_width=self.LABEL_WIDTH)
        self.thing = id
        """The id."""
        self.name_shown = name
        self._test_at_once = test
        self._lines: list[Fact] = []

    # What a subclass gives

    async def facts(self) -> Sequence[Fact]:
        """What is known of it. Raises NotFound when it is gone."""
        raise NotImplementedError

    async def test(self) -> Sequence[CheckLine]:
        """Try whether it works."""
        raise NotImplementedError

    def against(self, key: str) -> str:
        """Why a key can do nothing to it."""
        return ""

    # Its own doings

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self.details

    async def ready(self) -> None:
        try:
            facts = await self.facts()
        except KmtuiError as error:  # deleted on another screen, or by another process
            self.details.clear(str(error))
            return
        self.details.show([*self._lines, *facts])
        if self._test_at_once:
            self._test_at_once = False
            self.action_test()

    def impossible(self, key: str) -> str:
        reason = vault_reason(self.core, key) if key in KEYS else ""
        return reason or self.against(key)

    def copied(self) -> str:
        return self.details.text

    def action_test(self) -> None:
        self.say(f"testing {self.name_shown}…", "working")
        self.start(self._test(), f"test {self.name_shown}")

    async def _test(self) -> None:
        lines = await self.test()
        if not self.is_attached:
            return
        failed = any(line.ok is False for line in lines)
        self._lines = [*check_facts(lines), ("", "")]
        self.say("the test failed" if failed else "the test went well", "bad" if failed else "good")
        await self.ready()


def setting_facts(
    fields: Sequence[Field], settings: Mapping[str, str], secret_names: Sequence[str]
) -> list[Fact]:
    """Settings by the labels of their fields; of secrets only which are stored."""
    facts: list[Fact] = []
    for field in fields:
        value = settings.get(field.name, "")
        if field.secret:
            if field.name in secret_names:
                facts.append((field.label, ("stored, sealed", "muted")))
        elif value:
            facts.append((field.label, value))
        elif field.default:
            facts.append((field.label, (f"{field.default} (default)", "muted")))
    return facts


def mapping_facts(used: Sequence[NameMapping]) -> list[Fact]:
    """The names that lead to a DNS account or an end server."""
    if not used:
        return [("Names", ("none lead here yet: m maps some", "muted"))]
    return [("Names" if at == 0 else CONTINUED, mapping.pattern) for at, mapping in enumerate(used)]
