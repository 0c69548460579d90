"""From a line of the trail to the screen of the thing that was acted on, while there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kmtui.model import Activity
from kmtui.screens.page import Page

if TYPE_CHECKING:
    from kmtui.core.core import Core

Find = Callable[["Core", str], Awaitable[Page]]


async def screen_of(core: Core, line: Activity) -> Page | None:
    """The screen of what the line is about; None where it is about no single thing.

    Raises NotFound for a thing that was removed since.
    """
    find = FOUND_BY.get(line.object_type)
    word = line.object_name if line.object_type in NAMED else line.object_id
    return None if find is None or not word else await find(core, word)


async def _certificate(core: Core, word: str) -> Page:
    from kmtui.screens.certificate import CertificateScreen

    return CertificateScreen((await core.certificates.get(word)).id)


async def _request(core: Core, word: str) -> Page:
    from kmtui.screens.request import RequestScreen

    return RequestScreen((await core.requests.get(word)).id)


async def _account(core: Core, word: str) -> Page:
    from kmtui.screens.account import AccountScreen

    account = await core.accounts.get(word)
    return AccountScreen(account.id, account.name)


async def _authority(core: Core, word: str) -> Page:
    from kmtui.screens.authority import AuthorityScreen

    authority = await core.cas.get(word)
    return AuthorityScreen(authority.name, authority.title)


async def _dns_account(core: Core, word: str) -> Page:
    from kmtui.screens.dns_account import DnsAccountScreen

    account = await core.dns_accounts.get(word)
    return DnsAccountScreen(account.id, account.name)


async def _end_server(core: Core, word: str) -> Page:
    from kmtui.screens.end_server import EndServerScreen

    server = await core.end_servers.get(word)
    return EndServerScreen(server.id, server.name)


async def _mapping(core: Core, word: str) -> Page:
    from kmtui.core.errors import NotFound
    from kmtui.screens.mappings import MappingsScreen

    if not any(mapping.id == word for mapping in await core.mappings.all()):
        raise NotFound("that mapping was removed")
    return MappingsScreen()


FOUND_BY: dict[str, Find] = {
    "certificate": _certificate,
    "request": _request,
    "account": _account,
    "ca": _authority,
    "dns": _dns_account,
    "server": _end_server,
    "mapping": _mapping,
}
"""By the trail's word for the kind of thing."""
NAMED = frozenset({"ca"})
"""Kinds of things that are known by their name."""
