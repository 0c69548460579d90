"""How sample requests failed: the words the sandbox CA or a name server would have sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kmtui.core.acme.problems import own_problem, parse_problem, refusal
from kmtui.core.errors import ChallengeNotVisible, KmtuiError
from kmtui.core.problems import combined, problem_of
from kmtui.model import Problem, RequestStatus

URN = "urn:ietf:params:acme:error:"
RETRY_AFTER = 2700.0


@dataclass(frozen=True)
class Failure:
    """One way of failing: how far the request came, and which of its names failed and why."""

    stage: RequestStatus
    error: Callable[[str], KmtuiError]
    names: int = 1
    """How many names failed; 0 when the CA refused the order as a whole."""

    def raised(self, names: tuple[str, ...]) -> KmtuiError:
        """The error that ended a request for those names."""
        if not self.names:
            return self.error(names[0])
        return combined([(name, self.error(name)) for name in names[: self.names]])

    def problem(self, names: tuple[str, ...]) -> Problem:
        """What is stored with the request for those names."""
        return problem_of(self.raised(names))


def _said(kind: str, detail: str, status: int, **more: Any) -> Callable[[str], KmtuiError]:
    def error(name: str) -> KmtuiError:
        document = {"type": URN + kind, "detail": detail.format(name=name), "status": status}
        return refusal(parse_problem(document, http_status=status, **more))

    return error


def _not_visible(name: str) -> KmtuiError:
    fqdn = "_acme-challenge." + name.removeprefix("*.")
    problem = own_problem(
        "kmtui:dns-not-visible",
        "TXT seen by 1 of 2 servers; 127.0.0.2 still gives no record",
        where=fqdn,
    )
    return ChallengeNotVisible(
        f"the TXT record at {fqdn} cannot be seen where the CA will look",
        hint="try again: some providers take longer; `propagation_timeout` on the DNS account "
        "allows more time",
        problem=problem,
    )


_NO_RECORD = _said(
    "unauthorized",
    "No TXT record found at _acme-challenge.{name} (asked 127.0.0.2)",
    403,
    in_challenge=True,
)

FAILURES = {
    "no-record": Failure(RequestStatus.VALIDATING, _NO_RECORD),
    "no-record-of-two": Failure(RequestStatus.VALIDATING, _NO_RECORD, names=2),
    "refused": Failure(
        RequestStatus.VALIDATING,
        _said(
            "connection",
            "http://{name}:80/.well-known/acme-challenge/ (127.0.0.1): Connection refused",
            400,
            in_challenge=True,
        ),
    ),
    "caa": Failure(
        RequestStatus.VALIDATING,
        _said("caa", "CAA record for shop.test prevents issuance for {name}", 403),
    ),
    "not-visible": Failure(RequestStatus.PROPAGATING, _not_visible),
    "rejected": Failure(
        RequestStatus.ORDERING,
        _said("rejectedIdentifier", "The name {name} is on the list of refused names", 400),
        names=0,
    ),
    "server-error": Failure(
        RequestStatus.ORDERING,
        _said("serverInternal", "The order could not be stored", 500),
        names=0,
    ),
    "limit": Failure(
        RequestStatus.ORDERING,
        _said(
            "rateLimited",
            "Too many certificates (5) already issued for {name} within the last 168 hours",
            429,
            retry_after=RETRY_AFTER,
        ),
        names=0,
    ),
}
