"""Problems, request specs and server sights as JSON values, and back without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kmtui.model import ChallengeChoice, Problem, RequestSpec, ServerSight, SubProblem


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """A problem as a JSON object with the field names of `Problem`."""
    return asdict(problem)


def problem_from_json(document: dict[str, Any]) -> Problem:
    """The problem that `problem_to_json` wrote."""
    subproblems = tuple(SubProblem(**part) for part in document.get("subproblems", ()))
    return Problem(**{**document, "subproblems": subproblems})


def spec_to_json(spec: RequestSpec) -> dict[str, Any]:
    """A request spec as a JSON object with the field names of `RequestSpec`."""
    return {
        "names": list(spec.names),
        "account": spec.account,
        "key_type": str(spec.key_type),
        "profile": spec.profile,
        "label": spec.label,
        "auto_save": str(spec.auto_save),
        "choices": {name: asdict(choice) for name, choice in spec.choices.items()},
        "csr_pem": spec.csr_pem,
        "reuse_key": spec.reuse_key,
        "preferred_chain": spec.preferred_chain,
        "profile_required": spec.profile_required,
    }


def spec_from_json(document: dict[str, Any]) -> RequestSpec:
    """The spec that `spec_to_json` wrote."""
    choices = {name: ChallengeChoice(**part) for name, part in document["choices"].items()}
    return RequestSpec(**{**document, "names": tuple(document["names"]), "choices": choices})


def sights_to_json(sights: Sequence[ServerSight]) -> dict[str, Any]:
    """What each server showed, as a JSON object with one list."""
    return {"servers": [asdict(sight) for sight in sights]}


def sights_from_json(document: dict[str, Any]) -> tuple[ServerSight, ...]:
    """The sights that `sights_to_json` wrote."""
    return tuple(ServerSight(**part) for part in document.get("servers", ()))
