"""A bearer token for Azure Resource Manager, and the clouds it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard

from kmtui.core.clock import utc_now

SHORT_LIFE = 300.0
"""Seconds a token is trusted for when its answer does not say."""

_WORD = re.compile(r"[\x21-\x7e]{1,65536}")


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of the separate Azure clouds; a token of one is worth nothing in another."""

    login: str
    arm: str
    """The host of Azure Resource Manager, which is also the audience of its tokens."""

    @property
    def scope(self) -> str:
        """What is asked for with OAuth 2.0 (v2 endpoint)."""
        return f"{self.arm}/.default"

    @property
    def resource(self) -> str:
        """What is asked for with the older form of managed identities and the Azure CLI."""
        return f"{self.arm}/"


CLOUDS = {
    "public": Cloud("https://login.microsoftonline.com", "https://management.azure.com"),
    "usgov": Cloud("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
    "china": Cloud("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
}


class NotOffered(Exception):
    """A way to sign in that this account, host or platform does not have."""

    def __init__(self, reason: str, *, hint: str = "", passing: bool = False) -> None:
        """`passing`: it may be there the next time."""
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and how many seconds it was valid for when it was given."""

    text: str = field(repr=False)
    seconds: float

    @classmethod
    def read(cls, answer: object) -> Token | None:
        """The token in a parsed answer; None when there is none that can be sent.

        Entra ID, the metadata services and the Azure CLI name things differently, and give numbers
        as numbers or as strings.
        """
        if not isinstance(answer, dict):
            return None
        text = answer.get("access_token") or answer.get("accessToken")
        if not is_one_word(text):
            return None
        return cls(text, _lifetime(answer))


def is_one_word(text: object) -> TypeGuard[str]:
    """Whether a credential can stand in an HTTP header: printable ASCII without blanks."""
    return isinstance(text, str) and _WORD.fullmatch(text) is not None


def _lifetime(answer: Mapping[str, object]) -> float:
    """Seconds from now, at least 1."""
    seconds = _number(answer.get("expires_in"))
    if seconds is None and (moment := _number(answer.get("expires_on"))) is not None:
        seconds = moment - utc_now().timestamp()
    if seconds is None and isinstance(local := answer.get("expiresOn"), str):
        try:
            # The Azure CLI before 2.54 gives local time, without saying so.
            seconds = (datetime.fromisoformat(local).astimezone() - utc_now()).total_seconds()
        except (ValueError, OverflowError):
            seconds = None
    return max(1.0, SHORT_LIFE if seconds is None else seconds)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e12 else None
