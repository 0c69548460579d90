"""End servers as the rest of core meets them: set up, changed, opened for files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import EndServerError, InvalidInput, Refused, TamperedConfiguration
from kmtui.core.servers.ssh import SshServer
from kmtui.db import servers
from kmtui.text import Secret
from tests.servers.sshd import Sshd
from tests.servers.web import Web

SSH = {"host": "web1.example.org", "user": "deploy", "host_key": "SHA256:" + "A" * 43}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n"


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


class TestUpdate:
    async def test_only_what_is_given_changes(self, core: Core, tmp_path: Path) -> None:
        row = await core.end_servers.add(
            "web1", kind="ssh", settings={**SSH, "webroot": "/srv"}, secrets={"password": "old"}
        )

        await core.end_servers.update("web1", settings={"user": "www", "webroot": ""})

        after = await core.end_servers.get("web1")
        assert after.settings == {**SSH, "user": "www"}
        assert after.secret_names == ("password",)
        opened = await core.end_servers.open(after)
        assert isinstance(opened, SshServer)
        assert opened.login.password == Secret("old")
        assert after.id == row.id

    async def test_another_credential_takes_the_place_of_the_former(self, core: Core) -> None:
        await core.end_servers.add("web1", kind="ssh", settings=SSH, secrets={"password": "old"})

        with pytest.raises(InvalidInput) as refused:
            await core.end_servers.update("web1", secrets={"identity": KEY})
        assert refused.value.field == "password"
        await core.end_servers.update("web1", secrets={"identity": KEY, "password": ""})

        after = await core.end_servers.get("web1")
        assert after.secret_names == ("identity",)
        assert isinstance(await core.end_servers.open(after), SshServer)

    async def test_what_does_not_fit_changes_nothing(self, core: Core) -> None:
        before = await core.end_servers.add(
            "web1", kind="ssh", settings=SSH, secrets={"password": "old"}
        )

        with pytest.raises(InvalidInput) as refused:
            await core.end_servers.update("web1", settings={"port": "70000", "user": "www"})

        assert refused.value.field == "port"
        assert await core.end_servers.get("web1") == before

    async def test_a_former_test_says_nothing_about_other_settings(
        self, core: Core, tmp_path: Path
    ) -> None:
        await core.end_servers.add("here", kind="local", settings={"webroot": str(tmp_path)})
        await core.end_servers.test("here")

        await core.end_servers.update("here", settings={"webroot": "/absent"})

        assert (await core.end_servers.get("here")).last_test_ok is None
        assert not all(line.ok for line in await core.end_servers.test("here"))

    async def test_what_another_program_changed_is_not_sealed_anew(
        self, core: Core, tmp_path: Path
    ) -> None:
        row = await core.end_servers.add("here", kind="local", settings={"webroot": str(tmp_path)})
        await core.context.db.write(
            lambda session: servers.update(session, row.id, settings={"webroot": "/etc"})
        )

        with pytest.raises(TamperedConfiguration):
            await core.end_servers.update("here", settings={"probe": "127.0.0.1:80"})


async def test_a_field_that_wants_a_file_takes_its_path_or_its_text(
    core: Core, tmp_path: Path
) -> None:
    (tmp_path / "id").write_text(KEY)
    for name, given in (("by path", str(tmp_path / "id")), ("by text", KEY)):
        row = await core.end_servers.add(
            name, kind="ssh", settings=SSH, secrets={"identity": given}
        )
        opened = await core.end_servers.open(row)
        assert isinstance(opened, SshServer)
        assert opened.login.identity == Secret(KEY)

    with pytest.raises(InvalidInput, match="cannot read") as refused:
        await core.end_servers.add(
            "absent", kind="ssh", settings=SSH, secrets={"identity": "/absent/id"}
        )
    assert refused.value.field == "identity"


async def test_a_test_logs_in_anew_although_a_connection_is_open(
    core: Core, sshd_factory: Callable[..., Sshd]
) -> None:
    sshd = sshd_factory()
    server = await core.end_servers.add(
        "web1", kind="ssh", settings=sshd.settings(), secrets=sshd.secrets
    )
    host = await core.end_servers.host(server)
    try:
        await host.entries("/")
        before = sshd.logins

        lines = await core.end_servers.test("web1")

        assert all(line.ok is not False for line in lines)
        assert sshd.logins == before + 1
        sshd.stop()
        sshd.renew_host_key()
        sshd.start()
        assert any(line.ok is False for line in await core.end_servers.test("web1"))
    finally:
        await host.close()


async def test_the_key_of_a_server_is_shown_before_it_is_set_up(core: Core, sshd: Sshd) -> None:
    key = await core.end_servers.host_key("127.0.0.1", sshd.port)

    assert key.sha256 == sshd.fingerprint()


async def test_the_machine_of_an_ssh_server_takes_files(
    core: Core, sshd: Sshd, tmp_path: Path
) -> None:
    row = await core.end_servers.add(
        "web1", kind="ssh", settings=sshd.settings(), secrets=sshd.secrets
    )

    host = await core.end_servers.host(row)
    await host.create(f"{tmp_path}/cert.pem", b"certificate", mode=0o644)

    assert host.where == f"{sshd.user}@127.0.0.1:{sshd.port}"
    assert (tmp_path / "cert.pem").read_bytes() == b"certificate"


async def test_a_challenge_is_looked_at_where_the_probe_says(
    core: Core, sshd: Sshd, web: Web
) -> None:
    settings = sshd.settings(webroot=str(web.root), probe=web.address)
    await core.end_servers.add("web1", kind="ssh", settings=settings, secrets=sshd.secrets)
    await core.mappings.add("www.kmtui.test", server="web1")

    report = await core.end_servers.test("web1")

    assert report[-1].text == f"a challenge file is seen at {web.address} as www.kmtui.test"
    assert all(line.ok for line in report)
    assert list(web.root.rglob("*")) == []

    await core.end_servers.update("web1", settings={"webroot": str(web.directory)})
    assert (await core.end_servers.test("web1"))[-1].ok is False


async def test_a_mapping_may_name_the_web_root_that_the_machine_has_none_of(
    core: Core, sshd: Sshd, web: Web
) -> None:
    row = await core.end_servers.add(
        "web1", kind="ssh", settings=sshd.settings(), secrets=sshd.secrets
    )
    token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

    with pytest.raises(EndServerError, match="no web root") as refused:
        await (await core.end_servers.open(row)).present(token, f"{token}.x")
    opened = await core.end_servers.open(row, webroot=str(web.root))
    handle = await opened.present(token, f"{token}.x")

    assert "--webroot" in refused.value.hint
    assert (web.root / ".well-known" / "acme-challenge" / token).exists()
    # The clean-up knows the machine, not the mapping.
    await (await core.end_servers.open(row)).clean_up(handle)
    assert list(web.root.iterdir()) == []
