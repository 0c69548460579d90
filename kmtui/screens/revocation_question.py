"""The question before a revocation: what it is about, and what an operator says to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kmtui.core.problems import counted
from kmtui.model import Authority, RevocationReason, RevocationSigner, Target, Version
from kmtui.screens.confirm import Answers, Refusal, StrongConfirm
from kmtui.screens.renewal_words import listed
from kmtui.status import date, until
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec

COMPROMISED = RevocationReason.KEY_COMPROMISE
REASONS = {
    RevocationReason.SUPERSEDED: "another version took its place",
    RevocationReason.UNSPECIFIED: "no reason is published",
    RevocationReason.KEY_COMPROMISE: "somebody else may have the key",
    RevocationReason.CESSATION_OF_OPERATION: "the service ended",
    RevocationReason.AFFILIATION_CHANGED: "the names belong to somebody else now",
}
"""What each reason says, the most usual first (RFC 5280 section 5.3.1)."""
SIGNERS = (
    ("", "account, where that is gone its own key"),
    (RevocationSigner.ACCOUNT, "account that got it"),
    (RevocationSigner.CERTIFICATE_KEY, "certificate key"),
)
OF_BOTH = "Its key is blocked at once; the successor gets another, and serves first."
OF_COMPROMISE = "Its key is blocked: no certificate is ever asked for with it again."
OF_RENEWAL = "A successor is issued, saved and deployed first; else nothing is revoked."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A version that can be revoked, and what is known of it here."""

    version: Version
    current: bool = False
    """Whether it is the one in use, so that a successor can take its place."""
    targets: tuple[Target, ...] = ()
    """The targets that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was answered."""

    reason: RevocationReason
    by: RevocationSigner | None = None
    ca: str | None = None
    renew_first: bool = False

    @classmethod
    def of(cls, answers: Answers) -> Wish:
        """What the answers of the panel mean."""
        by = str(answers.get("by", ""))
        return cls(
            reason=RevocationReason(str(answers["reason"])),
            by=RevocationSigner(by) if by else None,
            ca=str(answers.get("ca", "")) or None,
            renew_first=bool(answers.get("renew-first")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A panel about versions of different certificates, made anew when its answer was refused."""

    subjects: Sequence[Subject]
    left: Sequence[str] = ()
    """Names of certificates that were chosen, and of which nothing can be revoked."""
    hidden: int = 0
    """How many certificates that were chosen the filter does not show."""
    cas: Sequence[Authority] = ()
    """To choose from, where nothing here tells which CA issued it."""

    def panel(self, refused: Refusal | None = None, said: Sequence[Fact] = ()) -> StrongConfirm:
        """The panel; `said` is what was said to the answers before."""
        version = self.subjects[0].version
        one = len(self.subjects) == 1
        title = f"{version.certificate} v{version.number}" if one else self._counted
        return StrongConfirm(
            f"REVOKE {title}",
            [*said, *(self._of_one() if one else self._of_many()), *_CONSEQUENCE],
            expected=version.certificate if one else str(len(self.subjects)),
            verb="revoke",
            fields=self._fields(),
            follows=_follows,
            refused=refused,
        )

    @property
    def _counted(self) -> str:
        return counted(len(self.subjects), "certificate")

    def _of_one(self) -> list[Fact]:
        (subject,) = self.subjects
        version, now = subject.version, datetime.now(UTC)
        which = "the version in use" if subject.current else "not the version in use"
        facts: list[Fact] = [
            ("valid", f"until {date(version.not_after)} ({until(version.not_after, now)}), {which}")
        ]
        if version.revoked_at is not None:
            before = f"on {date(version.revoked_at)} ({version.revocation_reason})"
            facts.append(
                ("revoked", (f"{before}: that its key is compromised can be added", "warn"))
            )
        return [*facts, _installed(subject.targets), *self._marked()]

    def _of_many(self) -> list[Fact]:
        facts: list[Fact] = [
            (
                "current",
                f"versions of {listed([each.version.certificate for each in self.subjects])}",
            ),
            _installed([target for each in self.subjects for target in each.targets]),
        ]
        return [*facts, *self._marked()]

    def _marked(self) -> list[Fact]:
        """What else is to be known of the marks."""
        facts: list[Fact] = []
        if self.left:
            facts.append(("left", (f"nothing to revoke: {listed(self.left)}", "warn")))
        if self.hidden:
            facts.append(("hidden", (f"{self.hidden} of them by the filter", "warn")))
        return facts

    def _fields(self) -> list[FieldSpec]:
        again = all(each.version.revoked_at is not None for each in self.subjects)
        reasons = {COMPROMISED: REASONS[COMPROMISED]} if again else REASONS
        fields = [
            FieldSpec(
                name="reason",
                label="Reason",
                kind="choice",
                choices=tuple((reason, f"{reason}: {why}") for reason, why in reasons.items()),
                help="The CA publishes it. Left and right change it, a letter jumps.",
            ),
            FieldSpec(
                name="by",
                label="Signed by",
                kind="choice",
                choices=SIGNERS,
                help="Whose key tells the CA that this is meant.",
            ),
        ]
        if any(each.current and each.version.revoked_at is None for each in self.subjects):
            fields.append(
                FieldSpec(
                    name="renew-first",
                    label="Before",
                    kind="check",
                    placeholder="renew first, then revoke",
                )
            )
        if self.cas:
            fields.append(
                FieldSpec(
                    name="ca",
                    label="CA",
                    kind="choice",
                    choices=tuple((ca.name, ca.title) for ca in self.cas),
                    help="Who issued it: that one is told.",
                )
            )
        return fields


_CONSEQUENCE: tuple[Fact, ...] = (
    ("", ""),
    ("", "Clients reject it. There is no undo: the CA publishes the revocation."),
)


def _installed(targets: Sequence[Target]) -> Fact:
    if not targets:
        return "targets", ("none has it, as far as kmtui knows", "muted")
    names = listed([target.name for target in targets])
    return "targets", (f"{names}: it goes on being served there", "warn")


def _follows(answers: Answers) -> str:
    """What follows from what is answered, in one line."""
    wish = Wish.of(answers)
    if wish.reason == COMPROMISED:
        return OF_BOTH if wish.renew_first else OF_COMPROMISE
    return OF_RENEWAL if wish.renew_first else ""
