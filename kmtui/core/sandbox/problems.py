"""Problem documents as the sandbox CA sends them (RFC 7807, RFC 8555 section 6.7)."""

from __future__ import annotations

from typing import Any

NAMESPACE = "urn:ietf:params:acme:error:"

STATUS = {
    "unauthorized": 403,
    "orderNotReady": 403,
    "userActionRequired": 403,
    "serverInternal": 500,
}
"""HTTP status of the error types that are not 400."""


class Rejection(Exception):
    """A request or a validation that failed: `kind` is an error type of RFC 8555 without its URN.

    `members` are further members of the document: algorithms, subproblems, identifier.
    """

    def __init__(self, kind: str, detail: str, *, status: int = 0, **members: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.status = status or STATUS.get(kind, 400)
        self.members = members

    def document(self) -> dict[str, Any]:
        """The problem document, ready for JSON."""
        basics = {"type": NAMESPACE + self.kind, "detail": self.detail, "status": self.status}
        return {**basics, **self.members}


def combined(rejections: dict[str, Rejection]) -> Rejection:
    """One rejection with a subproblem for each name that was refused (RFC 8555 section 6.7.1)."""
    kinds = {rejection.kind for rejection in rejections.values()}
    subproblems = [
        {**rejection.document(), "identifier": {"type": "dns", "value": name}}
        for name, rejection in rejections.items()
    ]
    for subproblem in subproblems:
        del subproblem["status"]  # RFC 8555 §6.7.1 shows subproblems without one
    return Rejection(
        kinds.pop() if len(kinds) == 1 else "compound",
        "Refused: " + ", ".join(rejections),
        subproblems=subproblems,
    )
