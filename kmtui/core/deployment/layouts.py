"""The layouts by their words."""

from __future__ import annotations

from collections.abc import Mapping

from kmtui.core.deployment.combined import Combined
from kmtui.core.deployment.layout import Layout
from kmtui.core.deployment.pair import Pair
from kmtui.core.deployment.versioned import Versioned
from kmtui.model import Target, TargetLayout

LAYOUTS: Mapping[str, type[Layout]] = {
    TargetLayout.PAIR: Pair,
    TargetLayout.COMBINED: Combined,
    TargetLayout.VERSIONED: Versioned,
}


def paths(target: Target) -> dict[str, str]:
    """Where a server finds each file of a target; empty for a hook."""
    return LAYOUTS[target.layout].paths(target) if target.layout else {}
