"""Calls of ClouDNS's HTTP interface with one API user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kmtui.core.dns.api import PASSING, Api, Reply
from kmtui.core.dns.cloudns_errors import limited, refusal, refused
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.provider import Secrets
from kmtui.core.errors import DnsProviderError, InvalidInput

TITLE = "ClouDNS"
BASE_URL = "https://api.cloudns.net/dns"
PER_SECOND, AT_ONCE = 8.0, 10
"""Calls: 20 in a second, 600 in a minute and 36 000 in an hour are allowed to an IP address."""
TRIES = 5
"""Of one call; each pause is twice the one before."""

USERS = {"auth_id": "auth-id", "sub_auth_id": "sub-auth-id", "sub_auth_user": "sub-auth-user"}
"""What an API user may be named by: our setting and ClouDNS's parameter."""


class CloudnsSession:
    """Calls are POSTs with form bodies: the password is a parameter of each, not to be in a URL."""

    def __init__(self, user: Mapping[str, str], base_url: str, pace: Pace | None = None) -> None:
        """`user` is the pair of parameters that authorises; see `api_user`."""
        self._user = user
        self._api = Api(
            TITLE,
            base_url or BASE_URL,
            pace=pace or Pace(PER_SECOND, burst=AT_ONCE, why="ClouDNS's limit"),
            limited=limited,
        )

    async def call(self, method: str, **parameters: str) -> Any:
        """The answer to one call, as JSON; parameters are written with ``_`` for ``-``.

        Raises DnsProviderError.
        """
        named = {name.replace("_", "-"): value for name, value in parameters.items()}
        reply = await self._api.call(
            "POST",
            f"/{method}.json",
            form={**self._user, **named},
            passing=self._passing,
            tries=TRIES,
        )
        text = refused(reply)
        if text is not None:
            raise refusal(self._api, reply, text)
        if not reply.ok:
            raise self._api.unreadable(reply)
        return reply.json()

    def _passing(self, reply: Reply) -> DnsProviderError | None:
        """What is no answer: it comes from something between, or from a limit nobody documents."""
        if reply.status in PASSING or refused(reply) is not None:
            return None
        is_answer = reply.json() is not None and reply.status != 403
        return None if is_answer else self._api.unreadable(reply)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()


def api_user(settings: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    """The parameters that authorise: one of three names, and the password. Raises InvalidInput."""
    given = {field: settings[field].strip() for field in USERS if settings.get(field, "").strip()}
    if len(given) != 1:
        field = list(given)[1] if given else "auth_id"
        raise InvalidInput(
            "an API user is named in one way" if given else "no API user is named",
            field=field,
            hint="give one of " + ", ".join(USERS),
        )
    ((field, name),) = given.items()
    if field != "sub_auth_user" and not (name.isascii() and name.isdigit()):
        raise InvalidInput(
            f"{name!r} is no number",
            field=field,
            hint="the id of an API user is a number; a sub-user's name belongs into sub_auth_user",
        )
    password = secrets.get("auth_password", "")
    text = password.decode("utf-8", "replace") if isinstance(password, bytes) else password
    # Any other character may well be part of a password that somebody chose.
    text = text.rstrip("\r\n")
    if not text:
        raise InvalidInput("the API user's password is missing", field="auth_password")
    return {USERS[field]: name, "auth-password": text}


def rows(answer: Any) -> list[Mapping[str, Any]]:
    """The objects of a list: an array, or an object by id; an empty array when there are none."""
    found = list(answer.values()) if isinstance(answer, dict) else answer
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
