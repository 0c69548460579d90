"""Exports: what the files hold, who can read them, what is never overwritten, and the trail."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs7, pkcs12

from kmtui.core import inspection, keys
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, NotFound, Refused, VaultLocked
from kmtui.core.export import ExportWish, folder_of, new_password, password_advice
from kmtui.core.formats.registry import FORMATS
from kmtui.model import Activity, ListQuery, Version
from kmtui.text import Secret
from tests.core.deployment import stock
from tests.db import samples

PASSWORD = Secret("a long pass phrase ü")


@pytest.fixture
async def shop(core: Core) -> Version:
    """A certificate with one current version."""
    return await stock.version(core, await stock.certificate(core, "shop.example.org"))


def wish(out: Path, format_: str = "pem", **fields: object) -> ExportWish:
    password = PASSWORD if FORMATS[format_].sealed else None
    return replace(ExportWish(format=format_, out=out, password=password), **fields)  # type: ignore[arg-type]


async def chain_of(core: Core, version: Version) -> list[x509.Certificate]:
    stored = await core.certificates.version(version.certificate_id, version.number)
    return list(inspection.parse_chain(stored.chain_pem))


async def key_of(core: Core, version: Version) -> keys.PrivateKey:
    return keys.load_private_key(await core.certificates.private_key_pem(version))


async def trail(core: Core) -> list[Activity]:
    """The exports of the trail, oldest first."""
    lines = await core.activity.page(ListQuery(now=core.context.clock(), text="what:export"))
    return lines[::-1]


async def test_a_pem_file_has_the_chain_and_the_key_only_when_asked(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    await core.exports.export(["shop.example.org"], wish(tmp_path / "chain.pem"))
    (done,) = await core.exports.export(
        ["shop.example.org"], wish(tmp_path / "combined.pem", with_key=True)
    )

    chain, key = await chain_of(core, shop), await core.certificates.private_key_pem(shop)
    assert (tmp_path / "chain.pem").read_text() == inspection.chain_pem(chain)
    assert (tmp_path / "combined.pem").read_bytes() == key + (tmp_path / "chain.pem").read_bytes()
    assert (done.version, done.files, done.has_key) == (1, (tmp_path / "combined.pem",), True)


@pytest.mark.parametrize(
    ("format_", "with_key", "names"),
    [
        ("pem", False, {"cert.pem", "chain.pem", "fullchain.pem"}),
        ("pem", True, {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"}),
        ("der", False, {"cert.der"}),
        ("der", True, {"cert.der", "privkey.der"}),
        ("p7b", False, {"cert.p7b"}),
        ("p12", False, {"cert.p12"}),
        ("jks", False, {"cert.jks"}),
    ],
)
async def test_a_directory_gets_a_file_for_each_part(
    core: Core, shop: Version, tmp_path: Path, format_: str, with_key: bool, names: set[str]
) -> None:
    out = tmp_path / "out"

    await core.exports.export(
        ["shop.example.org"], wish(out, format_, directory=True, with_key=with_key)
    )

    assert {path.name for path in out.iterdir()} == names
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


async def test_the_der_files_are_the_certificate_and_its_key(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    await core.exports.export(
        ["shop.example.org"], wish(tmp_path, "der", directory=True, with_key=True)
    )

    leaf = x509.load_der_x509_certificate((tmp_path / "cert.der").read_bytes())
    key = load_der_private_key((tmp_path / "privkey.der").read_bytes(), None)
    assert leaf == (await chain_of(core, shop))[0]
    assert keys.spki(key) == keys.spki(leaf.public_key())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("leaf", "cert.pem"),
        ("chain", "chain.pem"),
        ("fullchain", "fullchain.pem"),
        ("key", "privkey.pem"),
    ],
)
async def test_one_part_alone_is_what_a_directory_has_under_its_name(
    core: Core, shop: Version, tmp_path: Path, part: str, file: str
) -> None:
    all_of_it = wish(tmp_path / "all", directory=True, with_key=True)
    await core.exports.export(["shop.example.org"], all_of_it)

    (done,) = await core.exports.export(
        ["shop.example.org"], wish(tmp_path / "alone.pem", part=part)
    )
    await core.exports.export(
        ["shop.example.org"], wish(tmp_path / "one", directory=True, part=part)
    )

    alone = (tmp_path / "alone.pem").read_bytes()
    assert alone == (tmp_path / "all" / file).read_bytes()
    assert done.has_key == (b"PRIVATE KEY" in alone) == (part == "key")
    assert stat.S_IMODE((tmp_path / "alone.pem").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "one").iterdir()] == [file]
    assert f"({part})" in (await trail(core))[-1].detail


@pytest.mark.parametrize(
    ("format_", "part", "with_key", "field"),
    [
        ("pem", "root", False, "part"),
        ("p12", "leaf", False, "part"),
        ("der", "chain", False, "part"),
        ("pem", "chain", True, "with-key"),
    ],
)
async def test_a_part_that_makes_no_sense_writes_nothing(
    core: Core, shop: Version, tmp_path: Path, format_: str, part: str, with_key: bool, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await core.exports.export(
            ["shop.example.org"], wish(tmp_path / "out", format_, part=part, with_key=with_key)
        )

    assert refused.value.field == field
    assert not (tmp_path / "out").exists()


async def test_pkcs7_has_the_whole_chain_for_two_readers(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    out = tmp_path / "chain.p7b"

    await core.exports.export(["shop.example.org"], wish(out, "p7b"))

    chain = await chain_of(core, shop)
    assert set(pkcs7.load_pem_pkcs7_certificates(out.read_bytes())) == set(chain)
    printed = openssl("pkcs7", "-in", out, "-print_certs")
    assert set(inspection.parse_chain(printed)) == set(chain)


@pytest.mark.parametrize("format_", ["p12", "p12-legacy"])
async def test_pkcs12_opens_with_its_password_alone(
    core: Core, shop: Version, tmp_path: Path, format_: str
) -> None:
    out = tmp_path / "store.p12"

    await core.exports.export(["shop.example.org"], wish(out, format_))

    key, leaf, issuers = pkcs12.load_key_and_certificates(
        out.read_bytes(), PASSWORD.reveal().encode()
    )
    assert leaf is not None
    assert [leaf, *issuers] == await chain_of(core, shop)
    assert keys.spki(key) == keys.spki(await key_of(core, shop))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_key_and_certificates(out.read_bytes(), b"guessed")


@pytest.mark.parametrize(
    ("format_", "ciphers", "without"),
    [
        ("p12", {"AES-256-CBC", "hmacWithSHA256", "MAC: sha256", "Iteration 50000"}, "TripleDES"),
        ("p12-legacy", {"pbeWithSHA1And3-KeyTripleDES-CBC", "MAC: sha1"}, "AES"),
    ],
)
async def test_openssl_finds_the_ciphers_that_the_name_promises(
    core: Core, shop: Version, tmp_path: Path, format_: str, ciphers: set[str], without: str
) -> None:
    out = tmp_path / "store.p12"
    password = tmp_path / "password"
    password.write_text(PASSWORD.reveal())

    await core.exports.export(["shop.example.org"], wish(out, format_))

    told = openssl("pkcs12", "-in", out, "-info", "-noenc", "-passin", f"file:{password}")
    assert {cipher for cipher in ciphers if cipher in told} == ciphers
    assert without not in told
    begin = told.index("-----BEGIN PRIVATE KEY-----")
    assert keys.spki(keys.load_private_key(told[begin:].encode())) == keys.spki(
        await key_of(core, shop)
    )


def openssl(*arguments: str | Path) -> str:
    """What openssl says, with both of its outputs: -info tells on the second."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stderr + done.stdout


@pytest.mark.parametrize("format_", FORMATS)
async def test_nothing_is_overwritten_unless_it_is_to_be_replaced(
    core: Core, shop: Version, tmp_path: Path, format_: str
) -> None:
    out = tmp_path / "taken"
    out.write_text("precious")

    (refused,) = await core.exports.export(["shop.example.org"], wish(out, format_))
    assert isinstance(refused.error, Refused)
    assert out.read_text() == "precious"

    (done,) = await core.exports.export(["shop.example.org"], wish(out, format_, replace=True))
    assert done.error is None
    assert out.read_bytes() != b"precious"
    assert (os.listdir(tmp_path).count("taken"), stat.S_IMODE(out.stat().st_mode)) == (1, 0o600)


async def test_a_directory_that_has_one_of_the_files_gets_none_of_them(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "privkey.pem").write_text("precious")

    (refused,) = await core.exports.export(
        ["shop.example.org"], wish(tmp_path / "out", directory=True, with_key=True)
    )

    assert isinstance(refused.error, Refused)
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["precious"]


async def test_a_link_does_not_lead_the_files_away(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "out.pem").symlink_to(tmp_path / "elsewhere")

    await core.exports.export(["shop.example.org"], wish(tmp_path / "out.pem", replace=True))

    assert not (tmp_path / "out.pem").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "precious"


async def test_another_version_than_the_current_one_is_written_when_named(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    await stock.version(core, await core.certificates.get("shop.example.org"))

    await core.exports.export(["shop.example.org"], wish(tmp_path / "current.pem"))
    await core.exports.export(["shop.example.org"], wish(tmp_path / "first.pem", version=1))
    (missing,) = await core.exports.export(
        ["shop.example.org"], wish(tmp_path / "third.pem", version=3)
    )

    (first, *_) = inspection.parse_chain((tmp_path / "first.pem").read_bytes())
    (current, *_) = inspection.parse_chain((tmp_path / "current.pem").read_bytes())
    assert inspection.facts(first).sha256 == shop.sha256
    assert inspection.facts(current).sha256 != shop.sha256
    assert isinstance(missing.error, NotFound)


async def test_several_get_a_directory_each_and_one_failure_stops_none(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    wild = await stock.certificate(core, "*.example.org")
    await stock.version(core, wild)
    await stock.version(core, await stock.certificate(core, "no.example.org"), with_key=False)
    await stock.certificate(core, "empty.example.org")
    words = ["shop.example.org", wild.id, "no.example.org", "empty.example.org", shop.certificate]

    done = await core.exports.export(words, wish(tmp_path / "all", "p12"))

    assert {each.certificate.name: type(each.error) for each in done} == {
        "shop.example.org": type(None),
        "*.example.org": type(None),
        "no.example.org": Refused,
        "empty.example.org": NotFound,
    }
    assert {path.name for path in (tmp_path / "all").iterdir()} == {
        "shop.example.org",
        f"wildcard.example.org-{wild.id[:8]}",
    }


@pytest.mark.parametrize("label", ["../../etc/passwd", ".ssh", "-rf", "a/b", "ü", "\x1b[2J", ".."])
def test_a_label_never_leads_out_of_the_directory(label: str) -> None:
    folder = folder_of(replace(samples.certificate("a.example.org"), name=label))

    assert Path(folder).name == folder
    assert folder.isascii()
    assert folder[0].isalnum()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "pfx"}, "format"),
        ({"format": "p12", "password": None}, "password-file"),
        ({"format": "p12", "password": Secret("")}, "password-file"),
        ({"format": "pem", "password": PASSWORD}, "password-file"),
        ({"format": "p7b", "with_key": True}, "with-key"),
        ({"format": "der", "with_key": True}, "with-key"),
        ({"format": "pem", "out": Path("/dev/null/out.pem")}, "out"),
    ],
)
async def test_a_wish_that_makes_no_sense_names_its_option(
    core: Core, shop: Version, tmp_path: Path, fields: dict[str, object], field: str
) -> None:
    asked = replace(ExportWish(format="pem", out=tmp_path / "out"), **fields)  # type: ignore[arg-type]

    try:
        (done,) = await core.exports.export(["shop.example.org"], asked)
        error = done.error
    except InvalidInput as raised:
        error = raised

    assert isinstance(error, InvalidInput)
    assert error.field == field
    assert not (tmp_path / "out").exists()


async def test_a_missing_key_is_told_with_what_can_be_written(core: Core, tmp_path: Path) -> None:
    await stock.version(core, await stock.certificate(core, "a.example.org"), with_key=False)

    (refused,) = await core.exports.export(
        ["a.example.org"], wish(tmp_path / "out.pem", with_key=True)
    )
    (done,) = await core.exports.export(["a.example.org"], wish(tmp_path / "out.pem"))

    assert isinstance(refused.error, Refused)
    assert "without its private key" in refused.error.message
    assert "pem" in refused.error.hint
    assert done.error is None


async def test_the_trail_has_the_intent_and_the_result_of_each_export(
    core: Core, shop: Version, tmp_path: Path
) -> None:
    out = tmp_path / "store.p12"

    await core.exports.export(["shop.example.org"], wish(out, "p12"))
    await core.exports.export(["shop.example.org"], wish(out))

    assert [(line.outcome, line.detail.split(":")[0]) for line in await trail(core)] == [
        ("started", f"PKCS #12 with its key to {out}"),
        ("ok", f"version 1 as PKCS #12 with its key to {out}"),
        ("started", f"PEM without its key to {out}"),
        ("failed", f"version 1 as PEM without its key to {out}"),
    ]
    assert PASSWORD.reveal() not in str(await trail(core))


async def test_a_locked_vault_writes_nothing(core: Core, shop: Version, tmp_path: Path) -> None:
    core.access.lock()

    with pytest.raises(VaultLocked):
        await core.exports.export(["shop.example.org"], wish(tmp_path / "out", "p12"))

    assert not (tmp_path / "out").exists()


def test_a_new_password_is_long_and_another_each_time() -> None:
    made = {new_password().reveal() for _ in range(100)}

    assert len(made) == 100
    assert all(len(each) == 24 and each.isalnum() for each in made)
    assert password_advice(new_password()) == ""
    assert "16 characters" in password_advice(Secret("short"))
    assert "Java" in password_advice(Secret("long enough, but with an ü"))
