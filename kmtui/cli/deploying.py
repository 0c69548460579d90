"""Deployments on the command line: their steps on standard error, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.cli.output import Output
from kmtui.model import Target, TargetState
from kmtui.status import clock

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.events import Event

FAILED = 1


@contextmanager
def telling(core: Core, out: Output) -> Iterator[None]:
    """Print each step of each deployment while the block runs."""
    from kmtui.core.events import DeploymentStepped

    def heard(event: Event) -> None:
        if isinstance(event, DeploymentStepped):
            out.note(f"{clock(datetime.now(UTC))} {event.certificate} {event.target} {event.text}")

    unsubscribe = core.bus.subscribe(heard)
    try:
        yield
    finally:
        unsubscribe()


def code_of(target: Target) -> int:
    """The exit code that a deployment to this target alone has: 0 when the version is there."""
    good = target.state in (TargetState.DEPLOYED, TargetState.VERIFIED)
    return 0 if good and target.version == target.wanted_version else FAILED


def counts(targets: Sequence[Target]) -> dict[str, int]:
    """How many deployments ended well and how many did not, for a summary."""
    failed = sum(code_of(target) for target in targets)
    return {"deployed": len(targets) - failed, "not_deployed": failed}
