"""TSIG keys (RFC 8945) from what an operator has: three fields, or a ``tsig-keygen`` file."""

from __future__ import annotations

import base64
import binascii
import re

import dns.exception
import dns.name
import dns.tsig

from kmtui.core.errors import InvalidInput

DEFAULT_ALGORITHM = "hmac-sha256"
# The word of the configuration, and the algorithm's name on the wire (RFC 8945 section 6).
ALGORITHMS = {
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha224": dns.tsig.HMAC_SHA224,
    "hmac-sha1": dns.tsig.HMAC_SHA1,
    "hmac-md5": dns.tsig.HMAC_MD5,
    "hmac-sha256-128": dns.tsig.HMAC_SHA256_128,
    "hmac-sha384-192": dns.tsig.HMAC_SHA384_192,
    "hmac-sha512-256": dns.tsig.HMAC_SHA512_256,
}

_CLAUSE = re.compile(r'\s*key\s+"?(?P<name>[^"\s{]+)"?\s*\{(?P<body>[^}]*)\}\s*;?\s*')
_STATEMENT = re.compile(r'(algorithm|secret)\s+"?([^";\s]+)"?\s*;')
_COMMENT = re.compile(r'("[^"\n]*")|(?://|#)[^\n]*|/\*.*?\*/', re.DOTALL)
"""A comment, or a quoted word: base64 may hold what looks like one."""


class TsigKey(dns.tsig.Key):
    """A TSIG key that never shows its secret."""

    def __repr__(self) -> str:
        return f"TsigKey({self.label})"

    @property
    def label(self) -> str:
        """Name and algorithm, as an operator knows them."""
        return f"{self.name.to_text(omit_final_dot=True)} with {self.word}"

    @property
    def word(self) -> str:
        """The algorithm's word: ``hmac-md5``, not its long name on the wire."""
        return next(word for word, wire in ALGORITHMS.items() if wire == self.algorithm)

    def with_algorithm(self, word: str) -> TsigKey:
        """The same name and secret with another algorithm."""
        return TsigKey(self.name, self.secret, ALGORITHMS[word])


def read_key(name: str, algorithm: str, secret: bytes | str) -> TsigKey | None:
    """The key of these fields; None when neither name nor secret is given.

    `secret` is base64, or a whole ``key "name" { algorithm …; secret "…"; };`` clause that names
    the key and its algorithm itself. Raises InvalidInput naming the field; never quotes the secret.
    """
    text = _text(secret)
    if re.match(r"key\s", _without_comments(text).lstrip()):
        name, algorithm, text = _read_clause(text, name)
    if not name and not text:
        return None
    if not name:
        raise InvalidInput("a TSIG secret is given, but no key name", field="tsig_name")
    if not text:
        raise InvalidInput(f"the secret of TSIG key {name!r} is missing", field="tsig_secret")
    if algorithm not in ALGORITHMS:
        raise InvalidInput(
            f"TSIG algorithm {algorithm!r} is not supported",
            field="tsig_algorithm",
            hint="one of: " + ", ".join(ALGORITHMS),
        )
    return TsigKey(_key_name(name), _decode(text), ALGORITHMS[algorithm])


def _text(secret: bytes | str) -> str:
    try:
        text = secret.decode("ascii") if isinstance(secret, bytes) else secret
    except UnicodeDecodeError:
        # `from None`: the original error holds the secret.
        raise _bad_secret() from None
    return text.strip()


def _read_clause(text: str, name: str) -> tuple[str, str, str]:
    clause = _CLAUSE.fullmatch(_without_comments(text))
    if clause is None:
        raise InvalidInput("the TSIG key file is not one key { … }; clause", field="tsig_secret")
    statements = dict(_STATEMENT.findall(clause["body"]))
    for part in ("algorithm", "secret"):
        if part not in statements:
            raise InvalidInput(f"the TSIG key file names no {part}", field="tsig_secret")
    if name and _key_name(name) != _key_name(clause["name"]):
        raise InvalidInput(
            f"the TSIG key file is for key {clause['name']!r}, not {name!r}", field="tsig_name"
        )
    return clause["name"], statements["algorithm"].lower(), statements["secret"]


def _without_comments(text: str) -> str:
    return _COMMENT.sub(lambda found: found[1] or "", text)


def _key_name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException:
        raise InvalidInput(f"{text!r} is not a key name", field="tsig_name") from None


def _decode(text: str) -> bytes:
    try:
        secret = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _bad_secret() from None
    if not secret:
        raise _bad_secret()
    return secret


def _bad_secret() -> InvalidInput:
    return InvalidInput(
        "the TSIG secret is not base64",
        field="tsig_secret",
        hint="paste it as tsig-keygen prints it, or give the whole key file",
    )
