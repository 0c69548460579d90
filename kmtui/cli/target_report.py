"""Targets and deployments as they are shown: objects of the command contract, and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kmtui.cli.documents import moment
from kmtui.cli.output import facts, table
from kmtui.model import Deployment, Served, Target
from kmtui.status import look, when
from kmtui.text import one_line


def target_lines(targets: Sequence[Target]) -> list[str]:
    """A table of targets and how they stand."""
    return table(
        ["certificate", "target", "where", "state", "version", "verified", "next", "why"],
        [
            (
                target.certificate,
                target.name,
                where(target),
                f"{look(target.state).glyph} {target.state}",
                _versions(target),
                target.verified_at and when(target.verified_at),
                target.next_attempt_at and when(target.next_attempt_at),
                target.error,
            )
            for target in targets
        ],
    )


def where(target: Target) -> str:
    """The place of a target in a few words."""
    return f"{target.server}:{target.directory}" if target.server else target.hook


def target(row: Target) -> dict[str, Any]:
    """A target as an object of the command contract; what a hook does not have is null."""
    from kmtui.core.deployment.layouts import paths

    on_server = row.server_id is not None
    return {
        "id": row.id,
        "certificate": row.certificate,
        "name": row.name,
        "server": row.server,
        "dir": row.directory or None,
        "layout": row.layout or None,
        "paths": paths(row),
        "exec": row.hook or None,
        "owner": row.owner or None,
        "mode": f"{row.mode:04o}" if on_server else None,
        "check": row.check_command or None,
        "reload": row.reload_command or None,
        "verify": row.verify or None,
        "adopt": row.adopt,
        "state": row.state,
        "step": row.step,
        "wanted_version": row.wanted_version,
        "version": row.version,
        "created_at": moment(row.created_at),
        "deployed_at": moment(row.deployed_at),
        "verified_at": moment(row.verified_at),
        "failures": row.failures,
        "error": row.error or None,
        "hint": row.hint or None,
        "next_attempt_at": moment(row.next_attempt_at),
    }


def _versions(target: Target) -> str:
    """``7``, or ``6, 7 wanted`` while another one is to be there."""
    if target.version == target.wanted_version:
        return str(target.version or "")
    there = "" if target.version is None else f"{target.version}, "
    return f"{there}{target.wanted_version} wanted"


def target_facts(row: Target) -> list[str]:
    from kmtui.core.deployment.layouts import paths

    return facts(
        [
            ("Target", row.name),
            ("Certificate", row.certificate),
            ("End server", row.server),
            ("Command", row.hook),
            *((name, path) for name, path in paths(row).items()),
            ("Owner", row.owner),
            ("Mode of the key", f"{row.mode:04o}" if row.server else ""),
            ("Check", row.check_command),
            ("Reload", row.reload_command),
            ("Verify", row.verify),
            ("State", row.state),
            ("Version wanted", row.wanted_version),
            ("Version there", row.version),
            ("Deployed", row.deployed_at and when(row.deployed_at)),
            ("Seen served", row.verified_at and when(row.verified_at)),
            ("Error", row.error),
            ("", row.hint if row.error else ""),
            ("Next attempt", row.next_attempt_at and when(row.next_attempt_at)),
        ]
    )


def next_step(row: Target) -> list[str]:
    """What an operator does next with a target that nothing was put to yet."""
    if row.wanted_version is None:
        return ["", "it gets the first version that is saved"]
    if row.version is not None:
        return []
    command = one_line(f"kmtui cert deploy {row.certificate} --target {row.name}")
    return ["", f"{command} puts version {row.wanted_version} there now"]


def history_lines(attempts: Sequence[Deployment]) -> list[str]:
    return table(
        ["started", "version", "outcome", "by", "why"],
        [
            (when(row.started_at), row.version, row.outcome, row.actor, row.error)
            for row in attempts
        ],
    )


def deployment(row: Deployment) -> dict[str, Any]:
    return {
        "version": row.version,
        "outcome": row.outcome,
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
        "actor": row.actor,
        "error": row.error or None,
        "hint": row.hint or None,
        "next_attempt_at": moment(row.next_attempt_at),
    }


def served(served: Served) -> dict[str, Any]:
    return {
        "outcome": served.outcome,
        "detail": served.detail,
        "sha256": served.sha256 or None,
        "serial": served.serial or None,
        "issuer": served.issuer or None,
        "names": list(served.names),
        "not_after": moment(served.not_after),
    }


def why_not_looked_at(row: Target) -> str:
    return "no --verify says where to look" if row.wanted_version else "nothing is saved yet"
