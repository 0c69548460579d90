"""Pages that are written from the code say what the code says; `make docs` writes them anew."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_reference_of_commands_is_as_the_commands_are() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "command_page.py"))

    assert (ROOT / "docs" / "commands.md").read_text() == script["page"](), "stale: make docs"


def test_the_keys_in_the_readme_are_those_of_the_screens() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "key_table.py"))
    readme = (ROOT / "README.md").read_text()

    assert readme == script["renewed"](readme), "stale: make docs"
