"""End servers as the rest of core meets them: set up, changed, opened for files."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import Refused


async def test_the_machine_of_a_web_root_takes_files(core: Core, tmp_path: Path) -> None:
    row = await core.end_servers.add("here", kind="local", settings={"webroot": str(tmp_path)})

    host = await core.end_servers.host(row)
    await host.create(f"{tmp_path}/cert.pem", b"certificate", mode=0o644)

    assert await host.read(f"{tmp_path}/cert.pem", most=100) == b"certificate"


async def test_a_listener_takes_no_files(core: Core) -> None:
    row = await core.end_servers.add("builtin", kind="standalone", settings={"listen": ":8080"})

    with pytest.raises(Refused) as refused:
        await core.end_servers.host(row)

    assert "local or ssh" in refused.value.hint
