"""Values on the command line, and secrets that are given by reference only."""

from __future__ import annotations

import io
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.cli import values
from kmtui.cli.batch import names_by_line
from kmtui.cli.passphrases import ask_new_passphrase, read_passphrase
from kmtui.core.errors import InvalidInput, VaultError

CANARY = "canary-5Zt9QvXw"


def test_settings_keep_everything_after_the_first_equals_sign() -> None:
    assert values.settings(["server=ns1:53", "tsig=a=b"]) == {"server": "ns1:53", "tsig": "a=b"}


@pytest.mark.parametrize("pairs", [["server"], ["=x"], ["a=1", "a=2"]])
def test_settings_that_are_none_are_refused(pairs: list[str]) -> None:
    with pytest.raises(InvalidInput):
        values.settings(pairs)


def test_secrets_come_from_files_variables_and_commands(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n")

    found = values.secrets(
        [f"a=@{tmp_path / 'token'}", "b=env:TOKEN", f"c=cmd:echo '{CANARY} x'"],
        {"TOKEN": CANARY},
    )

    assert found == {"a": CANARY, "b": CANARY, "c": f"{CANARY} x"}


@pytest.mark.parametrize(
    "pair",
    [CANARY, f"token={CANARY}", "token=env:", "token=env:ABSENT", f"token=cmd:false {CANARY}"],
)
def test_a_secret_that_is_refused_is_not_repeated(pair: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        values.secrets([pair], {})

    assert CANARY not in refused.value.message + refused.value.hint


def test_a_command_for_a_secret_sees_no_shell(tmp_path: Path) -> None:
    found = values.secrets([f"a=cmd:echo x; touch {tmp_path / 'made'}"], {})

    assert found["a"].startswith("x;")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("text", "span"), [("30d", timedelta(days=30)), ("90m", timedelta(minutes=90))]
)
def test_durations(text: str, span: timedelta) -> None:
    assert values.duration(text, "within") == span


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1y", "999999999d", ""])
def test_what_is_no_duration_names_its_option(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        values.duration(text, "expires-within")

    assert refused.value.field == "expires-within"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (values.FILE_LIMIT + 1)])
def test_a_file_that_is_no_text_of_ours_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(InvalidInput):
        values.read_text(tmp_path / "file", "csr")
    with pytest.raises(InvalidInput):
        values.read_text(tmp_path / "absent", "csr")


def test_names_stand_one_request_a_line(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("a.example.org, b.example.org # both\n\n# nothing\n*.example.net\tx.org\n")

    assert names_by_line(str(file)) == [
        ("a.example.org", "b.example.org"),
        ("*.example.net", "x.org"),
    ]


def test_names_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.example.org\n"))
    assert names_by_line("-") == [("a.example.org",)]

    monkeypatch.setattr(sys, "stdin", io.StringIO("# none\n"))
    with pytest.raises(InvalidInput):
        names_by_line("-")


def test_a_passphrase_is_read_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b" two words \r\n")
    file.chmod(0o600)
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe\n")
    os.close(writing)

    assert read_passphrase(file) == b" two words "
    assert read_passphrase(reading) == b"from a pipe"


def test_a_passphrase_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("secret")
    file.chmod(0o640)

    with pytest.raises(VaultError, match="others may read") as refused:
        read_passphrase(file)
    assert "chmod 600" in refused.value.hint


def test_an_empty_or_absent_passphrase_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.touch(0o600)

    with pytest.raises(VaultError, match="empty"):
        read_passphrase(file)
    with pytest.raises(VaultError, match="cannot read"):
        read_passphrase(tmp_path / "absent")
    with pytest.raises(VaultError, match="descriptor 987"):
        read_passphrase(987)


def test_a_new_passphrase_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one", "two", "same", "same"])
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: next(typed))

    with pytest.raises(InvalidInput, match="differ"):
        ask_new_passphrase()
    assert ask_new_passphrase() == b"same"
