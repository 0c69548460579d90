"""An inventory with an account at the CA of a test module (its fixture `ca`)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.scripted import Scripted, register
from tests.servers.pebble import Pebble


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, ca: Pebble) -> Path:
    """The home of an inventory with an account at the CA."""
    home = tmp_path_factory.mktemp("registered") / "home"
    home.mkdir()
    register(Scripted(home), ca)
    return home


@pytest.fixture
def run(registered: Path, tmp_path: Path) -> Scripted:
    """Commands on an inventory of the test's own."""
    return Scripted(shutil.copytree(registered, tmp_path / "home"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
