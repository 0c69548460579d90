"""Where exports go: private whatever the umask, over nothing that is there, and not astray."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.formats.registry import FORMATS
from kmtui.db.files import FILE_NAME
from tests.core.deployment import stock
from tests.core.test_export import wish

SHOP, MAIL = "shop.example.org", "mail.example.org"


@pytest.fixture
async def two(core: Core) -> Core:
    """Two certificates with a version each."""
    for name in (SHOP, MAIL):
        await stock.version(core, await stock.certificate(core, name))
    return core


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def everything(folder: Path, *, but_in: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if but_in not in path.parents}


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob("**/.*"))


@pytest.mark.parametrize("format_", FORMATS)
async def test_every_file_is_private_whatever_the_umask(
    two: Core, tmp_path: Path, umask: int, format_: str
) -> None:
    out = tmp_path / "out"
    with_key = format_ in ("pem", "der")

    done = await two.exports.export([SHOP, MAIL], wish(out, format_, with_key=with_key))
    done += await two.exports.export([SHOP], wish(tmp_path / "one", format_))
    done += await two.exports.export([SHOP], wish(tmp_path / "one", format_, replace=True))

    written = [path for each in done for path in each.files]
    assert [each.error for each in done] == [None] * 4
    assert {mode(path) for path in written} == {0o600}
    assert {mode(path) for path in (out, out / SHOP, out / MAIL)} == {0o700}
    assert hidden(tmp_path) == []


async def test_of_a_bulk_export_nothing_that_is_there_is_overwritten(
    two: Core, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / SHOP).mkdir(parents=True)
    (out / SHOP / "chain.pem").write_text("precious")

    shop, mail = await two.exports.export([SHOP, MAIL], wish(out))
    kept = {path.name: path.read_text() for path in (out / SHOP).iterdir()}
    again = await two.exports.export([SHOP, MAIL], wish(out, replace=True))

    assert isinstance(shop.error, Refused)
    assert "chain.pem" in shop.error.message
    assert mail.error is None
    assert kept == {"chain.pem": "precious"}
    assert [each.error for each in again] == [None, None]
    assert "BEGIN CERTIFICATE" in (out / SHOP / "chain.pem").read_text()


@pytest.mark.parametrize("format_", FORMATS)
async def test_a_link_to_nowhere_is_something_that_is_there(
    two: Core, tmp_path: Path, format_: str
) -> None:
    out = tmp_path / "out"
    out.symlink_to(tmp_path / "nowhere")

    (refused,) = await two.exports.export([SHOP], wish(out, format_))

    assert isinstance(refused.error, Refused)
    assert out.is_symlink()
    assert not (tmp_path / "nowhere").exists()


async def test_a_bulk_export_follows_no_link_to_another_directory(
    two: Core, tmp_path: Path
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / SHOP).symlink_to(elsewhere)

    shop, mail = await two.exports.export([SHOP, MAIL], wish(out, with_key=True, replace=True))

    assert isinstance(shop.error, InvalidInput)
    assert mail.error is None
    assert list(elsewhere.iterdir()) == []


async def test_the_inventory_itself_is_never_replaced(two: Core, tmp_path: Path) -> None:
    place = two.data / FILE_NAME
    before = place.stat().st_ino
    (tmp_path / "way").symlink_to(two.data)

    for path in (place, tmp_path / "way" / FILE_NAME):
        (refused,) = await two.exports.export([SHOP], wish(path, replace=True))
        assert isinstance(refused.error, InvalidInput)
        assert "inventory" in refused.error.message

    assert place.stat().st_ino == before


@pytest.mark.parametrize(
    "label", ["../../up", "a\nb", "/etc/x", ".", "..", "a/../b", "\x1b]0;x\x07"]
)
async def test_a_label_leads_out_of_no_directory_and_forges_no_line(
    two: Core, tmp_path: Path, label: str
) -> None:
    await two.certificates.set(SHOP, name=label)
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    before = everything(tmp_path, but_in=out)

    done = await two.exports.export([label, MAIL], wish(out, "p12"))

    after = everything(tmp_path, but_in=out)
    assert [each.error for each in done] == [None, None]
    assert after - before == {out}
    assert len(list(out.iterdir())) == 2
    assert all(path.name.isascii() and path.name.isprintable() for path in out.iterdir())
