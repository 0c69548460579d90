"""One certificate: its versions and attempts, from a request in the sandbox to the PEM."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.model import Problem, RequestKind, RequestSpec, RequestStatus
from kmtui.screens.certificate import CertificateScreen
from kmtui.screens.version import VersionScreen, read_chain
from tests.core.conftest import Bench
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows
from tests.terminal import line_with


async def obtain(bench: Bench, kind: RequestKind = RequestKind.ISSUE) -> None:
    """One more version of api.kmtui.test, not saved."""
    spec = RequestSpec(names=("api.kmtui.test", "*.kmtui.test"), account="practice")
    request = await bench.core.requests.create(spec, kind=kind)
    await bench.core.requests.wait(request.id, seconds=30)


async def open_certificate(pilot: Pilot[Any]) -> str:
    await shows(pilot, "1 certificate")
    await press(pilot, "enter")
    return await shows(pilot, "Versions ")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_it_shows_names_state_and_history(bench: Bench, size: tuple[int, int]) -> None:
    await obtain(bench)
    await bench.core.certificates.save("api.kmtui.test")

    async with opened(bench.core, "certificates", size) as pilot:
        text = await open_certificate(pilot)
        assert "Certificates > api.kmtui.test" in text
        assert "names    api.kmtui.test  *.kmtui.test" in text
        assert "valid until" in text
        assert "not due before" in text
        assert "auto-renew on · auto-save ask · practice · ec256" in text
        assert "Versions 1   Attempts 1   Targets 0" in text
        assert line_with(pilot.app, "+ v1").split()[2] == "current"
        assert ("version 1 is saved" in text) == (size == WIDE)


async def test_at_80_columns_tab_goes_to_the_attempts_the_targets_and_back(bench: Bench) -> None:
    await obtain(bench)

    async with opened(bench.core, "certificates") as pilot:
        await open_certificate(pilot)
        text = await press(pilot, "tab")
        assert "version 1 is available" in text
        assert "ISSUED" not in text
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "attempts"

        await press(pilot, "enter")
        assert type(pilot.app.screen).__name__ == "RequestScreen"

        await press(pilot, "escape")
        assert "No targets yet. n adds one" in await press(pilot, "tab")
        assert "ISSUED" in await press(pilot, "tab")


async def test_the_pane_tells_about_the_row_that_has_the_cursor(bench: Bench) -> None:
    await obtain(bench)

    async with opened(bench.core, "certificates", WIDE) as pilot:
        await open_certificate(pilot)
        text = await shows(pilot, "sha256")
        assert "kmtui sandbox" in line_with(pilot.app, "chain")
        assert "not yet" in text

        await press(pilot, "tab")
        assert "order" in await shows(pilot, "#1 issue")


async def test_s_saves_and_the_screen_follows(bench: Bench) -> None:
    await obtain(bench)

    async with opened(bench.core, "certificates") as pilot:
        await open_certificate(pilot)
        await press(pilot, "s")
        await shows(pilot, "v1 is current now")
        assert "+ v1" in await shows(pilot, "valid until")

        assert "save: every version is saved" in await press(pilot, "s")


async def test_a_new_version_appears_by_itself(bench: Bench) -> None:
    await obtain(bench)
    await bench.core.certificates.save("api.kmtui.test")

    async with opened(bench.core, "certificates") as pilot:
        await open_certificate(pilot)
        await obtain(bench, RequestKind.RENEW)
        text = await shows(pilot, "Versions 2   Attempts 2")

        assert "* v2" in text
        assert "+ v1" in text


async def test_an_attempt_that_failed_keeps_the_words_of_the_ca(core: Core, filled: Filled) -> None:
    certificate = filled.certificate("shop.example.org")
    problem = Problem(
        type="urn:ietf:params:acme:error:dns",
        detail="NXDOMAIN for [/b]\x1b[31m",
        what="The CA could not find the DNS record.",
    )
    filled.request(
        "shop.example.org",
        certificate_id=certificate.id,
        status=RequestStatus.FAILED,
        problem=problem,
    )

    async with opened(core, "certificates", WIDE) as pilot:
        await open_certificate(pilot)
        await press(pilot, "tab")
        text = await shows(pilot, "The CA could not find")

    assert "dns: NXDOMAIN for [/b]" in text
    assert "\x1b" not in text


async def test_a_certificate_that_is_gone_is_said_to_be(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        await pilot.app.push_screen(CertificateScreen("0000"))
        await shows(pilot, "no certificate '0000'")


async def test_the_version_shows_text_chain_and_pem(bench: Bench) -> None:
    await obtain(bench)
    version = await bench.core.certificates.version("api.kmtui.test", 1)

    async with opened(bench.core, "certificates") as pilot:
        await open_certificate(pilot)
        await press(pilot, "enter")
        text = await shows(pilot, "The certificate says")
        assert "Certificates > api.kmtui.test > v1" in text
        assert isinstance(pilot.app.screen, VersionScreen)
        assert version.serial in text
        assert "*.kmtui.test" in text
        assert "Key usage" in await press(pilot, "G")

        text = await press(pilot, "tab")
        assert "Subject               CN=api.kmtui.test" in text
        assert "a CA" in await press(pilot, "G")

        assert version.chain_pem.splitlines()[1] in await press(pilot, "tab")
        assert "-----END CERTIFICATE-----" in await press(pilot, "ctrl+d", "G", "k")
        assert "The certificate says" in await press(pilot, "tab")


async def test_y_copies_the_whole_chain(bench: Bench) -> None:
    await obtain(bench)
    version = await bench.core.certificates.version("api.kmtui.test", 1)

    async with opened(bench.core, "certificates") as pilot:
        await open_certificate(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == version.serial

        await press(pilot, "enter")
        await shows(pilot, "The certificate says")
        await press(pilot, "y")
        assert pilot.app.clipboard == version.chain_pem


def test_a_chain_that_cannot_be_read_says_why() -> None:
    chain = read_chain("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    assert chain.line.startswith("unreadable certificate")
    assert chain.descriptions == ()
