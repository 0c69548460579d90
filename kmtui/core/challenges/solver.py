"""The contract of a challenge solver: publish quickly, wait slowly, always clean up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kmtui.core.planning import Proof
from kmtui.core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What has to be visible for one authorization."""

    challenge_id: str
    request_id: str
    identifier: str
    """The name as ordered, with ``*.`` for a wildcard."""
    proof: Proof
    token: str
    key_authorization: str
    fqdn: str
    """dns-01: owner name of the TXT record; http-01: URL of the file."""
    value: str
    """dns-01: value of the TXT record; http-01: content of the file."""
    challenge_url: str
    authorization_url: str
    answered: bool = False
    """Whether the CA was told before, by a run that was cut off: it is not told twice."""


class Solver(Protocol):
    """Publishes the answers of one challenge type through DNS accounts or one end server.

    `present` MUST write a journal entry before each effect, MUST be idempotent, and MUST NOT touch
    values it did not create. `wait` MUST raise ChallengeNotVisible when an answer cannot be seen
    in time, and reports what each server shows as it learns it. Removing is done from the journal
    alone, so that it works after a crash: see `kmtui.core.challenges.cleanup`.
    """

    async def present(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Publish all answers, values for one name together."""

    async def wait(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Return when everybody who must see the answers sees them."""
