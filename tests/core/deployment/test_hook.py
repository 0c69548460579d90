"""Hooks: a command with the files at hand for as long as it runs, and told the rest."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.deployment import hook
from kmtui.core.deployment.bundle import Bundle
from kmtui.core.deployment.hook import Hook
from kmtui.core.errors import EndServerError
from kmtui.model import Target, TargetState
from tests.core.deployment import stock
from tests.db import samples

SCRIPT = """#!/usr/bin/env python3
import json, os, pathlib, sys
files = {name: pathlib.Path(path).read_text() for name, path in os.environ.items()
         if path.endswith(".pem")}
place = pathlib.Path(os.environ["KMTUI_PRIVKEY"]).parent
json.dump({
    "argv": sys.argv[1:], "environment": dict(os.environ), "files": files,
    "modes": [oct(path.stat().st_mode & 0o777) for path in [place, *place.iterdir()]],
}, open(sys.argv[1], "w"))
print("put")
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "put certificate"
    path.write_text(SCRIPT)
    path.chmod(0o700)
    return path


@pytest.fixture
async def files(core: Core) -> Bundle:
    certificate = await stock.certificate(core)
    await stock.version(core, certificate)
    return await stock.files(core, certificate, 1)


def target(command: str) -> Target:
    return samples.target(samples.certificate("shop"), hook=command)


async def test_a_command_finds_the_files_and_everything_about_them(
    files: Bundle, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMTUI_PASSPHRASE_FILE", "/secret")
    told = tmp_path / "told"

    ran = await Hook(tmp_path / "hooks").run(target(f"'{script}' {told} 0 '$(id)'"), files)

    assert (ran.code, ran.output) == (0, "put\n")
    found = json.loads(told.read_text())
    version, environment = files.version, found["environment"]
    assert found["argv"] == [str(told), "0", "$(id)"], "words, no shell"
    assert found["files"] == {
        f"KMTUI_{name.removesuffix('.pem').upper()}": content.decode()
        for name, content in files.files.items()
    }
    assert set(found["modes"]) == {"0o700", "0o600"}
    assert environment["KMTUI_CERTIFICATE"] == "shop"
    assert environment["KMTUI_TARGET"] == "web1"
    assert environment["KMTUI_VERSION"] == "1"
    assert environment["KMTUI_NAMES"] == " ".join(version.names)
    assert (environment["KMTUI_SERIAL"], environment["KMTUI_SHA256"]) == (
        *(version.serial, version.sha256),
    )
    assert environment["KMTUI_NOT_AFTER"] == f"{version.not_after:%Y-%m-%dT%H:%M:%SZ}"
    assert "KMTUI_PASSPHRASE_FILE" not in environment
    assert "/usr/bin" in environment["PATH"]
    assert list((tmp_path / "hooks").iterdir()) == [], "the key is gone with the command"
    assert stat.S_IMODE((tmp_path / "hooks").stat().st_mode) == 0o700


async def test_what_a_killed_run_left_is_removed_by_the_next(
    files: Bundle, script: Path, tmp_path: Path
) -> None:
    row = target(f"'{script}' {tmp_path / 'told'} 3")
    left = tmp_path / "hooks" / row.id
    left.mkdir(parents=True)
    (left / "privkey.pem").write_text("an old key")

    ran = await Hook(tmp_path / "hooks").run(row, files)

    assert ran.code == 3
    assert not left.exists()


async def test_a_command_that_is_missing_or_hangs_is_an_error_with_a_hint(
    files: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "SECONDS", 0.1)
    for command, said in (("/nonexistent/put", "cannot run"), ("/bin/sleep 60", "did not end")):
        with pytest.raises(EndServerError, match=said) as caught:
            await Hook(tmp_path / "hooks").run(target(command), files)
        assert caught.value.hint
    assert list((tmp_path / "hooks").iterdir()) == []


@pytest.mark.parametrize(("code", "state"), [(0, TargetState.DEPLOYED), (4, TargetState.FAILED)])
async def test_a_hook_is_a_target_like_any_other(
    core: Core, script: Path, tmp_path: Path, code: int, state: TargetState
) -> None:
    certificate = await stock.certificate(core, "shop")
    await stock.version(core, certificate)
    told = tmp_path / "told"
    await core.targets.add("shop", "lb", hook=f"'{script}' {told} {code}")

    started = await core.deployments.deploy("shop")
    (ended,) = await core.deployments.wait([row.id for row in started])

    assert json.loads(told.read_text())["environment"]["KMTUI_VERSION"] == "1"
    assert ended.state == state
    assert (ended.version, bool(ended.error)) == ((1, False) if code == 0 else (None, True))
