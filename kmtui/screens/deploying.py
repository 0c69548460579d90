"""Deploying from a screen: the question before, the work, and what came of each target."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kmtui.bindings import KEYS
from kmtui.core.errors import KmtuiError
from kmtui.core.problems import counted
from kmtui.core.together import together
from kmtui.model import Certificate, Problem, Served, SubProblem, Target, TargetState, Version
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.confirm import Confirm
from kmtui.screens.here import with_keys
from kmtui.screens.renewal_words import listed
from kmtui.screens.setuplist import ask_to_delete
from kmtui.screens.target_words import HOOK, NOT_WELL, problem_of_target, where
from kmtui.status import when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.screens.page import Page

SHOWN = 4
"""Targets that a question tells one by one."""
LEAVE = "leave it"

Begun = Coroutine[Any, Any, list[Target]]
"""The start of a deployment."""


class Deploying:
    """What is asked for at targets on one page. The work goes on when the page is left."""

    def __init__(self, page: Page) -> None:
        self._page = page

    # Deploying

    def deploy(self, targets: Sequence[Target], certificate: Certificate) -> None:
        """Put the current version to these targets of a certificate, after a question."""
        deployments, number = self._page.core.deployments, certificate.current_version
        if number is None:
            return
        useless = _useless(certificate.revoked_at, certificate.not_after)

        def act(target: Target) -> Begun:
            return deployments.deploy(
                target.certificate_id, target=target.name, version=number, force=bool(useless)
            )

        facts = [*_places(targets, number), *_care(targets), *_beware(number, useless)]
        self._ask("deploy", targets, number, act, facts)

    def roll_back(self, targets: Sequence[Target], version: Version, current: int | None) -> None:
        """Put an earlier version back to these targets, after a question."""
        deployments, number = self._page.core.deployments, version.number
        useless = _useless(version.revoked_at, version.not_after)

        def act(target: Target) -> Begun:
            return deployments.roll_back(
                target.certificate_id, number, target=target.name, force=bool(useless)
            )

        facts = [*_places(targets, number), *_care(targets), *_beware(number, useless), ("", "")]
        facts.append(("then", f"v{number} stays there until another version is saved"))
        if current not in (None, number):
            facts.append((CONTINUED, f"v{current} stays the current one, and is what is renewed"))
        self._ask("roll back", targets, number, act, facts)

    def _ask(
        self,
        verb: str,
        targets: Sequence[Target],
        version: int,
        act: Callable[[Target], Begun],
        facts: Sequence[Fact],
    ) -> None:
        name = targets[0].certificate
        panel = Confirm(f"{verb.upper()} {name} v{version}", facts, verb=verb, otherwise=LEAVE)
        title = f"{verb} {name}"

        def answered(yes: bool | None) -> None:
            if yes:
                self._page.start(self._carry_out(targets, version, act, title), title)

        self._page.app.push_screen(panel, answered)

    async def _carry_out(
        self, targets: Sequence[Target], version: int, act: Callable[[Target], Begun], title: str
    ) -> None:
        """Begin, then follow to the end: the work is the core's, and outlives this page."""
        for target in targets:
            await act(target)
        names = listed([target.name for target in targets])
        self._say(f"v{version} goes to {names}: enter shows how far it is", "working")
        ended = await self._page.core.deployments.wait([target.id for target in targets])
        self._tell_ended(ended, version, title)

    def _tell_ended(self, ended: Sequence[Target], version: int, title: str) -> None:
        unwell = [target for target in ended if target.state in NOT_WELL]
        well = [target for target in ended if target not in unwell]
        pieces = [f"v{version} {well[0].state} at {listed([t.name for t in well])}"] if well else []
        if unwell:
            self._page.workbench.note_error(title, unwell_error(unwell))
            names = listed([target.name for target in unwell])
            pieces.append(f"{names} {unwell[0].state} (! tells more): {unwell[0].error}")
        self._say("; ".join(pieces), "bad" if unwell else "good")

    # Looking

    def verify(self, targets: Sequence[Target]) -> None:
        """Look what these targets serve now."""
        self._say(f"looking what {listed([each.name for each in targets])} serves…", "working")
        self._page.start(self._verify(targets), "verify")

    async def _verify(self, targets: Sequence[Target]) -> None:
        found = await together(self._look(target) for target in targets)
        seen = [served for served in found if served is not None]
        if not seen:
            self._say("nobody can look: no target says where its server is seen (E)", "warn")
            return
        bad = [served for served in seen if served.outcome != TargetState.VERIFIED]
        if len(seen) == 1:
            self._say(seen[0].detail, "bad" if bad else "good")
            return
        pieces = [f"{len(seen) - len(bad)} of {len(seen)} serve what they should"]
        pieces += [bad[0].detail] if bad else []
        self._say("; ".join(pieces), "bad" if bad else "good")

    async def _look(self, target: Target) -> Served | None:
        looked = await self._page.core.deployments.verify(target.certificate_id, target=target.name)
        return looked[0][1]

    # Forgetting

    def delete(self, target: Target, then: Callable[[], None] | None = None) -> None:
        """Forget a target, after a question."""
        said = (
            f"{target.certificate} is put to {target.name} no more.\n"
            f"What lies in {where(target)} stays, and goes on being served."
            if target.server
            else f"{target.certificate} is given to the command of {target.name} no more.\n"
            "What it put somewhere stays."
        )
        targets = self._page.core.targets
        ask_to_delete(
            self._page,
            target.name,
            said,
            lambda: targets.delete(target.certificate_id, target.name),
            then,
        )

    def _say(self, text: str, tone: str) -> None:
        self._page.tell(text, tone)


def target_reason(key: str, targets: Sequence[Target], current: int | None) -> str:
    """Why a key can do nothing to these targets of one certificate now; empty when it can."""
    if key not in ("deploy", "test", "edit", "delete"):
        return ""
    word = KEYS[key].word
    if not targets:
        return f"{word}: there is no target: n adds one"
    if key == "deploy" and current is None:
        return f"{word}: no version is saved yet"
    if key in ("deploy", "delete") and all(t.state == TargetState.UPLOADING for t in targets):
        return f"{word}: it is being deployed to now"
    if key == "test" and not any(target.verify for target in targets):
        return f"{word}: nothing says where the server is seen: E does"
    return ""


def rollback_reason(version: Version | None, targets: Sequence[Target]) -> str:
    """Why a version cannot be put back to these targets; empty when it can."""
    if version is None:
        return "roll back: tab goes to the versions, the cursor chooses one"
    if not targets:
        return "roll back: there is no target: n adds one"
    if version.saved_at is None:
        return f"roll back: v{version.number} is not saved: s saves it"
    if not version.has_key:
        return f"roll back: the key of v{version.number} is not in the inventory"
    if all(version.number == target.version == target.wanted_version for target in targets):
        return f"roll back: v{version.number} is what all targets have"
    return ""


def unwell_error(targets: Sequence[Target]) -> KmtuiError:
    """The targets that are not well as one error, a part for each where there are several."""
    first = targets[0]
    if len(targets) == 1:
        return KmtuiError(first.error, hint=first.hint, problem=problem_of_target(first))
    parts = tuple(
        SubProblem(
            identifier=target.name,
            type=f"kmtui:deployment-{target.state}",
            detail=f"{target.error}; {with_keys(target.hint)}",
        )
        for target in targets
    )
    problem = Problem(type="kmtui:deployment", detail="", subproblems=parts)
    return KmtuiError(
        f"{counted(len(targets), 'target')} of {first.certificate} are not well",
        hint="enter at a target shows its attempts",
        problem=problem,
    )


def _useless(revoked_at: datetime | None, not_after: datetime | None) -> str:
    """Why nobody should serve a version; empty when somebody may."""
    if revoked_at is not None:
        return f"was revoked {when(revoked_at)}: clients may refuse it"
    if not_after is not None and not_after < datetime.now(UTC):
        return f"expired {when(not_after)}: clients will refuse it"
    return ""


def _beware(version: int, useless: str) -> list[Fact]:
    return [("beware", (f"v{version} {useless}", "bad"))] if useless else []


def _places(targets: Sequence[Target], version: int) -> list[Fact]:
    """Where it goes, and what is done there."""
    facts: list[Fact] = []
    for target in targets[:SHOWN]:
        there = f"v{target.version}" if target.version else "nothing of ours"
        said = f"{target.server or HOOK}  {where(target)}  {there} becomes v{version}"
        acts = [target.check_command, target.reload_command]
        if target.verify:
            acts.append(f"see it at {target.verify}")
        then = ", then ".join(act for act in acts if act)
        facts.append((target.name, f"{said}\n{then}" if then else said))
    if len(targets) > SHOWN:
        facts.append(("", f"and {len(targets) - SHOWN} more"))
    return facts


def _care(targets: Sequence[Target]) -> list[Fact]:
    if all(target.hook for target in targets):
        return []
    return [("", ("What is in effect now is put back if anything of it fails.", "muted"))]
