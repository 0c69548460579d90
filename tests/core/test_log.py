"""The log: secrets never reach the file, and no text can forge a line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmtui.core.errors import InvalidInput
from kmtui.core.log import Redactor, start_logging
from kmtui.db.database import Database

CANARY = "canary-5Zt9QvXw"
PEM = f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    start_logging(None, debug=False, redactor=Redactor())
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        f"cut: -----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"('Authorization', 'sso-key {CANARY}:x')",
        f"{{'authorization': 'Basic {CANARY}'}}",
        f'{{"api_token": "{CANARY}"}}',
        f"POST auth-password={CANARY}&domain-name=example.org",
        f"client_secret={CANARY}",
        f"x-dnsme-hmac: {CANARY}",
        f"eyJhbGciOiJFUzI1NiJ9.{CANARY}.{CANARY}",
        f'{{"protected": "{CANARY}", "payload": "{CANARY}", "signature": "{CANARY}"}}',
    ],
)
def test_what_looks_like_a_secret_goes(text: str) -> None:
    assert CANARY not in Redactor().redact(text)


def test_registered_values_go_wherever_they_are() -> None:
    redactor = Redactor()
    redactor.register(CANARY)
    redactor.register("no")

    assert redactor.redact(f"x{CANARY}y, no less") == "x[redacted]y, no less"


def test_what_is_public_stays() -> None:
    text = "order https://ca.example.org/order/1 is ready for example.org, serial 03ab"

    assert Redactor().redact(text) == text


def test_tracebacks_and_libraries_pass_through_the_filter(tmp_path: Path) -> None:
    file = tmp_path / "kmtui.log"
    redactor = Redactor()
    redactor.register(CANARY)
    start_logging(file, debug=True, redactor=redactor)

    try:
        raise ValueError(f"bad {CANARY} and\n2026 a forged line \x1b]0;title\x07")
    except ValueError:
        logging.getLogger("some.library").debug("sent %s", CANARY, exc_info=True)

    text = file.read_text()
    assert CANARY not in text
    assert "\x1b" not in text
    assert "ValueError" in text
    assert [line for line in text.splitlines() if not line.startswith("    ")] == [
        text.splitlines()[0]
    ]


def test_the_file_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        start_logging(tmp_path / "kmtui.log", debug=False, redactor=Redactor())
    finally:
        os.umask(before)

    assert (tmp_path / "kmtui.log").stat().st_mode & 0o777 == 0o600


def test_a_planted_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kmtui.log").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InvalidInput) as refused:
        start_logging(tmp_path / "kmtui.log", debug=False, redactor=Redactor())

    assert refused.value.field == "log-file"


def test_nothing_is_appended_to_an_inventory(tmp_path: Path) -> None:
    Database.open(tmp_path / "kmtui.db").close_sync()
    before = (tmp_path / "kmtui.db").read_bytes()

    with pytest.raises(InvalidInput, match="something else than text") as refused:
        start_logging(tmp_path / "kmtui.db", debug=False, redactor=Redactor())

    assert refused.value.field == "log-file"
    assert (tmp_path / "kmtui.db").read_bytes() == before
