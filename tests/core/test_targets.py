"""Targets as an operator sets them up: what is taken, what is refused and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.core import Core
from kmtui.core.deployment.settings import CHECKS, parse_mode
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.events import Event, TargetChanged
from kmtui.model import ListQuery, TargetState
from tests.core.deployment import stock


@pytest.fixture
async def shop(core: Core, tmp_path: Path) -> Core:
    """A certificate `shop` with a version, and the end servers `web` and `listener`."""
    await core.end_servers.add("web", kind="local", settings={"webroot": str(tmp_path)})
    await core.end_servers.add("listener", kind="standalone", settings={"listen": "127.0.0.1:8080"})
    await stock.version(core, await stock.certificate(core, "shop"))
    return core


async def test_a_target_is_stored_as_it_was_asked_for_and_due(shop: Core) -> None:
    heard: list[Event] = []
    shop.bus.subscribe(heard.append)

    target = await shop.targets.add(
        "shop",
        "web1",
        server="web",
        directory="//etc//tls/shop/",
        layout="versioned",
        owner="root:ssl-cert",
        mode=0o600,
        check_command=" nginx -t ",
        reload_command="systemctl reload nginx",
        verify="www.example.org",
    )

    assert await shop.targets.get("shop", "web1") == target
    assert (target.directory, target.layout, target.mode) == ("/etc/tls/shop", "versioned", 0o600)
    assert (target.owner, target.check_command) == ("root:ssl-cert", "nginx -t")
    assert (target.server, target.verify) == ("web", "www.example.org:443")
    assert (target.state, target.wanted_version) == (TargetState.WAITING, 1)
    assert target.next_attempt_at == target.created_at
    assert heard == [TargetChanged(target.id)]
    assert await shop.configuration.broken() == []
    assert shop.jobs.running == (), "it is put there by who is told to, or by the next run"


async def test_a_certificate_without_a_version_waits_for_one(core: Core) -> None:
    certificate = await stock.certificate(core, "new")
    target = await core.targets.add("new", "lb", hook="/bin/true")
    assert (target.wanted_version, target.next_attempt_at) == (None, None)

    await stock.version(core, certificate)

    assert (await core.targets.get("new", "lb")).wanted_version == 1


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"server": "web"}, "dir"),
        ({"server": "web", "directory": "relative"}, "dir"),
        ({"server": "web", "directory": "/"}, "dir"),
        ({"server": "web", "directory": "/etc/../root"}, "dir"),
        ({"server": "web", "directory": "/etc/a\nb"}, "dir"),
        ({"server": "web", "directory": "/etc/tls", "layout": "flat"}, "layout"),
        ({"server": "web", "directory": "/etc/tls", "layout": ""}, "layout"),
        ({"server": "web", "directory": "/etc/tls", "mode": 0o644}, "mode"),
        ({"server": "web", "directory": "/etc/tls", "mode": 0o750}, "mode"),
        ({"server": "web", "directory": "/etc/tls", "mode": 0o040}, "mode"),
        ({"server": "web", "directory": "/etc/tls", "owner": "root:"}, "owner"),
        ({"server": "web", "directory": "/etc/tls", "owner": "-R:x"}, "owner"),
        ({"server": "web", "directory": "/etc/tls", "owner": "a b"}, "owner"),
        ({"server": "web", "directory": "/etc/tls", "check_command": "a\nb"}, "check"),
        ({"server": "web", "directory": "/etc/tls", "reload_command": "a\0b"}, "reload"),
        ({"server": "web", "directory": "/etc/tls", "verify": ":443"}, "verify"),
        ({"server": "web", "directory": "/etc/tls", "verify": "a b"}, "verify"),
        ({"server": "web", "directory": "/etc/tls", "name": "../x"}, "name"),
        ({"server": "web", "directory": "/etc/tls", "name": ".hidden"}, "name"),
        ({}, "server"),
        ({"server": "web", "hook": "/bin/true", "directory": "/etc/tls"}, "server"),
        ({"hook": "true"}, "exec"),
        ({"hook": "/bin/echo 'unclosed"}, "exec"),
        ({"hook": "/bin/true", "directory": "/etc/tls"}, "dir"),
        ({"hook": "/bin/true", "layout": "combined"}, "layout"),
        ({"hook": "/bin/true", "mode": 0o600}, "mode"),
        ({"hook": "/bin/true", "reload_command": "x"}, "reload"),
        ({"hook": "/bin/true", "adopt": True}, "adopt"),
    ],
)
async def test_what_cannot_be_is_refused_naming_the_option(
    shop: Core, settings: dict[str, Any], field: str
) -> None:
    name = settings.pop("name", "web1")

    with pytest.raises(InvalidInput) as caught:
        await shop.targets.add("shop", name, **settings)

    assert caught.value.field == field
    assert await shop.targets.all() == []


async def test_a_listener_takes_no_certificates(shop: Core) -> None:
    with pytest.raises(Refused, match="certificates cannot be put there"):
        await shop.targets.add("shop", "web1", server="listener", directory="/etc/tls")


async def test_names_and_places_are_used_once(shop: Core) -> None:
    await stock.certificate(shop, "mail")
    await shop.targets.add("shop", "web1", server="web", directory="/etc/tls")

    with pytest.raises(InvalidInput) as caught:
        await shop.targets.add("shop", "web1", server="web", directory="/etc/other")
    with pytest.raises(Refused, match="another target has this directory"):
        await shop.targets.add("mail", "web1", server="web", directory="/etc/tls")
    with pytest.raises(NotFound):
        await shop.targets.add("nobody", "web1", server="web", directory="/etc/x")
    with pytest.raises(NotFound):
        await shop.targets.add("shop", "web2", server="nobody", directory="/etc/x")

    assert caught.value.field == "name"


async def test_changed_settings_are_sealed_and_make_it_due_again(shop: Core) -> None:
    await shop.targets.add("shop", "web1", server="web", directory="/etc/tls")

    changed = await shop.targets.update("shop", "web1", mode=0o600, reload_command="", adopt=True)

    assert (changed.mode, changed.adopt, changed.directory) == (0o600, True, "/etc/tls")
    assert changed.next_attempt_at is not None
    assert await shop.configuration.broken() == []
    with pytest.raises(InvalidInput) as caught:
        await shop.targets.update("shop", "web1", mode=0o666)
    assert caught.value.field == "mode"
    with pytest.raises(InvalidInput, match="nothing to change"):
        await shop.targets.update("shop", "web1")
    with pytest.raises(TypeError):
        await shop.targets.update("shop", "web1", directory="/elsewhere")


async def test_a_deleted_target_is_forgotten_but_not_its_history(shop: Core) -> None:
    target = await shop.targets.add("shop", "web1", hook="/bin/true")
    await shop.deployments.wait([row.id for row in await shop.deployments.deploy("shop")])

    await shop.targets.delete("shop", "web1")

    with pytest.raises(NotFound, match="no target 'web1'"):
        await shop.targets.get("shop", "web1")
    (attempt,) = await shop.targets.history("shop")
    assert (attempt.target_id, attempt.target, attempt.outcome) == (target.id, "web1", "deployed")
    words = [row.action for row in await shop.activity.page(ListQuery(now=target.created_at))]
    assert words[:4] == ["target delete", "deploy", "deploy", "deploy by hand"]


async def test_an_end_server_knows_its_targets(shop: Core) -> None:
    await shop.targets.add("shop", "web1", server="web", directory="/etc/tls")

    assert [row.name for row in await shop.targets.of_server("web")] == ["web1"]
    assert (await shop.end_servers.get("web")).targets == 1
    with pytest.raises(Refused, match="web receives the targets shop web1"):
        await shop.end_servers.delete("web")


@pytest.mark.parametrize(("text", "mode"), [("0640", 0o640), ("600", 0o600), ("0777", 0o777)])
def test_modes_are_octal(text: str, mode: int) -> None:
    assert parse_mode(text) == mode


@pytest.mark.parametrize("text", ["", "rw", "0o640", "648", "64", "00640"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_mode(text)
    assert caught.value.field == "mode"


@given(st.text(max_size=80))
def test_a_directory_that_is_taken_is_absolute_and_leads_nowhere_else(text: str) -> None:
    try:
        taken = CHECKS["directory"](text)
    except InvalidInput:
        return
    assert taken == "" or taken.startswith("/")
    assert {"", ".", ".."}.isdisjoint(taken.split("/")[1:])
    assert taken.isprintable() or not any(char < " " for char in taken)


@given(st.text(max_size=70))
def test_a_name_that_is_taken_is_a_plain_file_name(text: str) -> None:
    try:
        taken = CHECKS["name"](text)
    except InvalidInput:
        return
    assert taken == text
    assert taken.isascii()
    assert not {"/", "\0", " "} & set(taken)
    assert not taken.startswith((".", "-"))


@given(st.integers(min_value=0, max_value=0o7777))
def test_no_mode_lets_others_have_the_key(mode: int) -> None:
    try:
        taken = CHECKS["mode"](mode)
    except InvalidInput:
        return
    assert taken & 0o400
    assert not taken & 0o117
