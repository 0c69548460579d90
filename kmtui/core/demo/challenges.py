"""The challenges of sample requests: as they stand at the stage where the request ended."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import timedelta

from kmtui.core.acme import dns_value
from kmtui.model import Challenge, ChallengeType, Request, RequestStatus, ServerSight

DNS_ACCOUNT, END_SERVER = "lab", "listener"
DNS_ZONE = "kmtui.test"
"""Whose names are proved by dns-01; all others by http-01."""


def proved(
    request: Request, stage: RequestStatus, servers: Sequence[str], *, failed: int = 0
) -> list[Challenge]:
    """A challenge for each name of an order; none when the request ended before the order.

    `servers` are addresses of name servers; the first `failed` names failed at `stage`.
    """
    if stage == RequestStatus.ORDERING:
        return []
    said = request.problem.subproblems[0].detail if request.problem else ""
    return [
        _challenge(request, name, stage, servers, said if position < failed else "")
        for position, name in enumerate(request.names)
    ]


def _challenge(
    request: Request, name: str, stage: RequestStatus, servers: Sequence[str], said: str
) -> Challenge:
    bare = name.removeprefix("*.")
    by_dns = bare.endswith(DNS_ZONE)
    token = hashlib.sha256(f"{request.id} {name}".encode()).hexdigest()[:43]
    authorization = f"{token}.{hashlib.sha256(token.encode()).hexdigest()[:43]}"
    visible = not (said and stage == RequestStatus.PROPAGATING)
    waiting = stage == RequestStatus.PROPAGATING
    status = "waiting" if waiting else "invalid" if said else "valid"
    return Challenge(
        id=str(uuid.uuid4()),
        request_id=request.id,
        identifier=name,
        wildcard=name.startswith("*."),
        type=ChallengeType.DNS_01 if by_dns else ChallengeType.HTTP_01,
        status=status,
        fqdn=f"_acme-challenge.{bare}"
        if by_dns
        else f"http://{bare}/.well-known/acme-challenge/{token}",
        value=dns_value(authorization) if by_dns else authorization,
        detail=said,
        servers=_sights(bare, servers, visible) if by_dns else (),
        via=DNS_ACCOUNT if by_dns else END_SERVER,
        presented_at=request.created_at + timedelta(seconds=4),
        validated_at=request.created_at + timedelta(seconds=7) if status == "valid" else None,
    )


def _sights(name: str, servers: Sequence[str], visible: bool) -> tuple[ServerSight, ...]:
    """What each name server showed last: all of them the record, or all but the last one."""
    zone = ".".join(name.split(".")[-2:])
    return tuple(
        ServerSight(
            name=f"ns{number}.{zone}",
            address=server.rpartition(":")[0],
            seen=(seen := visible or number < len(servers)),
            detail="" if seen else "no record",
            milliseconds=0.4 + 0.3 * number,
        )
        for number, server in enumerate(servers, start=1)
    )
