"""The key of an account and what another client notes beside it, as an account that was found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from kmtui.core import keys
from kmtui.core.account_book import PENDING, VALID, email_of
from kmtui.core.account_keys import parse_account_key
from kmtui.core.acme import thumbprint
from kmtui.core.imports.files import naming
from kmtui.core.imports.found import FoundAccount
from kmtui.text import Secret

_STATUSES = frozenset({VALID, "deactivated", "revoked"})
"""Words of RFC 8555 section 7.1.6 that are believed."""
_LONGEST = 1000
"""Characters of a URL."""
_EMAIL = re.compile(r"[!-~]{1,64}@[!-~]{1,255}")


def account_from(
    key_text: str,
    *,
    where: str,
    client: str,
    directory_url: str,
    fits: Callable[[str], bool],
    account_url: Any = None,
    contact: Any = None,
    email: Any = None,
    status: Any = None,
) -> FoundAccount:
    """An account by its key (PEM or JWK) and whatever was noted of it, which may be anything.

    Without a URL it is one whose registration is not known to be finished.
    Raises InvalidInput that names the file.
    """
    with naming(where):
        key = parse_account_key(key_text)
    url = account_url if _is_url(account_url) else None
    addresses = contact if isinstance(contact, list) else []
    return FoundAccount(
        client=client,
        key_pem=Secret(keys.to_pem(key)),
        thumbprint=thumbprint(key),
        key_type=keys.key_type_of(key),
        directory_url=directory_url,
        fits=fits,
        account_url=url,
        email=_email(email) or _email_of(addresses),
        status=PENDING if url is None else status if status in _STATUSES else VALID,
        where=where,
    )


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a text is; an empty one for any other text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def member(document: Any, *way: str) -> Any:
    """What an object has at the end of a way of names; None where there is nothing."""
    for name in way:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _is_url(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > _LONGEST or not text.isascii():
        return False
    try:
        return urlsplit(text).scheme == "https" and bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _email(text: Any) -> str | None:
    return text if isinstance(text, str) and _EMAIL.fullmatch(text) else None


def _email_of(contact: list[Any]) -> str | None:
    return _email(email_of([each for each in contact if isinstance(each, str)]))
