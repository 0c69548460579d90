"""AWS Signature Version 4 as a server checks it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What a request is signed with."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def access_key_of(headers: Mapping[str, str]) -> str:
    """The access key id that a request names; empty when it is not signed."""
    found = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    return found["key"] if found else ""


def is_signed(
    keys: Keys, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether the request's signature was made with these keys. `path` and `query` are as sent."""
    found = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if found is None:
        return False
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs),
            *(f"{name}:{headers[name].strip()}" for name in found["headers"].split(";")),
            "",
            found["headers"],
            _digest(body),
        ]
    )
    to_sign = f"AWS4-HMAC-SHA256\n{headers['X-Amz-Date']}\n{found['scope']}\n"
    to_sign += _digest(canonical.encode())
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in found["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return hmac.compare_digest(expected, found["signature"])


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
