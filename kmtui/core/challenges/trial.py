"""A challenge that no CA set: whether what an end server answers can be seen over HTTP."""

from __future__ import annotations

import secrets as random

from kmtui.core.errors import EndServerError
from kmtui.core.servers.server import EndServer
from kmtui.model import CheckLine


async def seen(server: EndServer, name: str) -> CheckLine:
    """Answer, look at the server's probe address as a CA would for `name`, and clean up."""
    from kmtui.core.challenges.probe import check  # imports httpx

    token = "kmtui-check-" + random.token_urlsafe(16)
    content = f"{token}.check"
    try:
        handle = await server.present(token, content)
        try:
            sight = await check(name, token, content, address=server.probe)
        finally:
            await server.clean_up(handle)
    except EndServerError as error:
        return CheckLine(None, f"not looked at over HTTP: {error.message}")
    if sight.seen:
        return CheckLine(True, f"a challenge file is seen at {server.probe} as {name}")
    return CheckLine(False, f"a challenge file is not seen at {server.probe}: {sight.detail}")
