"""The way of a deployment in steps, read from what it says it is doing."""

from __future__ import annotations

from dataclasses import dataclass

from kmtui.model import Target, TargetState
from kmtui.widgets.steps import Step

BEGINNINGS = {
    "version ": "look",
    "running ": "run",
    "uploading ": "upload",
    "putting ": "switch",
    "checking: ": "check",
    "reloading: ": "reload",
    "looking what ": "prove",
}
"""How the line about each step begins, in the order of the steps."""
BACK = "going back "
GOING_BACK = "go back"


@dataclass(slots=True)
class Way:
    """How far a deployment was seen to come."""

    at: str = ""
    """The word of its last step; empty before the first was seen."""
    going_back: bool = False
    """Whether what was in effect before is put back."""

    def hear(self, line: str) -> None:
        """Take in one line about a step; others, such as output of commands, say nothing."""
        if line.startswith(BACK):
            self.going_back = True
        for beginning, word in BEGINNINGS.items():
            if line.startswith(beginning):
                self.at, self.going_back = word, False


def steps_of(target: Target, way: Way) -> list[Step]:
    """What is done, what is going on or went wrong, what is to come; empty when nobody knows."""
    words = words_of(target)
    if target.state in (TargetState.DEPLOYED, TargetState.VERIFIED):
        return [Step(word, "done") for word in words]
    ended = target.state in (TargetState.FAILED, TargetState.STALE)
    if way.at not in words or not (ended or target.state == TargetState.UPLOADING):
        return []
    here = "failed" if ended or way.going_back else "now"
    at = words.index(way.at)
    steps = [
        Step(word, "done" if place < at else here if place == at else "to come")
        for place, word in enumerate(words)
    ]
    if way.going_back:
        steps.append(Step(GOING_BACK, "done" if ended else "now"))
    return steps


def words_of(target: Target) -> list[str]:
    """The steps that a target has by its settings."""
    asked = {
        "run": bool(target.hook),
        "upload": not target.hook,
        "switch": not target.hook,
        "check": bool(target.check_command),
        "reload": bool(target.reload_command),
        "prove": bool(target.verify),
    }
    return [word for word in BEGINNINGS.values() if asked.get(word, True)]
