"""Account keys in files: as kmtui writes them, and as other ACME clients keep theirs.

PEM is what lego, acme.sh and most others have; certbot keeps a JWK (RFC 7517). What a client notes
about an account in a file beside the key leads to the key, too.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.errors import InvalidInput
from kmtui.core.formats.work import refuse_costly
from kmtui.core.inspection import pem_blocks
from kmtui.core.keys import PrivateKey

FIELD = "key"
"""The option and form field that a key is given in."""
MOST = keys.MAX_PEM
"""Octets of a file that are read."""
LARGEST_RSA = 8192
"""Bits: larger ones take many seconds to be checked, and CAs refuse them."""
LARGEST_FACTORED = 4096
"""Bits of a modulus whose factors are looked for."""
MOST_TRIES = 24
"""Each finds the factors of an honest key half of the times, in a tenth of a second."""

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
"""Curve by its name in a JWK (RFC 7518 section 6.2.1.1)."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An account's private key as it was read."""

    key: PrivateKey = field(repr=False)
    account_url: str | None = None
    """Where the file says that the account is."""


class Note(NamedTuple):
    """What another client writes about an account, in JSON, beside the account's key."""

    client: str
    members: frozenset[str]
    """Members that tell it from other JSON objects."""
    key: str
    """Where the key is from there, as a pattern."""
    url: tuple[str, ...]
    """The way to the account's URL."""


NOTES = (
    Note("certbot", frozenset({"body", "uri"}), "private_key.json", ("uri",)),
    Note("lego", frozenset({"email", "registration"}), "keys/*.key", ("registration", "uri")),
    Note("acme.sh or Caddy", frozenset({"status"}), "*.key", ("location",)),
)


def read_account_key(path: Path) -> AccountKey:
    """The key in a file: PEM, JWK, or what certbot, lego, acme.sh and Caddy keep of an account.

    Blocks, and takes seconds for a huge key: call it in a thread.
    Raises InvalidInput (field ``key``), never with anything of the content in it.
    """
    text = _text_of(path)
    document = _json_object(text)
    if document is None or "kty" in document:
        return AccountKey(parse_account_key(text))
    for note in NOTES:
        if note.members <= document.keys():
            return AccountKey(
                parse_account_key(_text_of(_beside(path, note))), _member(document, note.url)
            )
    raise _refused(f"{path} holds no account key that kmtui can read")


def parse_account_key(text: str) -> PrivateKey:
    """The key of a PEM or JWK text. Raises InvalidInput (field ``key``)."""
    document = _json_object(text)
    if document is not None:
        key = _from_jwk(document)
    else:
        try:
            for block in pem_blocks(text):
                if not block.encrypted:
                    refuse_costly(block.octets)
            key = keys.load_private_key(text.encode())
        except InvalidInput as error:
            # Also where it is encrypted: there is no field for a password.
            raise _refused(error.message, _IN_THE_CLEAR) from error
    thumbprint(key)  # raises for a curve that ACME has no signatures for
    return key


def to_jwk(key: PrivateKey) -> bytes:
    """The key as a JWK (RFC 7518 sections 6.2 and 6.3): what certbot calls private_key.json."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        public = numbers.public_numbers
        integers = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
        integers |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        members = {"kty": "RSA"} | {name: _b64(value) for name, value in integers.items()}
    else:
        pair = key.private_numbers()
        size = (key.curve.key_size + 7) // 8
        members = {
            "kty": "EC",
            "crv": next(name for name, curve in _CURVES.items() if isinstance(key.curve, curve)),
            "x": _b64(pair.public_numbers.x, size),
            "y": _b64(pair.public_numbers.y, size),
            "d": _b64(pair.private_value, size),
        }
    return json.dumps(members, indent=2).encode() + b"\n"


FORMATS: dict[str, Callable[[PrivateKey], bytes]] = {"pem": keys.to_pem, "jwk": to_jwk}
"""How a key is written, by the word for it."""


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST + 1)
    except OSError as error:
        raise _refused(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MOST:
        raise _refused(f"{path} is too long for an account key")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _refused(f"{path} is not text", "an account key is given as PEM or JWK") from None


def _json_object(text: str) -> Mapping[str, Any] | None:
    """The JSON object that the text is; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused("this is not readable as JSON") from None
    return document if isinstance(document, dict) else None


def _beside(path: Path, note: Note) -> Path:
    """The one key file that belongs to a note."""
    found = sorted(path.parent.glob(note.key))
    if len(found) != 1:
        where = path.parent / note.key
        raise _refused(
            f"{path} is what {note.client} notes of an account, not its key",
            f"give the key itself: {where}"
            if not found
            else f"give one of {', '.join(str(each) for each in found[:5])}",
        )
    return found[0]


def _member(document: Mapping[str, Any], way: tuple[str, ...]) -> str | None:
    found: Any = document
    for name in way:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _from_jwk(document: Mapping[str, Any]) -> PrivateKey:
    try:
        match document.get("kty"):
            case "RSA":
                return _rsa(document)
            case "EC":
                return _ec(document)
            case str() as kind:
                raise _refused(f"a JWK of type {kind[:20]} is no key for ACME accounts: RSA and EC")
    except ValueError as error:
        # Nothing of the numbers may end up in a message.
        raise _refused("the JWK is damaged, or not a private key") from error
    raise _refused("this JSON text is not a JWK: it has no member kty")


def _rsa(document: Mapping[str, Any]) -> PrivateKey:
    n, e, d = (_number(document, name) for name in ("n", "e", "d"))
    if "p" in document:
        p, q, dp, dq, qi = (_number(document, name) for name in ("p", "q", "dp", "dq", "qi"))
    else:  # RFC 7518 section 6.3.2: the factors may be left out, all of them
        p, q = _factors(n, e, d)
        dp, dq = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q)
        qi = rsa.rsa_crt_iqmp(p, q)
    public = rsa.RSAPublicNumbers(e, n)
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public).private_key()


def _factors(n: int, e: int, d: int) -> tuple[int, int]:
    """The primes of a modulus, by its exponents (NIST SP 800-56B appendix C.1). The library would
    try for hours where there are none. Raises ValueError, InvalidInput.
    """
    if n.bit_length() > LARGEST_FACTORED:
        raise _refused(
            f"an RSA key of more than {LARGEST_FACTORED} bits whose JWK leaves the factors out",
            "give it as PEM, or with the members p, q, dp, dq and qi",
        )
    product = d * e - 1
    if not 1 < d < n or product < 1:
        raise ValueError("no exponents")
    twos = (product & -product).bit_length() - 1
    for _ in range(MOST_TRIES):
        root = pow(secrets.randbelow(n - 3) + 2, product >> twos, n)
        for _ in range(twos):
            square = root * root % n
            if square == 1 and root not in (1, n - 1):
                factor = math.gcd(root - 1, n)
                return max(factor, n // factor), min(factor, n // factor)
            if root in (1, n - 1):
                break
            root = square
    raise ValueError("no factors")


def _ec(document: Mapping[str, Any]) -> PrivateKey:
    curve = _CURVES.get(str(document.get("crv")))
    if curve is None:
        raise _refused(f"the JWK is on none of the curves {', '.join(_CURVES)}")
    x, y, d = (_number(document, name) for name in ("x", "y", "d"))
    public = ec.EllipticCurvePublicNumbers(x, y, curve())
    return ec.EllipticCurvePrivateNumbers(d, public).private_key()


def _number(document: Mapping[str, Any], name: str) -> int:
    """Raises ValueError."""
    text = document.get(name)
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(f"no number {name}")
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError(f"no number {name}") from None
    if len(octets) > LARGEST_RSA // 8:
        raise _refused(f"an RSA key of more than {LARGEST_RSA} bits is no account key")
    return int.from_bytes(octets, "big")


def _b64(number: int, size: int = 0) -> str:
    octets = number.to_bytes(size or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


_IN_THE_CLEAR = (
    "a PEM file that begins with a line like -----BEGIN PRIVATE KEY-----, without a password "
    "(openssl pkey -in FILE -out PLAIN takes it away), or a JWK"
)


def _refused(message: str, hint: str = "") -> InvalidInput:
    return InvalidInput(
        message,
        field=FIELD,
        hint=hint
        or "a PEM or JWK file: certbot's private_key.json, acme.sh's account.key, "
        "lego's keys/NAME.key",
    )
