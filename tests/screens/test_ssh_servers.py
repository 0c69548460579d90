"""SSH servers on the screen: no key is trusted but by a typed yes, and a changed one stops all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from kmtui.core.core import Core
from kmtui.model import ListQuery
from kmtui.screens.server_form import ServerForm
from tests.core.conftest import core
from tests.screens.workbench import NARROW, WIDE, opened, press, press_all, shows, until
from tests.servers.sshd import Sshd

__all__ = ["core"]


async def audited(core: Core, what: str) -> str:
    lines = await core.activity.page(ListQuery(now=datetime.now(UTC), text=f"what:{what}"))
    return lines[0].detail


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_unknown_host_key_is_pinned_by_a_typed_yes(
    core: Core, sshd: Sshd, size: tuple[int, int]
) -> None:
    async with opened(core, "servers", size) as pilot:
        # given: all but a host key
        await press(pilot, "n", "tab", "right")
        await shows(pilot, "Private key")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        form.form.set_values({"name": "web1", "host": "127.0.0.1", "port": str(sshd.port)})
        form.form.set_values({"user": sshd.user, "identity": sshd.identity})

        # when
        await press(pilot, "ctrl+s")

        # then: it is shown, and nothing was sent
        text = await shows(pilot, "UNKNOWN HOST KEY")
        assert sshd.fingerprint() in text
        assert "ssh-ed25519" in text
        logins = sshd.logins

        # when: something else is typed
        await press_all(pilot, "y")
        await press(pilot, "enter")
        assert "UNKNOWN HOST KEY" in await shows(pilot, "off until it matches")
        await press_all(pilot, "es")
        await press(pilot, "enter")

        # then
        await shows(pilot, "web1 added")
        assert sshd.logins == logins
        server = await core.end_servers.get("web1")
        assert server.settings["host_key"] == sshd.fingerprint()
        assert sshd.fingerprint() in await audited(core, "server")

        # when / then: a test logs in, and the sheet tells who pinned the key
        await press(pilot, "t")
        await shows(pilot, "the test went well")
        await shows(pilot, "pinned 20")


async def test_who_does_not_type_yes_trusts_nothing(core: Core, sshd: Sshd) -> None:
    async with opened(core, "servers") as pilot:
        await press(pilot, "n", "tab", "right")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        form.form.set_values({"name": "web1", "host": "127.0.0.1", "port": str(sshd.port)})
        form.form.set_values({"user": sshd.user, "identity": sshd.identity})

        await press(pilot, "ctrl+s")
        await shows(pilot, "UNKNOWN HOST KEY")
        await press(pilot, "escape")

        assert await core.end_servers.all() == []
        assert form.form.text("host") == "127.0.0.1"


async def test_the_key_is_told_beside_the_form_once_host_and_user_are_typed(
    core: Core, sshd: Sshd
) -> None:
    async with opened(core, "servers", WIDE) as pilot:
        await press(pilot, "n", "tab", "right", "tab")
        await press_all(pilot, "127.0.0.1")
        await press(pilot, "tab", "backspace", "backspace")
        await press_all(pilot, str(sshd.port))
        await press(pilot, "tab")
        await press_all(pilot, sshd.user)
        await press(pilot, "tab")

        text = await shows(pilot, "not pinned yet")
        assert sshd.fingerprint()[:30] in text.replace("\n", "")


async def test_a_changed_host_key_stops_everything_until_another_yes_is_typed(
    core: Core, sshd_factory: Callable[..., Sshd]
) -> None:
    # given: a server that was set up, and then got another key
    sshd = sshd_factory()
    pinned = sshd.fingerprint()
    await core.end_servers.add(
        "web1", kind="ssh", settings=sshd.settings(), secrets=dict(sshd.secrets)
    )
    sshd.stop()
    sshd.renew_host_key()
    sshd.start()
    async with opened(core, "servers", WIDE) as pilot:
        # when
        await press(pilot, "t")

        # then: both keys, and since when the old one is pinned
        text = await shows(pilot, "it is another one: nothing was sent")
        assert pinned in text
        assert sshd.fingerprint() in text
        assert "pinned 20" in text
        assert sshd.logins == 0

        # when: other settings are changed, the pin stays
        await press(pilot, "E")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        await shows(pilot, "shown now")
        form.form.set_values({"webroot": "/var/www/html"})
        await press(pilot, "ctrl+s")
        await shows(pilot, "web1 changed")
        assert (await core.end_servers.get("web1")).settings["host_key"] == pinned

        # when: the pin is emptied, and yes is typed
        await press(pilot, "E")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        form.form.set_values({"host_key": ""})
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "ANOTHER HOST KEY")
        assert pinned in text
        await press_all(pilot, "yes")
        await press(pilot, "enter")

        # then
        await shows(pilot, "web1 changed")
        assert (await core.end_servers.get("web1")).settings["host_key"] == sshd.fingerprint()
        assert sshd.fingerprint() in await audited(core, "server")
        await press(pilot, "t")
        await until(pilot, lambda: sshd.logins > 0, "nobody logged in")


async def test_secrets_stay_unless_others_are_typed(core: Core, sshd: Sshd) -> None:
    await core.end_servers.add(
        "web1", kind="ssh", settings=sshd.settings(), secrets=dict(sshd.secrets)
    )
    async with opened(core, "servers") as pilot:
        # when: it is edited, and its key is exchanged for a password
        await press(pilot, "E")
        await shows(pilot, "stored; empty keeps it")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        form.form.set_values({"password": "correct horse"})
        await press(pilot, "ctrl+s")

        # then: both cannot be
        text = await shows(pilot, "identity and password are given")
        assert "correct horse" not in text

        # when
        form.form.set_values({"identity": "-"})
        await press(pilot, "ctrl+s")

        # then
        await shows(pilot, "web1 changed")
        server = await core.end_servers.get("web1")
        assert server.secret_names == ("password",)
        assert await audited(core, "server") == "identity, password"


async def test_a_server_that_does_not_answer_is_said_and_what_was_typed_stays(
    core: Core, sshd_factory: Callable[..., Sshd]
) -> None:
    sshd = sshd_factory()
    sshd.stop()
    async with opened(core, "servers") as pilot:
        await press(pilot, "n", "tab", "right")
        form = pilot.app.screen
        assert isinstance(form, ServerForm)
        form.form.set_values({"name": "web1", "host": "127.0.0.1", "port": str(sshd.port)})
        form.form.set_values({"user": "deploy", "password": "correct horse"})

        await press(pilot, "ctrl+s")

        await shows(pilot, "cannot be reached")
        assert form.form.text("user") == "deploy"
