"""The pages about DNS providers say what the providers' classes say."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_pages_are_as_the_providers_are() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "dns_pages.py"))
    there = {path.name: path.read_text() for path in (ROOT / "docs" / "dns").glob("*.md")}

    wanted = script["pages"]()

    stale = {name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)}
    assert not stale, "make docs writes them anew"
