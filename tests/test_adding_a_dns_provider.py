"""The page about adding a DNS provider is true: its code keeps the contract as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"^`(?P<path>\S+\.py)`:\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
REGISTRY = "kmtui/core/dns/registry.py"

# Done at the start of every Python: what the file and the line in the registry would do.
START = """\
import kmtui.core.dns
from kmtui.core.dns.registry import PROVIDERS
kmtui.core.dns.__path__.append({folder!r})
PROVIDERS.update({{{line}}})
"""
ELSEWHERE = "test_10 or test_25_a_whole_order"
"""Whole orders take seconds, and do not differ from one provider to the next."""


def python(*arguments: object, said: str = "", path: Path = ROOT) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        input=said,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def blocks() -> dict[str, str]:
    """The code of the page by the file it is for."""
    page = (ROOT / "docs" / "adding-a-dns-provider.md").read_text()
    return {match["path"]: match["code"] for match in BLOCK.finditer(page)}


def test_the_code_of_the_page_is_in_style() -> None:
    for name, code in blocks().items():
        if name != REGISTRY:
            # The order of imports depends on which files there are.
            python("ruff", "check", "--ignore", "I", "--stdin-filename", name, "-", said=code)
            python("ruff", "format", "--check", "--stdin-filename", name, "-", said=code)


def test_the_provider_of_the_page_keeps_the_contract(tmp_path: Path) -> None:
    files = blocks()
    line = files.pop(REGISTRY).strip()
    for name, code in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    # Apart from the tests: a folder named kmtui on the path would hide the package.
    folder = (tmp_path / "kmtui").rename(tmp_path / "added") / "core" / "dns"
    (tmp_path / "sitecustomize.py").write_text(START.format(folder=str(folder), line=line))
    (module,) = (tmp_path / "tests").rglob("test_*.py")

    options = ["-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider"]
    options += ["-p", "tests.conftest", "-p", "tests.dns.conftest", "-k", f"not ({ELSEWHERE})"]
    python("pytest", module, *options, path=tmp_path)
