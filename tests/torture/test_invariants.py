"""The judge of the torture sees what it is there to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture import world
from tests.torture.afterwards import Ending, Report
from tests.torture.invariants import Judge
from tests.torture.scenes import Place
from tests.torture.world import World

GOOD = Ending(number=1, status="saved", csr_spki="k", version_spki="k", key_spki="k", serial="a1")
SENTENCES = {
    "a lost request": (Report(), "request 1 is gone"),
    "another key": (Report(endings=[replace(GOOD, csr_spki="other")]), "got another key"),
    "a wrong key": (Report(endings=[replace(GOOD, key_spki="other")]), "do not match"),
    "an unfinished one": (Report(endings=[replace(GOOD, status="validating")]), "is still"),
    "a silent failure": (Report(endings=[replace(GOOD, status="failed")]), "is failed"),
    "a version nobody issued": (Report(endings=[GOOD], serials=["a1"]), "never issued"),
    "an open journal": (Report(endings=[GOOD], leftovers=1), "clean-up journal"),
    "work twice": (Report(endings=[GOOD], idle_calls=["dns update"]), "a second look"),
    "a damaged file": (Report(endings=[GOOD], broken=["integrity_check"]), "integrity_check"),
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world.running(tmp_path_factory.mktemp("world"), web_server=False) as outside:
        yield outside


@pytest.fixture
def judge(outside: World) -> Judge:
    return Judge(outside, ["www.kmtui.test"], frozenset(), frozenset())


@pytest.mark.parametrize("what", SENTENCES)
def test_what_is_wrong_in_the_inventory(judge: Judge, tmp_path: Path, what: str) -> None:
    report, sentence = SENTENCES[what]

    found = judge.violations(report, Place(tmp_path), {"1": "k"})

    assert any(sentence in each for each in found), found


def test_what_is_wrong_outside(outside: World, judge: Judge, tmp_path: Path) -> None:
    (outside.web_root / "index.html").write_text("changed")
    (outside.web_root / ".well-known" / "acme-challenge" / "left").write_text("ours")
    (tmp_path / "kmtui.db").write_text(f"in the open: {outside.facts['tsig_secret']}")
    outside.plant("_acme-challenge.www.kmtui.test", "left")

    found = judge.violations(Report(), Place(tmp_path), {})

    assert found == [
        "1 TXT values are left at _acme-challenge.www.kmtui.test",
        "left in the web root: .well-known/acme-challenge/left",
        "files of others were changed",
        "kmtui.db holds a secret in the open",
    ]
