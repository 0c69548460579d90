"""The targets of a certificate as a table: what is chosen there, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kmtui.model import Target
from kmtui.screens.target_words import COLUMNS, NOT_WELL, target_row
from kmtui.widgets.rows import ListSource
from kmtui.widgets.rowtable import RowTable


class TargetList(RowTable):
    """One row for each target; several can be marked."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            COLUMNS,
            empty="No targets yet. n adds one: where its versions are to be installed.",
            id=id,
        )
        self.targets: Sequence[Target] = ()

    def show(self, targets: Sequence[Target], now: datetime) -> None:
        """Show these targets."""
        self.targets = targets
        self.reload(ListSource(target_row(target, now) for target in targets))

    @property
    def chosen_targets(self) -> list[Target]:
        """Those that are marked, else the one under the cursor."""
        chosen = set(self.chosen)
        return [target for target in self.targets if target.id in chosen]

    @property
    def unwell(self) -> bool:
        """Whether the last attempt or proof of one did not end well."""
        return any(target.state in NOT_WELL for target in self.targets)
