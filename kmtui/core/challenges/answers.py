"""From a CA's authorization to what will be published for it (RFC 8555 section 8)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from kmtui.core.acme import Authorization, PrivateKey, dns_value, key_authorization
from kmtui.core.acme import Challenge as Offered
from kmtui.core.challenges.solver import Answer
from kmtui.core.errors import AcmeError, ProtocolViolation, StillProcessing, ValidationFailed
from kmtui.core.planning import Proof
from kmtui.model import Challenge, ChallengeType, Problem, Request

LOST = ("invalid", "expired", "deactivated", "revoked")
"""Authorization statuses from which no certificate comes (RFC 8555 section 7.1.6)."""


def answer_to(
    authorization: Authorization, *, request: Request, proofs: Mapping[str, Proof], key: PrivateKey
) -> tuple[Answer | None, Challenge]:
    """What to publish for one authorization, and its row; nothing for a name that is valid already.

    Raises ProtocolViolation for a name nobody ordered, ValidationFailed for an authorization that
    is past saving, AcmeError when the CA does not offer the planned challenge type, StillProcessing
    while it checks another one.
    """
    name = authorization.name
    proof = proofs.get(name)
    if proof is None:
        raise ProtocolViolation(f"the CA asks for {name}, which was not ordered")
    if authorization.status in LOST:
        type_ = f"kmtui:authorization-{authorization.status}"
        raise ValidationFailed(
            f"{name}: the CA's authorization is {authorization.status}",
            problem=authorization.error or Problem(type=type_, detail="", where=authorization.url),
            hint="retry starts a new order",
        )
    if other := answered_otherwise(authorization, proofs):
        problem = Problem(type="kmtui:still-processing", detail=f"by {other}")
        raise StillProcessing(
            f"the CA still checks {name} by {other}",
            hint="it must be done before another challenge is answered, or choose that type",
            problem=problem,
        )
    valid = authorization.status == "valid"
    offered = authorization.challenge(proof.type)
    if offered is None and not valid:
        types = ", ".join(each.type for each in authorization.challenges) or "nothing"
        raise AcmeError(
            f"the CA does not offer {proof.type} for {name} (it offers {types})",
            hint="choose another challenge type for this name",
        )
    answer = None
    if offered is not None and not valid:
        answer = _answer(offered, authorization, proof, request, key)
    row = Challenge(
        id=answer.challenge_id if answer else str(uuid.uuid4()),
        request_id=request.id,
        identifier=name,
        wildcard=name.startswith("*."),
        type=proof.type,
        status="valid" if valid else "pending",
        fqdn=answer.fqdn if answer else "",
        value=answer.value if answer else "",
        detail="the CA still trusts an earlier proof" if valid else "",
        servers=(),
        via=proof.via,
        url=offered.url if offered else None,
        authorization_url=authorization.url,
    )
    return answer, row


def answered_otherwise(authorization: Authorization, proofs: Mapping[str, Proof]) -> str:
    """The type of a challenge that was answered and is not the planned one; empty for none."""
    proof = proofs.get(authorization.name)
    if proof is None or authorization.status != "pending":
        return ""
    checked = (each.type for each in authorization.challenges if each.status == "processing")
    return next((type_ for type_ in checked if type_ != proof.type), "")


def _answer(
    offered: Offered,
    authorization: Authorization,
    proof: Proof,
    request: Request,
    key: PrivateKey,
) -> Answer:
    """Value and place of the answer to one challenge (RFC 8555 sections 8.3 and 8.4)."""
    bare = authorization.name.removeprefix("*.")
    authorized = key_authorization(offered.token, key)
    if proof.type == ChallengeType.DNS_01:
        fqdn, value = f"_acme-challenge.{bare}", dns_value(authorized)
    else:
        fqdn = f"http://{bare}/.well-known/acme-challenge/{offered.token}"
        value = authorized
    return Answer(
        challenge_id=str(uuid.uuid4()),
        request_id=request.id,
        identifier=authorization.name,
        proof=proof,
        token=offered.token,
        key_authorization=authorized,
        fqdn=fqdn,
        value=value,
        challenge_url=offered.url,
        authorization_url=authorization.url,
        answered=offered.status not in ("pending", ""),
    )
