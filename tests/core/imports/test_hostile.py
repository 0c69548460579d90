"""Any octets in any file of any place: read, or refused by name, and never anything else."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kmtui.core import keys
from kmtui.core.errors import InvalidInput
from kmtui.core.imports import files
from kmtui.core.imports.accounts import account_from
from kmtui.core.imports.live import address_of
from kmtui.core.imports.places import read_places
from kmtui.core.imports.pool import Pool
from kmtui.text import Secret
from tests.core.imports.made import (
    acme_sh_account,
    acme_sh_certificate,
    certbot_account,
    certbot_lineage,
    lego_account,
    lego_certificate,
    made,
)
from tests.core.imports.test_files import SHOP, WHOLE

PASSWORD = Secret(b"a long pass phrase")
KEY = keys.generate("ec256")
SEEDS = [
    *(content.encode() if isinstance(content, str) else content for content in WHOLE.values()),
    SHOP.leaf.public_bytes(Encoding.DER),
    keys.to_pem(KEY),
]
QUICK = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A good file with some octets replaced, left out or put in."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content)


@QUICK
@given(st.one_of(st.binary(max_size=300), changed()), st.booleans())
@example(b"0", True)
@example(b"0\x840000", True)
@example(b"\x30\x82", True)
def test_a_file_is_read_or_refused(content: bytes, with_password: bool) -> None:
    with suppress(InvalidInput):
        pieces = files.read(content, "some/file", PASSWORD if with_password else None)
        pool = Pool()
        pieces.pour(pool, "some/file")
        pool.certificates()


@QUICK
@given(st.one_of(st.text(max_size=200), changed().map(lambda c: c.decode("utf-8", "replace"))))
def test_an_account_key_is_read_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        account_from(
            text, where="some/key", client="x", directory_url="https://x/", fits=lambda _: False
        )


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_state_directory_with_anything_in_a_file_is_read(data: st.DataObject) -> None:
    state = data.draw(st.sampled_from(["certbot", "lego", "acme.sh"]))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _state(root, state)
        victims = sorted(path for path in root.rglob("*") if path.is_file())
        victim = data.draw(st.sampled_from(victims))
        victim.unlink()
        match data.draw(st.sampled_from(["octets", "text", "link", "folder", "nothing"])):
            case "octets":
                victim.write_bytes(data.draw(st.one_of(st.binary(max_size=200), changed())))
            case "text":
                victim.write_text(data.draw(st.text(st.characters(codec="utf-8"), max_size=200)))
            case "link":
                victim.symlink_to(data.draw(st.sampled_from(["/etc/passwd", "..", victim.name])))
            case "folder":
                victim.mkdir()

        found = read_places([root], None)

    assert all(isinstance(trouble.error, InvalidInput) for trouble in found.troubles)
    for certificate in found.certificates:
        with suppress(InvalidInput):
            certificate.names()


def _state(root: Path, client: str) -> None:
    if client == "certbot":
        certbot_lineage(root, "shop.example.org", [SHOP, made("shop.example.org")])
        certbot_account(root, KEY)
    elif client == "lego":
        lego_certificate(root, SHOP, "shop.example.org")
        lego_account(root, KEY)
    else:
        acme_sh_certificate(root, SHOP, "shop.example.org")
        acme_sh_account(root, KEY)


@QUICK
@given(st.text(max_size=60), st.booleans())
def test_a_server_is_an_address_or_refused(text: str, url: bool) -> None:
    with suppress(InvalidInput):
        address_of(f"https://{text}" if url else text)
