"""TSIG keys are read from fields or from the file of tsig-keygen, and never show their secret."""

from __future__ import annotations

import base64
import traceback

import dns.tsig
import pytest

from kmtui.core.dns.tsig import ALGORITHMS, read_key
from kmtui.core.errors import InvalidInput

SECRET = base64.b64encode(b"thirty-two bytes, more or less..").decode()
CLAUSE = f"""# made by tsig-keygen
key "main-key" {{
    algorithm hmac-sha512; // strong
    secret "{SECRET}";
}};
"""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_can_sign(algorithm: str) -> None:
    key = read_key("k", algorithm, SECRET)

    assert key is not None
    assert dns.tsig.get_context(key).sign()
    assert key.label == f"k with {algorithm}"


def test_no_key_at_all_is_allowed() -> None:
    assert read_key("", "hmac-sha256", "") is None


def test_a_key_file_brings_name_and_algorithm() -> None:
    key = read_key("", "hmac-sha256", CLAUSE.encode())

    assert key is not None
    assert key.label == "main-key with hmac-sha512"
    assert key.secret == base64.b64decode(SECRET)


@pytest.mark.parametrize("secret", ["ab//cd//efgh", "/*ab/*/cd*/e"])
def test_a_secret_that_looks_like_a_comment_is_read_whole(secret: str) -> None:
    decoded = base64.b64decode(secret.replace("*", "+"))

    key = read_key("", "hmac-sha256", CLAUSE.replace(SECRET, secret.replace("*", "+")))

    assert key is not None
    assert key.secret == decoded


@pytest.mark.parametrize(
    ("name", "algorithm", "secret", "field"),
    [
        ("k", "hmac-sha256", "", "tsig_secret"),
        ("", "hmac-sha256", SECRET, "tsig_name"),
        ("k", "hmac-sha3", SECRET, "tsig_algorithm"),
        ("k", "hmac-sha256", SECRET[:-3] + "*", "tsig_secret"),
        ("k", "hmac-sha256", "hunter2é".encode(), "tsig_secret"),
        ("k", "hmac-sha256", "====", "tsig_secret"),
        ("k..k", "hmac-sha256", SECRET, "tsig_name"),
        ("other", "hmac-sha256", CLAUSE, "tsig_name"),
        ("", "hmac-sha256", CLAUSE.replace("algorithm", "a"), "tsig_secret"),
        ("", "hmac-sha256", CLAUSE.replace("secret", "s"), "tsig_secret"),
        ("", "hmac-sha256", CLAUSE.replace('"main-key"', ""), "tsig_secret"),
        ("", "hmac-sha256", CLAUSE + CLAUSE, "tsig_secret"),
    ],
)
def test_a_key_that_cannot_work_names_its_field(
    name: str, algorithm: str, secret: str | bytes, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_key(name, algorithm, secret)

    assert caught.value.field == field


@pytest.mark.parametrize("secret", [SECRET[:-3] + "*", "hunter2-é", CLAUSE + CLAUSE])
def test_an_error_never_quotes_the_secret(secret: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_key("k", "hmac-sha256", secret.encode())

    error = caught.value
    shown = f"{error!r} {error.hint} " + "".join(traceback.format_exception(error))
    assert SECRET[:12] not in shown
    assert "hunter2" not in shown


def test_a_key_does_not_show_its_secret() -> None:
    key = read_key("k", "hmac-md5", SECRET)

    assert repr(key) == "TsigKey(k with hmac-md5)"
    assert SECRET not in f"{key} {key!r}"
