"""Import by keys: what would come is shown first, nothing is stored before ctrl+s, then each is
listed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.model import ListQuery
from tests.core.imports.bringing import DIRECTORY, combined
from tests.core.imports.made import certbot_account, certbot_lineage, history, made, written
from tests.core.issuer import NOW
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import NARROW, opened, press, shows, until
from tests.terminal import line_with, raw_text, screen_text

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x"
FORBIDDEN = {"\x1b", "\x07"}


async def fill(pilot: Pilot[Any], **values: str | bool) -> None:
    """Put values into fields of the form; ``_`` stands for ``-``."""
    form = pilot.app.screen.query_one("Form")
    form.set_values({name.replace("_", "-"): value for name, value in values.items()})  # type: ignore[attr-defined]
    await pilot.pause()


async def count(core: Core) -> int:
    return await core.certificates.count(ListQuery(now=NOW))


@pytest.fixture
async def state(core: Core, tmp_path: Path) -> Path:
    """certbot's state: an account, a certificate of three versions, and one that cannot be read."""
    await core.cas.add("example", directory_url=DIRECTORY)
    root = tmp_path / "letsencrypt"
    root.mkdir()
    certbot_lineage(root, "shop", history())
    certbot_account(root, ec.generate_private_key(ec.SECP256R1()))
    written(root / "archive" / "bad" / "cert1.pem", "-----BEGIN CERTIFICATE-----\n")
    return root


@SIZES
async def test_a_state_directory_is_shown_first_and_adopted_by_ctrl_s(
    core: Core, state: Path, size: tuple[int, int]
) -> None:
    async with opened(core, "certificates", size) as pilot:
        # given: the empty inventory names the key
        await shows(pilot, "i     import certificates")
        await press(pilot, "i")
        await shows(pilot, "/etc/letsencrypt")
        await fill(pilot, path=str(state))

        # when: it is looked at
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "1 certificate and 1 account would come")

        # then
        assert "1 cannot be imported" in text
        assert "new" in line_with(pilot.app, " shop ")
        assert "refused" in line_with(pilot.app, "x place")
        assert await count(core) == 0

        # when: it is adopted
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "1 certificate and 1 account came")
        await press(pilot, "ctrl+s")
        await shows(pilot, "it is done: esc goes back")

        # then: back on the list
        await press(pilot, "escape")
        await shows(pilot, "shop")
        assert "1 certificate" in screen_text(pilot.app)
    assert len(await core.certificates.history("shop")) == 3
    assert len(await core.accounts.all()) == 1


async def test_what_is_here_already_stays_and_leaves_nothing_to_adopt(
    core: Core, tmp_path: Path
) -> None:
    path = written(tmp_path / "shop.pem", combined(made("shop.example.org")))
    await core.imports.carry_out(await core.imports.look([str(path)]))
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(path))
        await press(pilot, "ctrl+s")
        await shows(pilot, "nothing would come, 1 here already")
        await press(pilot, "ctrl+s")

        await shows(pilot, "there is nothing new to adopt")


@SIZES
async def test_bad_input_is_told_and_stays(
    core: Core, tmp_path: Path, size: tuple[int, int]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    async with opened(core, "certificates", size) as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await press(pilot, "ctrl+s")
        await shows(pilot, "is needed")
        await fill(pilot, path=nowhere)
        await press(pilot, "ctrl+s")

        await shows(pilot, "cannot read")
        assert pilot.app.screen.query_one("Form").text("path") == nowhere  # type: ignore[attr-defined]


async def test_what_was_refused_before_is_not_told_beside_what_goes_wrong_next(
    core: Core, tmp_path: Path
) -> None:
    # given: a file that holds neither a certificate nor a key
    written(tmp_path / "hostname", "a\n")
    async with opened(core, "certificates") as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(tmp_path / "hostname"))
        await press(pilot, "ctrl+s")
        await shows(pilot, "PEM, DER, PKCS #7 and PKCS #12 files can be read")

        # when: a server is asked instead, and does not answer
        await fill(pilot, path="127.0.0.1:9", live=True)
        await press(pilot, "ctrl+s")

        await shows(pilot, "shows no certificate")
        assert "can be read" not in screen_text(pilot.app)


@SIZES
async def test_a_sealed_file_opens_with_its_password_which_is_never_drawn(
    core: Core, tmp_path: Path, size: tuple[int, int]
) -> None:
    each = made("shop.example.org")
    path = tmp_path / "shop.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"shop", each.key, each.leaf, None, BestAvailableEncryption(b"hunter2x")
        )
    )
    async with opened(core, "certificates", size) as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(path))
        await press(pilot, "ctrl+s")
        await until(
            pilot,
            lambda: "type its password there" in flat(screen_text(pilot.app)),
            "it is not told",
        )

        await fill(pilot, password_file="hunter2x")
        assert "hunter2" not in screen_text(pilot.app)
        await press(pilot, "ctrl+s")
        await shows(pilot, "1 certificate would come")
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "1 certificate came")

    assert "hunter2" not in text
    (version,) = await core.certificates.history("shop.example.org")
    assert version.has_key


async def test_several_paths_are_one_a_line_and_a_key_finds_its_certificate(
    core: Core, tmp_path: Path
) -> None:
    each = made("shop.example.org")
    one = written(tmp_path / "a.crt", each.fullchain_pem)
    other = written(tmp_path / "b.key", each.key_pem)
    async with opened(core, "certificates") as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=f"{one}\n{other}\n")
        await press(pilot, "ctrl+s")
        await shows(pilot, "1 certificate would come")
        await press(pilot, "ctrl+s")
        await shows(pilot, "1 certificate came")

    (version,) = await core.certificates.history("shop.example.org")
    assert version.has_key


async def test_a_server_that_does_not_answer_is_told(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path="127.0.0.1:9", live=True)
        await until(pilot, lambda: "Password" not in screen_text(pilot.app), "it asks for one")
        await press(pilot, "ctrl+s")

        await shows(pilot, "127.0.0.1:9")
        await until(pilot, lambda: "refused" in screen_text(pilot.app).lower(), "it is not told")
        assert await count(core) == 0


async def test_with_a_locked_vault_the_key_says_so(core: Core) -> None:
    core.access.lock()
    async with opened(core, "certificates") as pilot:
        await press(pilot, "i")

        await shows(pilot, "import: vault is locked: L unlocks")


@SIZES
async def test_hostile_files_obey_nothing(
    core: Core, tmp_path: Path, size: tuple[int, int]
) -> None:
    root = tmp_path / "letsencrypt"
    root.mkdir()
    certbot_lineage(root, HOSTILE.replace("/", "|"), [made("shop.example.org")])
    written(root / "archive" / "b\x1b[31md" / "cert1.pem", "-----BEGIN CERTIFICATE-----\n")
    async with opened(core, "certificates", size) as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(root))
        await press(pilot, "ctrl+s")
        await shows(pilot, "would come")
        for key in ("", "down", "ctrl+s", "up", "enter"):
            if key:
                await press(pilot, key)
            assert not FORBIDDEN & set(raw_text(pilot.app))


async def test_esc_leads_back_to_what_was_typed(core: Core, state: Path) -> None:
    async with opened(core, "certificates", NARROW) as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(state))
        await press(pilot, "ctrl+s")
        await shows(pilot, "would come")
        await press(pilot, "escape")

        await shows(pilot, "Nothing is reissued")
        assert pilot.app.screen.query_one("Form").text("path") == str(state)  # type: ignore[attr-defined]
    assert await count(core) == 0


async def test_an_import_that_ends_after_it_was_left_is_told(
    core: Core, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = asyncio.Event()
    carry_out = core.imports.carry_out

    async def slow(found: Any) -> Any:
        await free.wait()
        return await carry_out(found)

    monkeypatch.setattr(core.imports, "carry_out", slow)
    async with opened(core, "certificates", NARROW) as pilot:
        await press(pilot, "i")
        await shows(pilot, "certbot")
        await fill(pilot, path=str(state))
        await press(pilot, "ctrl+s")
        await shows(pilot, "would come")
        await press(pilot, "ctrl+s", "escape", "escape")
        await shows(pilot, "No certificates yet.")

        free.set()
        await shows(pilot, "import: 1 certificate and 1 account came")
