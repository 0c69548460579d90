"""What went wrong, told for an operator, and the lines of a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of a test or an advisory check: fine, not fine, or advice."""

    ok: bool | None
    """None: worth knowing, neither good nor bad."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProblem:
    """One name's part of a problem document (RFC 8555 section 6.7.1)."""

    identifier: str
    type: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, told for an operator: what happened, what to do, what the other side said.

    Stored with the request it ended. `type` is the ACME error type as the server sent it
    (``urn:ietf:params:acme:error:…``) or a kmtui word (``kmtui:dns-not-visible``).
    """

    type: str
    detail: str
    """The other side's words, verbatim and unfiltered; filter before showing."""
    what: str = ""
    """What happened, in plain words of ours."""
    hint: str = ""
    """What to do next."""
    where: str = ""
    """Order, authorization or server to quote."""
    http_status: int | None = None
    retry_after: float | None = None
    """Seconds the server asked to wait."""
    subproblems: tuple[SubProblem, ...] = ()
    instance: str = ""
    """A link for a human, e.g. changed terms of service."""

    @property
    def short_type(self) -> str:
        """The last word of the type: ``rejectedIdentifier``."""
        return self.type.rsplit(":", 1)[-1]
