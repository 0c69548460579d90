"""The one tree of errors kmtui raises on purpose.

Every error says what happened (`message`), what to do next (`hint`) and carries the exit code and
the code word of the command contract. Text of other parties inside a message is unfiltered: it is
filtered where it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmtui.model import Problem, Served, ServerSight


class KmtuiError(Exception):
    """Something an operator must be told; the base of all errors raised on purpose."""

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", problem: Problem | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problem = problem


class InvalidInput(KmtuiError):
    """Bad input; `field` names the option or form field."""

    code = "invalid-input"
    exit_code = 2

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class Unmapped(InvalidInput):
    """Nothing says how control of `name` is proved."""

    def __init__(self, message: str, *, name: str, hint: str = "") -> None:
        super().__init__(message, field="challenge", hint=hint)
        self.name = name


class NotFound(KmtuiError):
    """No object of that name or id."""

    code = "not-found"
    exit_code = 5


class Ambiguous(KmtuiError):
    """A word that fits several objects; `candidates` lists them."""

    code = "ambiguous"
    exit_code = 5

    def __init__(self, message: str, *, candidates: Sequence[str], hint: str = "") -> None:
        super().__init__(message, hint=hint or "one of: " + ", ".join(candidates))
        self.candidates = tuple(candidates)


class Refused(KmtuiError):
    """An action that the state of things does not allow (in use, retired, already done)."""

    code = "refused"


class OverLimit(Refused):
    """Our own count of a CA's rate limit is used up; whoever knows better passes over it."""


class StillServed(Refused):
    """Targets still serve what is to be deleted; whoever knows better passes over it."""


class ReadOnly(KmtuiError):
    """A change was asked for in read-only mode."""

    code = "read-only"
    exit_code = 6


class VaultError(KmtuiError):
    """Anything about opening the vault."""

    code = "vault"
    exit_code = 4


class VaultLocked(VaultError):
    """A secret is needed and the vault is locked."""

    code = "vault-locked"


class WrongKey(VaultError):
    """Wrong passphrase or key file."""

    code = "wrong-key"


class TamperedSecret(VaultError):
    """A sealed value does not belong to its row, or was changed."""

    code = "tampered"


class TamperedConfiguration(KmtuiError):
    """A setting that decides where keys and records go was changed from outside kmtui."""

    code = "tampered"


class Defect(KmtuiError):
    """Something in kmtui itself is wrong; the log has the place."""

    code = "defect"


class Superseded(KmtuiError):
    """Another process has taken the work over: nothing more may be written about it here."""

    code = "superseded"


class DatabaseError(KmtuiError):
    """The inventory cannot be used: newer schema, read-only, corrupt, busy."""

    code = "database"
    exit_code = 6


class AcmeError(KmtuiError):
    """The CA said no: `problem` is its problem document (RFC 8555 section 6.7)."""

    code = "acme"


class CaUnreachable(AcmeError):
    """The CA cannot be reached, or what answered is not an ACME server."""

    code = "ca-unreachable"


class ResponseLost(CaUnreachable):
    """A request went out and no whole answer came back: the CA may have carried it out."""


class StillProcessing(AcmeError):
    """The CA was still at work when our patience ended; `problem.retry_after` may say when."""

    code = "still-processing"


class ValidationFailed(AcmeError):
    """The CA looked and was not convinced: `problem` is what it found wrong in a challenge."""


class ProtocolViolation(AcmeError):
    """The CA answered something that must not be acted on."""

    code = "protocol"


class DnsProviderError(KmtuiError):
    """A DNS provider refused or failed; `kind` is one of the words below.

    auth, permission, plan_restriction, zone_not_found, zone_ambiguous, zone_not_delegated_here,
    conflict, rate_limited, quota, invalid_request, transient, clock_skew, unsupported.
    """

    code = "dns-provider"

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        hint: str = "",
        raw_code: str = "",
        vendor_request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.raw_code = raw_code
        self.vendor_request_id = vendor_request_id
        self.retry_after = retry_after


class DnsLookupFailed(KmtuiError):
    """A question about the DNS that no server answered usefully."""

    code = "dns-lookup"


class ChallengeNotVisible(KmtuiError):
    """The challenge answer was published but cannot be seen where the CA will look.

    `servers` is what each server showed last.
    """

    code = "challenge-not-visible"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        problem: Problem | None = None,
        servers: Sequence[ServerSight] = (),
    ) -> None:
        super().__init__(message, hint=hint, problem=problem)
        self.servers = tuple(servers)


class EndServerError(KmtuiError):
    """An end server cannot be used: path not writable, port taken, connection refused."""

    code = "end-server"


class HostKeyRefused(EndServerError):
    """An SSH server showed a key that is not pinned: nothing was sent to it.

    `seen` is its fingerprint, empty when it showed none that can be pinned; `pinned` are ours, none
    for a server that nobody vouched for yet.
    """

    code = "host-key"

    def __init__(
        self, message: str, *, seen: str = "", pinned: Sequence[str] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.seen = seen
        self.pinned = tuple(pinned)


class NotServed(EndServerError):
    """A server does not show the version that was put there; `served` is what it shows."""

    code = "not-served"

    def __init__(self, served: Served, *, hint: str = "") -> None:
        super().__init__(served.detail, hint=hint)
        self.served = served


class NotificationFailed(KmtuiError):
    """A message to the operators did not get through."""

    code = "notification"


class Parked(KmtuiError):
    """The work is set aside until `not_before`."""

    code = "parked"
    exit_code = 75

    def __init__(
        self, message: str, *, not_before: datetime, hint: str = "", problem: Problem | None = None
    ) -> None:
        super().__init__(message, hint=hint, problem=problem)
        self.not_before = not_before
